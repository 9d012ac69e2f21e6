import { expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { SILENT_LOGGER } from '../core/ports/log.ts';
import { LastingThread } from './lasting-thread.ts';

const ENTRY = new URL('./testing/mortal-entry.ts', import.meta.url);

function open(): { thread: LastingThread; clock: ManualClock; lost: () => Promise<void> } {
  const clock = new ManualClock();
  let onLost = Promise.withResolvers<undefined>();
  const thread = new LastingThread({
    name: 'media',
    entry: ENTRY,
    data: undefined,
    clock,
    log: SILENT_LOGGER,
    onLost: () => {
      onLost.resolve(undefined);
      onLost = Promise.withResolvers();
    },
  });
  return { thread, clock, lost: () => onLost.promise };
}

test('a thread that dies rejects what waits for it, and one that died young is replaced after a pause', async () => {
  const { thread, clock, lost } = open();
  expect(await thread.request('echo', 'one')).toBe('one');
  const gone = lost();
  const waiting = thread.request('wait');
  const dying = thread.request('die');
  await expect(waiting).rejects.toMatchObject({ code: 'worker-failed' });
  await expect(dying).rejects.toMatchObject({ code: 'worker-failed' });
  await gone;
  clock.advance(499);
  expect(thread.isUp).toBe(false);
  await expect(thread.request('echo', 'two')).rejects.toMatchObject({ code: 'worker-failed' });
  clock.advance(1);
  expect(thread.isUp).toBe(true);
  expect(await thread.request('echo', 'three')).toBe('three');
  await thread.close();
});

test('closing one that is dead resolves, twice too, and no other one comes', async () => {
  const { thread, clock, lost } = open();
  const gone = lost();
  thread.request('die').catch(() => undefined);
  await gone;
  await thread.close();
  await thread.close();
  clock.advance(60_000);
  expect(thread.isUp).toBe(false);
});
