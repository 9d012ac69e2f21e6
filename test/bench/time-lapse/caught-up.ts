import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerProcess } from '../../support/server-process.ts';

/** Of a mixed WAV. */
export const BYTES_PER_SECOND = 32_000;
/** A trail that has caught up is not further behind. */
const TRAIL_SECONDS = 5;
const CATCH_UP_MS = 120_000;

/** Resolves when every unfinished file is as long as its recording, but for the trail. */
export async function caughtUp(server: ServerProcess, seconds: () => number): Promise<void> {
  const directory = join(server.dataDirectory, 'blobs', '.unfinished');
  const untilMs = performance.now() + CATCH_UP_MS;
  for (;;) {
    const files = await readdir(directory);
    const sizes = await Promise.all(
      files.map(async (name) => (await stat(join(directory, name))).size),
    );
    const wantedBytes = (seconds() - TRAIL_SECONDS) * BYTES_PER_SECOND;
    if (sizes.length > 0 && sizes.every((size) => size >= wantedBytes)) return;
    if (performance.now() > untilMs) throw new Error(`the trail stays behind: ${sizes.join(', ')}`);
    await delay(100);
  }
}
