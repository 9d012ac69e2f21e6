import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SerialQueue } from './serial-queue.ts';

test('tasks never overlap and keep their order, whatever they take and however they end', async () => {
  const task = fc.record({ turns: fc.nat(5), fails: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(task, { maxLength: 10 }), async (tasks) => {
      const queue = new SerialQueue();
      const log: string[] = [];
      const results = tasks.map(({ turns, fails }, index) =>
        queue.run(async () => {
          log.push(`begin ${index}`);
          for (let left = turns; left > 0; left -= 1) await Promise.resolve();
          log.push(`end ${index}`);
          if (fails) throw new Error(`task ${index}`);
          return index;
        }),
      );
      const settled = await Promise.allSettled(results);
      expect(log).toEqual(tasks.flatMap((_, index) => [`begin ${index}`, `end ${index}`]));
      expect(settled.map(({ status }) => status)).toEqual(
        tasks.map(({ fails }) => (fails ? 'rejected' : 'fulfilled')),
      );
    }),
  );
});

test('is idle when all that was handed in is done, failed tasks among it', async () => {
  const queue = new SerialQueue();
  const log: string[] = [];
  queue.run(() => Promise.reject(new Error('no'))).catch(() => log.push('failed'));
  void queue.run(async () => {
    await Promise.resolve();
    log.push('done');
  });
  await queue.idle();
  expect(log).toEqual(['failed', 'done']);
});
