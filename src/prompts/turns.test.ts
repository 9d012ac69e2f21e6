import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

const signal = new AbortController().signal;

/** Work that goes on until it is ended. */
function works(
  turns: Turns,
  names: string,
): {
  readonly begun: string[];
  readonly end: (name: string) => Promise<void>;
  readonly done: readonly Promise<unknown>[];
  readonly cancel: (name: string) => void;
} {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const cancels = new Map<string, AbortController>();
  const done = [...names.split('')].map((name) => {
    const cancel = new AbortController();
    cancels.set(name, cancel);
    return turns.run(cancel.signal, () => {
      begun.push(name);
      return new Promise<string>((resolve) =>
        ends.set(name, () => {
          resolve(name);
        }),
      );
    });
  });
  return {
    begun,
    done,
    end: async (name) => {
      ends.get(name)?.();
      await done[names.indexOf(name)];
      await Promise.resolve();
    },
    cancel: (name) => cancels.get(name)?.abort(),
  };
}

test('so many at once, the others in their order, a newcomer last', async () => {
  const turns = new Turns({ maxAtOnce: 2, maxWaiting: 9 });
  const { begun, end } = works(turns, 'abcd');
  expect(begun).toEqual(['a', 'b']);
  await end('b');
  expect(begun).toEqual(['a', 'b', 'c']);
  const late = works(turns, 'e');
  await end('a');
  expect(begun).toEqual(['a', 'b', 'c', 'd']);
  expect(late.begun).toEqual([]);
  await end('d');
  expect(late.begun).toEqual(['e']);
});

test('who is cancelled while it waits leaves the queue at once', async () => {
  const turns = new Turns({ maxAtOnce: 1, maxWaiting: 9 });
  const { begun, end, done, cancel } = works(turns, 'abc');
  cancel('b');
  await expect(done[1]).rejects.toThrow('aborted');
  await end('a');
  expect(begun).toEqual(['a', 'c']);
});

test('work that fails makes room too, and too many are refused', async () => {
  const turns = new Turns({ maxAtOnce: 1, maxWaiting: 1 });
  const failing = turns.run(signal, () => Promise.reject(new Error('no')));
  const waiting = turns.run(signal, () => Promise.resolve('yes'));
  const refused = turns.run(signal, () => Promise.resolve('never'));
  await expect(refused).rejects.toMatchObject({ code: 'operations-throttled' });
  await expect(failing).rejects.toThrow('no');
  expect(await waiting).toBe('yes');
});
