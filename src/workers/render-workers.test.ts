import { afterEach, expect, test } from 'vitest';
import type { RecordingId } from '../core/ids.ts';
import { SILENT_LOGGER } from '../core/ports/log.ts';
import type { RenderJob } from '../core/ports/render.ts';
import { systemClock } from '../telemetry/system-clock.ts';
import { RenderWorkers } from './render-workers.ts';

/** Answers with the number of its thread, and refuses one recording. */
const ENTRY = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort, threadId } from 'node:worker_threads';
    parentPort.on('message', ({ id, method, args }) => {
      const error = { code: 'journal-invalid', message: 'torn' };
      const isRefused = method === 'finish' && args[0].recordingId === 'torn';
      const answer = isRefused ? { type: 'failure', error } : { type: 'reply', value: threadId };
      parentPort.postMessage({ id, ...answer });
    });
  `)}`,
);

const workers = new RenderWorkers(
  2,
  { logLevel: 'error', blobDirectory: '', storageAccounts: [], allowPrivateUrls: [] },
  { clock: systemClock, log: SILENT_LOGGER, entry: ENTRY },
);
afterEach(() => workers.close());

/** The thread that finished it. */
function threadOf(name: string): Promise<unknown> {
  return workers.finish({ recordingId: name as RecordingId } as RenderJob);
}

test('a recording that cannot be finished is no load of its worker any more', async () => {
  const first = await threadOf('one');
  await expect(threadOf('torn')).rejects.toMatchObject({ code: 'journal-invalid' });
  expect(await threadOf('two')).toBe(first);
});
