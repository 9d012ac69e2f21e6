import { expect, test } from 'vitest';
import type { DocumentId } from '../core/ids.ts';
import { ManualClock } from '../core/manual-clock.ts';
import { SILENT_LOGGER } from '../core/ports/log.ts';
import type { ChunkRecord } from '../core/records.ts';
import { RecentFiles, type StoredFile } from './recent-files.ts';
import { FakeBlobs } from './testing/fake-blobs.ts';

const A = 'a' as DocumentId;

class Files {
  readonly clock = new ManualClock();
  readonly blobs = new FakeBlobs();
  readonly recent = new RecentFiles(this.clock, SILENT_LOGGER);
  opened = 0;

  take(documentId: DocumentId = A): ReturnType<RecentFiles['take']> {
    return this.recent.take(documentId, () => this.open(documentId));
  }

  async open(documentId: DocumentId): Promise<StoredFile> {
    this.opened += 1;
    this.blobs.blobs.set(documentId, 'content');
    const reader = await this.blobs.read(documentId);
    return { chunk: { documentId } as ChunkRecord, reader: reader! };
  }

  /** Files that are open, when what was begun is done. */
  async stillOpen(): Promise<number> {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    return this.blobs.open;
  }
}

test('ranges at once and one after the other share one open file', async () => {
  const files = new Files();
  const leases = await Promise.all([files.take(), files.take(), files.take()]);
  for (const { release } of leases) release();
  files.clock.advance(4_000);
  (await files.take()).release();
  expect(files.opened).toBe(1);
});

test('a file that nobody reads is closed after some seconds, and opened anew after that', async () => {
  const files = new Files();
  const lease = await files.take();
  files.clock.advance(60_000);
  expect(await files.stillOpen()).toBe(1);
  lease.release();
  files.clock.advance(4_000);
  expect(await files.stillOpen()).toBe(1);
  files.clock.advance(6_000);
  expect(await files.stillOpen()).toBe(0);
  expect(files.clock.pendingTimers).toBe(0);
  (await files.take()).release();
  expect(files.opened).toBe(2);
});

test('a lease that is released twice counts once', async () => {
  const files = new Files();
  const [first] = await Promise.all([files.take(), files.take()]);
  first.release();
  first.release();
  files.clock.advance(60_000);
  expect(await files.stillOpen()).toBe(1);
});

test('a file that is forgotten is opened anew for whoever comes next, and closed after its readers', async () => {
  const files = new Files();
  const old = await files.take();
  files.recent.forget(A);
  const fresh = await files.take();
  expect(files.opened).toBe(2);
  expect(await files.stillOpen()).toBe(2);
  old.release();
  expect(await files.stillOpen()).toBe(1);
  fresh.release();
  files.recent.forget(A);
  expect(await files.stillOpen()).toBe(0);
});

test('one that is forgotten while it is being opened is not kept', async () => {
  const files = new Files();
  const taking = files.take();
  files.recent.forget(A);
  (await taking).release();
  expect(await files.stillOpen()).toBe(0);
  await files.take();
  expect(files.opened).toBe(2);
});

test('a refusal is told to all who waited for it, and is not kept', async () => {
  const files = new Files();
  const refused = (): Promise<StoredFile> => Promise.reject(new Error('not found'));
  const both = [files.recent.take(A, refused), files.recent.take(A, refused)];
  for (const taken of both) await expect(taken).rejects.toThrow('not found');
  await files.take();
  expect(files.opened).toBe(1);
});

test('only some files stay open, those that were read last', async () => {
  const files = new Files();
  const names = Array.from({ length: 40 }, (_, index) => `document-${index}` as DocumentId);
  for (const name of names) (await files.take(name)).release();
  expect(await files.stillOpen()).toBe(32);
  (await files.take(names.at(-1))).release();
  expect(files.opened).toBe(40);
  (await files.take(names[0])).release();
  expect(files.opened).toBe(41);
});

test('at the end all are closed that nobody reads, and the others by their readers', async () => {
  const files = new Files();
  const lease = await files.take();
  (await files.take('b' as DocumentId)).release();
  files.recent.close();
  expect(await files.stillOpen()).toBe(1);
  lease.release();
  expect(await files.stillOpen()).toBe(0);
  expect(files.clock.pendingTimers).toBe(0);
});
