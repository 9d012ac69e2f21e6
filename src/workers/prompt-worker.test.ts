import { afterEach, expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { SILENT_LOGGER } from '../core/ports/log.ts';
import { wavHeader } from '../media/wav/wav-header.ts';
import { PromptWorker } from './prompt-worker.ts';

const STUCK_ENTRY = new URL('./testing/stuck-entry.ts', import.meta.url);
const clock = new ManualClock();
let worker: PromptWorker | undefined;

function open(entry?: URL): PromptWorker {
  worker = new PromptWorker({
    clock,
    log: SILENT_LOGGER,
    ...(entry === undefined ? {} : { entry }),
  });
  return worker;
}

afterEach(() => worker?.close());

test('a file is decoded in another thread, into memory that both see; one that is none is refused', async () => {
  const decoding = open().decode(
    Buffer.concat([wavHeader({ sampleRateHz: 16_000, channels: 1 }, 4), Buffer.of(1, 0, 2, 0)]),
  );
  const refused = worker?.decode(Buffer.from('OggS'));
  await expect(refused).rejects.toMatchObject({
    code: 'prompt-format',
    message: 'The file is an Ogg file; what can be played is WAV and MP3.',
  });
  const clip = await decoding;
  expect([...clip]).toEqual([1, 2]);
  expect(clip.buffer).toBeInstanceOf(SharedArrayBuffer);
});

test('what does not come to an end within two minutes is no prompt, and holds up the next no longer', async () => {
  const stuck = open(STUCK_ENTRY).decode(Uint8Array.of(0));
  const next = worker?.decode(Uint8Array.of(7));
  await Promise.resolve();
  clock.advance(119_999);
  const early = await Promise.race([stuck.catch(String), Promise.resolve('nothing yet')]);
  expect(early).toBe('nothing yet');
  clock.advance(1);
  await expect(stuck).rejects.toMatchObject({
    code: 'prompt-format',
    message: 'The file could not be decoded within 120 s.',
  });
  expect(await next).toEqual(Int16Array.of(7));
});

test('a thread that dies of a file takes only that one with it', async () => {
  const fatal = open(STUCK_ENTRY).decode(Uint8Array.of(1));
  const next = worker?.decode(Uint8Array.of(8));
  await expect(fatal).rejects.toMatchObject({ code: 'worker-failed' });
  expect(await next).toEqual(Int16Array.of(8));
});

test('closing ends what is being decoded, and takes no more', async () => {
  const stuck = open(STUCK_ENTRY).decode(Uint8Array.of(0));
  const outcome = stuck.catch((error: unknown) => error);
  await Promise.resolve();
  await Promise.all([worker?.close(), worker?.close()]);
  expect(await outcome).toMatchObject({ code: 'worker-failed' });
  await expect(worker?.decode(Uint8Array.of(7))).rejects.toMatchObject({ code: 'shutting-down' });
});
