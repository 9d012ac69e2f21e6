import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Azurite } from '../support/azurite.ts';
import type { LongExport } from './azure-long-export.ts';

const RUN = join(import.meta.dirname, 'azure-long-export.ts');
const HOURS = 4;
/** What the heap of a process that only copies goes up and down by; the file is 440 MiB. */
const FLAT_WITHIN_MIB = 32;

let azurite: Azurite;
beforeAll(async () => {
  azurite = await Azurite.start();
});
afterAll(() => azurite.stop());

test(
  'a recording of four hours is exported whole, in memory that does not grow with it',
  { timeout: 300_000 },
  async () => {
    const container = await azurite.createContainer();
    const url = azurite.sasUrl(container.containerName);
    const run = await promisify(execFile)(process.execPath, [
      ...['--expose-gc', RUN, url, String(HOURS)],
    ]);
    const { isExported, sizeBytes, sha256, rssMiB } = JSON.parse(run.stdout) as LongExport;
    expect(isExported).toBe(true);
    expect(sizeBytes).toBe(44 + HOURS * 3600 * 32_000);
    const download = await container.getBlockBlobClient('long/long.wav').download();
    const hash = createHash('sha256');
    for await (const part of download.readableStreamBody!) hash.update(part);
    expect(hash.digest('hex')).toBe(sha256);
    // The first reading is from before the SDK is loaded.
    const [, loaded = 0, ...course] = rssMiB;
    expect(course.length).toBeGreaterThan(15);
    expect(Math.max(...course)).toBeLessThan(loaded + FLAT_WITHIN_MIB);
  },
);
