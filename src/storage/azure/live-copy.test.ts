import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../core/manual-clock.ts';
import type { LiveExport } from '../../core/ports/export.ts';
import type { HttpRequest } from '../../core/ports/http-sender.ts';
import { SILENT_LOGGER } from '../../core/ports/log.ts';
import { SimulatedDisk } from '../../journal/testing/simulated-disk.ts';
import { AddressPolicy } from '../../net/address-policy.ts';
import { systemRandom } from '../../telemetry/system-random.ts';
import { FileBlobStore } from '../file-blob-store.ts';
import { AzureLiveExports } from './azure-live-exports.ts';
import { ContainerAccesses } from './container-access.ts';
import { FakeBlobService } from './testing/fake-blob-service.ts';

const BLOCK_BYTES = 256 * 1024;
const HEADER_BYTES = 44;
const CONTAINER_URL = 'https://acme.blob.core.windows.net/calls?sp=rcw&sig=c2VjcmV0';

let service: FakeBlobService;
let clock: ManualClock;
let blobs: FileBlobStore;
let exports: AzureLiveExports;

beforeEach(async () => {
  service = new FakeBlobService();
  clock = new ManualClock();
  blobs = await FileBlobStore.open(new SimulatedDisk(), '/blobs');
  const accesses = new ContainerAccesses([], new AddressPolicy([]));
  const tools = { sender: service, clock, random: systemRandom, blobs, log: SILENT_LOGGER };
  exports = new AzureLiveExports(accesses, tools);
});

/** A local file of some blocks and its copy; both grow at once and are whole with `finish`. */
async function growing(
  name: string,
  blocks: number,
): Promise<{ copy: LiveExport; content: Uint8Array; commit: () => Promise<void> }> {
  const content = Uint8Array.from(
    { length: HEADER_BYTES + blocks * BLOCK_BYTES },
    (_, at) => (at * 7 + (at >> 8)) & 0xff,
  );
  const blobKey = `recordings/${name}`;
  const writer = await blobs.open(blobKey, HEADER_BYTES);
  const copy = exports.begin({
    target: { containerUrl: CONTAINER_URL, folder: 'f' },
    fileName: name,
    mediaType: 'audio/wav',
    blobKey,
    headerBytes: HEADER_BYTES,
  });
  await writer.append(content.subarray(HEADER_BYTES));
  copy.grown(content.length);
  const commit = async (): Promise<void> => {
    await writer.writeHeader(content.subarray(0, HEADER_BYTES));
    await writer.commit();
  };
  return { copy, content, commit };
}

/** Lets time pass until the work is done, but not while the SDK is loaded for it. */
async function passing<T>(work: Promise<T>, stepMs = 100): Promise<T> {
  const state = { isDone: false };
  const done = work.finally(() => (state.isDone = true));
  await until(() => {
    if (service.requests.length > 0) clock.advance(stepMs);
    return state.isDone;
  });
  return done;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

const isStaging = (request: HttpRequest): boolean => request.url.includes('comp=block&');
const stagings = (): number => service.requests.filter(isStaging).length;

describe('a live copy', () => {
  test('sends one block at a time, the header as the last and listed as the first', async () => {
    const { copy, content, commit } = await growing('one.wav', 3);
    await until(() => stagings() === 3);
    await commit();
    expect(await copy.finish()).toBe(true);
    expect(service.mostAtATime).toBe(1);
    const sizes = service.requests.filter(isStaging).map(({ body }) => body.length);
    expect(sizes).toEqual([BLOCK_BYTES, BLOCK_BYTES, BLOCK_BYTES, HEADER_BYTES]);
    const stored = service.blobs.get('/calls/f/one.wav');
    expect(Buffer.compare(stored ?? new Uint8Array(), content)).toBe(0);
  });

  test('shares four uploads at a time with the others of its thread, and so their memory', async () => {
    let open = 0;
    let most = 0;
    service.interfere = async (request) => {
      if (!isStaging(request) || request.body.length < BLOCK_BYTES) return undefined;
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setImmediate(resolve));
      open -= 1;
      return undefined;
    };
    const files = await Promise.all(
      Array.from({ length: 9 }, (_, index) => growing(`${index}.wav`, 3)),
    );
    for (const { commit } of files) await commit();
    await Promise.all(files.map(({ copy }) => copy.finish()));
    expect(most).toBe(4);
  });

  test.each([500, 503, 429, 408])('goes on after a passing %d', async (status) => {
    let left = 2;
    service.interfere = (request) =>
      isStaging(request) && left-- > 0 ? { status, headers: {} } : undefined;
    const { copy, content, commit } = await growing('one.wav', 2);
    await commit();
    expect(await passing(copy.finish())).toBe(true);
    const stored = service.blobs.get('/calls/f/one.wav');
    expect(Buffer.compare(stored ?? new Uint8Array(), content)).toBe(0);
  });

  test('is given up at a refusal, and asks nothing more', async () => {
    service.interfere = () => ({
      status: 403,
      headers: { 'x-ms-error-code': 'AuthorizationFailure' },
    });
    const { copy, commit } = await growing('one.wav', 3);
    await until(() => service.requests.length === 1);
    await commit();
    expect(await copy.finish()).toBe(false);
    copy.grown(10 * BLOCK_BYTES);
    expect(service.requests).toHaveLength(1);
  });

  test('is given up after four attempts at a container that cannot be reached', async () => {
    service.interfere = () => Promise.reject(FakeBlobService.unreachable());
    const { copy, commit } = await growing('one.wav', 1);
    await commit();
    expect(await passing(copy.finish())).toBe(false);
    expect(service.requests).toHaveLength(4);
  });

  test('that is not whole after a minute is given up, and its request ended', async () => {
    service.interfere = (request) => FakeBlobService.silent(request);
    const { copy, commit } = await growing('one.wav', 1);
    await commit();
    const finishing = copy.finish();
    await until(() => service.requests.length === 1);
    clock.advance(59_000);
    expect(service.requests[0]?.signal?.aborted).toBe(false);
    clock.advance(1_001);
    expect(await finishing).toBe(false);
    expect(service.requests[0]?.signal?.aborted).toBe(true);
  });

  test('that goes on slowly is given up after a minute too: the event does not wait for it', async () => {
    service.interfere = (request) =>
      new Promise((resolve) => {
        clock.setTimer(isStaging(request) ? 9_000 : 0, () => resolve(undefined));
      });
    const short = await growing('short.wav', 4);
    await short.commit();
    expect(await passing(short.copy.finish(), 1000)).toBe(true);
    const long = await growing('long.wav', 8);
    await long.commit();
    expect(await passing(long.copy.finish(), 1000)).toBe(false);
    expect([...service.blobs.keys()]).toEqual(['/calls/f/short.wav']);
  });

  test('that is aborted makes nothing visible and ends its request', async () => {
    service.interfere = (request) => FakeBlobService.silent(request);
    const { copy } = await growing('one.wav', 2);
    await until(() => service.requests.length === 1);
    await copy.abort();
    await copy.abort();
    expect(service.requests[0]?.signal?.aborted).toBe(true);
    expect(await copy.finish()).toBe(false);
    expect(service.blobs.size).toBe(0);
  });

  test('is not ended by an abort once it is being finished', async () => {
    const { copy, commit } = await growing('one.wav', 2);
    await commit();
    const finishing = copy.finish();
    await copy.abort();
    expect(await finishing).toBe(true);
  });

  test('is none when the container holds other bytes than the file', async () => {
    for (const wrong of [0, HEADER_BYTES + 3 * BLOCK_BYTES - 1]) {
      service.interfere = (request) => {
        const stored = service.blobs.get('/calls/f/one.wav');
        if (request.method === 'HEAD' && stored !== undefined) stored[wrong]! ^= 1;
        return undefined;
      };
      const { copy, commit } = await growing('one.wav', 3);
      await commit();
      expect(await copy.finish()).toBe(false);
    }
  });

  test('is none when the container holds a shorter blob', async () => {
    service.interfere = (request) => {
      const stored = service.blobs.get('/calls/f/one.wav');
      if (stored !== undefined && request.method === 'HEAD') {
        service.blobs.set('/calls/f/one.wav', stored.subarray(1));
      }
      return undefined;
    };
    const { copy, commit } = await growing('one.wav', 1);
    await commit();
    expect(await copy.finish()).toBe(false);
  });

  test('is none when the local file is gone', async () => {
    const { copy, commit } = await growing('one.wav', 0);
    await commit();
    await blobs.remove('recordings/one.wav');
    expect(await copy.finish()).toBe(false);
  });

  test('follows no redirect, so that its signature goes to the container only', async () => {
    service.interfere = () => ({ status: 307, headers: { location: 'https://evil.example/x' } });
    const { copy, commit } = await growing('one.wav', 1);
    await commit();
    expect(await copy.finish()).toBe(false);
    expect(service.requests.map(({ url }) => new URL(url).host)).toEqual([
      'acme.blob.core.windows.net',
    ]);
  });

  test('ids of two attempts differ, so that a late block cannot take the place of another', async () => {
    const ids = new Set<string>();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const { copy } = await growing('one.wav', 2);
      await until(() => stagings() === 2 * (attempt + 1));
      await copy.abort();
    }
    for (const { url } of service.requests) ids.add(new URL(url).searchParams.get('blockid')!);
    expect(ids.size).toBe(4);
    expect(new Set([...ids].map((id) => id.length)).size).toBe(1);
  });
});

test('a container for which nothing is configured any more is no export', async () => {
  const copy = exports.begin({
    target: { containerUrl: 'https://acme.blob.core.windows.net/calls', folder: 'f' },
    fileName: 'one.wav',
    mediaType: 'audio/wav',
    blobKey: 'one',
    headerBytes: 0,
  });
  copy.grown(10 * BLOCK_BYTES);
  expect(await copy.finish()).toBe(false);
  await copy.abort();
  expect(service.requests).toEqual([]);
});
