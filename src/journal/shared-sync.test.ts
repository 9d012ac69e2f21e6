import { expect, test } from 'vitest';
import { SharedSync } from './shared-sync.ts';

/** A sync that ends when the test says so. */
function controlled(): {
  readonly shared: SharedSync;
  /** How each sync that began is ended. */
  readonly begun: { readonly resolve: () => void; readonly reject: (error: Error) => void }[];
} {
  const begun: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const shared = new SharedSync(
    () =>
      new Promise((resolve, reject) => {
        begun.push({ resolve, reject });
      }),
  );
  return { shared, begun };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

test('callers that come while a sync runs share one that begins after it', async () => {
  const { shared, begun } = controlled();
  const first = shared.run();
  const waiting = [shared.run(), shared.run(), shared.run()];
  expect(begun).toHaveLength(1);
  begun[0]?.resolve();
  await first;
  await turns();
  expect(begun).toHaveLength(2);
  begun[1]?.resolve();
  await Promise.all(waiting);
  expect(begun).toHaveLength(2);
});

test('a sync that fails rejects its own callers only', async () => {
  const { shared, begun } = controlled();
  const first = shared.run();
  const second = shared.run();
  begun[0]?.reject(new Error('no more room'));
  await expect(first).rejects.toThrow('no more room');
  await turns();
  begun[1]?.resolve();
  await expect(second).resolves.toBeUndefined();
});

test('settled waits for the sync that runs, and never rejects', async () => {
  const { shared, begun } = controlled();
  await shared.settled();
  const first = shared.run();
  let hasSettled = false;
  const settled = shared.settled().then(() => {
    hasSettled = true;
  });
  await turns();
  expect(hasSettled).toBe(false);
  begun[0]?.reject(new Error('no more room'));
  await expect(first).rejects.toThrow();
  await expect(settled).resolves.toBeUndefined();
});
