// Usage: azure-long-export.ts CONTAINER-URL HOURS. Exports a mono recording of so many hours while it
// grows, as fast as the container takes it, and prints one JSON line: what memory it took over its course.
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { SILENT_LOGGER } from '../../src/core/ports/log.ts';
import { nodeDisk } from '../../src/journal/node-disk.ts';
import { createExports } from '../../src/storage/azure/create-exports.ts';
import { FileBlobStore } from '../../src/storage/file-blob-store.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../src/telemetry/system-random.ts';

/** 16 kHz, 16 bit, one channel. */
const BYTES_PER_SECOND = 32_000;
/** What a renderer that looks every four seconds appends at a time. */
const SECONDS_AT_A_TIME = 4;
const HEADER_BYTES = 44;
const READINGS = 20;

export type LongExport = {
  readonly isExported: boolean;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Resident memory after a collection, MiB: before the first block, then at equal distances. */
  readonly rssMiB: readonly number[];
};

const [containerUrl = '', hours = '4'] = process.argv.slice(2);
const steps = Math.round((Number(hours) * 3600) / SECONDS_AT_A_TIME);
const root = await mkdtemp(join(tmpdir(), 'tapedeck-long-'));
const blobs = await FileBlobStore.open(nodeDisk, root);
const { live } = createExports(
  { storageAccounts: [], allowPrivateUrls: ['loopback'] },
  { blobs, clock: systemClock, random: systemRandom, log: SILENT_LOGGER },
);
const writer = await blobs.open('recordings/long.wav', HEADER_BYTES);
const copy = live.begin({
  target: { containerUrl, folder: 'long' },
  fileName: 'long.wav',
  mediaType: 'audio/wav',
  blobKey: 'recordings/long.wav',
  headerBytes: HEADER_BYTES,
});
const hash = createHash('sha256');
const header = Buffer.alloc(HEADER_BYTES, 'RIFF');
hash.update(header);
const part = Buffer.alloc(SECONDS_AT_A_TIME * BYTES_PER_SECOND);
const rssMiB: number[] = [memory()];
for (let step = 0; step < steps; step += 1) {
  for (let at = 0; at < part.length; at += 4) part.writeUInt32LE((step * 2_654_435 + at) >>> 0, at);
  hash.update(part);
  await writer.append(part);
  copy.grown(HEADER_BYTES + (step + 1) * part.length);
  await setImmediate();
  if ((step + 1) % Math.ceil(steps / READINGS) === 0) rssMiB.push(memory());
}
await writer.writeHeader(header);
const { sizeBytes } = await writer.commit();
const isExported = await copy.finish();
rssMiB.push(memory());
const result: LongExport = { isExported, sizeBytes, sha256: hash.digest('hex'), rssMiB };
console.log(JSON.stringify(result));
await rm(root, { recursive: true });

function memory(): number {
  globalThis.gc?.();
  return Math.round(process.memoryUsage.rss() / 1024 / 102.4) / 10;
}
