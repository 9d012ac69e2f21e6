import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BlobReader, BlobStore } from '../../src/core/ports/blob-store.ts';

export type BlobStoreUnderTest = {
  readonly store: BlobStore;
  /** The store as another process opens it after the first one died. */
  reopen(): Promise<BlobStore>;
  dispose(): Promise<void>;
  /** `readUnfinished` shows blobs that are being written. */
  readonly showsUnfinished: boolean;
  /** What a reader has opened stays readable when the blob is replaced; else its ranges reject. */
  readonly keepsReplaced: boolean;
};

const HEADER_BYTES = 4;

/** What every blob store promises, whatever keeps the bytes. */
export function blobStoreContract(name: string, make: () => Promise<BlobStoreUnderTest>): void {
  describe(`${name} as a blob store`, () => {
    let subject: BlobStoreUnderTest;
    let store: BlobStore;

    beforeEach(async () => {
      subject = await make();
      store = subject.store;
    });

    afterEach(() => subject.dispose());

    async function put(key: string, header: Uint8Array, ...parts: Uint8Array[]): Promise<number> {
      const writer = await store.open(key, header.length);
      for (const part of parts) await writer.append(part);
      await writer.writeHeader(header);
      return (await writer.commit()).sizeBytes;
    }

    test('gives back the header and what was appended, in order', async () => {
      const size = await put('a/one.wav', bytes(1, 2, 3, 4), bytes(5), bytes(6, 7), bytes());
      expect(size).toBe(7);
      expect(await contentOf(store, 'a/one.wav')).toEqual(bytes(1, 2, 3, 4, 5, 6, 7));
    });

    test('shows a blob at its commit and not before', async () => {
      const writer = await store.open('one', HEADER_BYTES);
      await writer.append(bytes(5));
      expect(await store.read('one')).toBeUndefined();
      await writer.writeHeader(bytes(1, 2, 3, 4));
      expect(await store.read('one')).toBeUndefined();
      await writer.commit();
      expect(await contentOf(store, 'one')).toEqual(bytes(1, 2, 3, 4, 5));
    });

    test('keeps committed blobs when it is opened again, and nothing unfinished', async () => {
      await put('whole', bytes(1, 2, 3, 4), bytes(9));
      await (await store.open('half', HEADER_BYTES)).append(bytes(5));
      const again = await subject.reopen();
      expect(await contentOf(again, 'whole')).toEqual(bytes(1, 2, 3, 4, 9));
      expect(await again.read('half')).toBeUndefined();
    });

    test('begins anew where an unfinished blob of the same key was left', async () => {
      const left = await store.open('one', HEADER_BYTES);
      await left.append(bytes(7, 7, 7, 7));
      await put('one', bytes(1, 2, 3, 4), bytes(8));
      expect(await contentOf(store, 'one')).toEqual(bytes(1, 2, 3, 4, 8));
    });

    test('replaces a committed blob only at the commit of the next', async () => {
      await put('one', bytes(1, 1, 1, 1), bytes(1));
      const writer = await store.open('one', HEADER_BYTES);
      await writer.append(bytes(2, 2));
      expect(await contentOf(store, 'one')).toEqual(bytes(1, 1, 1, 1, 1));
      await writer.writeHeader(bytes(2, 2, 2, 2));
      await writer.commit();
      expect(await contentOf(store, 'one')).toEqual(bytes(2, 2, 2, 2, 2, 2));
    });

    test('an aborted blob never appears, and aborting is idempotent', async () => {
      const writer = await store.open('one', HEADER_BYTES);
      await writer.append(bytes(5));
      await writer.abort();
      await writer.abort();
      expect(await store.read('one')).toBeUndefined();
    });

    test('aborting after the commit does nothing', async () => {
      const writer = await store.open('one', 0);
      await writer.append(bytes(5));
      await writer.writeHeader(bytes());
      await writer.commit();
      await writer.abort();
      expect(await contentOf(store, 'one')).toEqual(bytes(5));
    });

    test('a removed blob is gone, and removing is idempotent', async () => {
      await put('one', bytes(1, 2, 3, 4));
      await store.remove('one');
      await store.remove('one');
      expect(await store.read('one')).toBeUndefined();
    });

    test('any range has exactly its bytes, both ends included, as far as there are any', async () => {
      const all = Uint8Array.from({ length: 400_003 }, (_, at) => at % 251);
      await put('large', all.subarray(0, 100), all.subarray(100));
      await fc.assert(
        fc.asyncProperty(
          fc.nat({ max: all.length + 2 }),
          fc.nat({ max: all.length + 2 }),
          async (a, b) => {
            const [start, end] = a < b ? [a, b] : [b, a];
            const reader = await store.read('large');
            const read = await collect(reader!, start, end);
            expect(Buffer.compare(read, all.subarray(start, end + 1))).toBe(0);
          },
        ),
        { numRuns: 25 },
      );
    });

    test('a range that is left early leaves the reader closed', async () => {
      await put('large', bytes(), new Uint8Array(600_000));
      const reader = (await store.read('large'))!;
      for await (const piece of reader.range(0, 599_999)) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
      await expect(collect(reader, 0, 10)).rejects.toThrow();
      await reader.close();
    });

    test('lent pieces are the same bytes, to several readers at once', async () => {
      const all = Uint8Array.from({ length: 1_400_003 }, (_, at) => at % 251);
      await put('large', all.subarray(0, 100), all.subarray(100));
      const reader = (await store.read('large'))!;
      const wanted = [
        [0, all.length - 1],
        [7, 900_000],
        [600_000, 600_009],
        [all.length - 5, all.length + 5],
        [all.length, all.length + 5],
      ] as const;
      const lent = await Promise.all(
        wanted.map(async ([start, end]) => {
          const pieces: Uint8Array[] = [];
          // A copy: the next piece may come in the place of this one.
          for await (const piece of reader.lend(start, end)) pieces.push(piece.slice());
          return Buffer.concat(pieces);
        }),
      );
      for (const [index, [start, end]] of wanted.entries()) {
        expect(Buffer.compare(lent[index]!, all.subarray(start, end + 1))).toBe(0);
      }
      await reader.close();
    });

    test('lent pieces that are left early are not overwritten, and close nothing', async () => {
      await put('large', bytes(), new Uint8Array(600_000).fill(1));
      await put('other', bytes(), new Uint8Array(600_000).fill(2));
      const reader = (await store.read('large'))!;
      let left: Uint8Array | undefined;
      for await (const piece of reader.lend(0, 599_999)) {
        left = piece;
        break;
      }
      const other = (await store.read('other'))!;
      for await (const piece of other.lend(0, 599_999)) expect(piece[0]).toBe(2);
      await other.close();
      expect(left!.every((byte) => byte === 1)).toBe(true);
      expect(await collect(reader, 599_998, 599_999)).toEqual(bytes(1, 1));
    });

    test('what is read is of one blob, also when it is replaced meanwhile', async () => {
      await put('one', bytes(), new Uint8Array(300_000).fill(1));
      const reader = (await store.read('one'))!;
      await put('one', bytes(), new Uint8Array(300_000).fill(2));
      const reading = collect(reader, 0, 299_999);
      if (subject.keepsReplaced) expect(await reading).toEqual(new Uint8Array(300_000).fill(1));
      else await expect(reading).rejects.toMatchObject({ fault: 'destination' });
    });

    test('an unfinished blob shows what is durable so far, where it can be read', async () => {
      expect(await store.readUnfinished('a/one')).toBeUndefined();
      const writer = await store.open('a/one', HEADER_BYTES);
      await writer.append(bytes(5, 6));
      const early = await store.readUnfinished('a/one');
      if (!subject.showsUnfinished) {
        expect(early).toBeUndefined();
        return;
      }
      await writer.append(bytes(7));
      const late = (await store.readUnfinished('a/one'))!;
      await writer.writeHeader(bytes(1, 2, 3, 4));
      await writer.commit();
      expect(early!.sizeBytes).toBe(6);
      expect(await collect(early!, 0, 5)).toEqual(bytes(1, 2, 3, 4, 5, 6));
      expect(late.sizeBytes).toBe(7);
      expect(await collect(late, HEADER_BYTES, 6)).toEqual(bytes(5, 6, 7));
      expect(await store.readUnfinished('a/one')).toBeUndefined();
    });

    test('an unfinished blob is none after its abort, and readers of it go on', async () => {
      const writer = await store.open('one', HEADER_BYTES);
      await writer.append(bytes(5));
      const reader = await store.readUnfinished('one');
      await writer.abort();
      expect(await store.readUnfinished('one')).toBeUndefined();
      expect(reader !== undefined).toBe(subject.showsUnfinished);
      if (reader !== undefined) expect(await collect(reader, 0, 4)).toEqual(bytes(0, 0, 0, 0, 5));
    });

    test('bytes of every length and value come back unchanged', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.uint8Array({ maxLength: 8 }),
          fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 4 }),
          async (header, parts) => {
            await put('any', header, ...parts);
            expect(await contentOf(store, 'any')).toEqual(
              new Uint8Array(Buffer.concat([header, ...parts])),
            );
          },
        ),
        { numRuns: 20 },
      );
    });

    test('a key that could leave the store is refused', async () => {
      for (const key of ['../x', 'a/../../x', '/x', '.hidden', 'a//b', '', 'A', 'a/', 'a\\b']) {
        await expect(store.open(key, 0)).rejects.toThrow('not a blob key');
        await expect(store.read(key)).rejects.toThrow('not a blob key');
        await expect(store.readUnfinished(key)).rejects.toThrow('not a blob key');
        await expect(store.remove(key)).rejects.toThrow('not a blob key');
      }
    });
  });
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

async function contentOf(store: BlobStore, key: string): Promise<Uint8Array> {
  const reader = await store.read(key);
  if (reader === undefined) throw new Error(`there is no ${key}`);
  return collect(reader, 0, reader.sizeBytes - 1);
}

/** Reads a range and closes the reader. */
async function collect(reader: BlobReader, start: number, end: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of reader.range(start, end)) pieces.push(piece);
  await reader.close();
  return new Uint8Array(Buffer.concat(pieces));
}
