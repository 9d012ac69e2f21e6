import { expect, test } from 'vitest';
import type { Fact } from '../core/ports/ledger.ts';
import { InsistentCommit } from './insistent-commit.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';

const FACT: Fact = { kind: 'subscription-removed', name: 'gone' };

test('facts that the ledger refuses are committed once, as soon as it takes them', async () => {
  const world = new FakeWorld();
  const insistent = new InsistentCommit(world.ports);
  world.ledger.refusals = 3;
  let isDurable = false;
  void insistent.commit([FACT]).then(() => (isDurable = true));
  for (const pauseMs of [500, 1_000, 2_000]) {
    await settled();
    expect(isDurable).toBe(false);
    world.clock.advance(pauseMs);
  }
  await settled();
  expect(isDurable).toBe(true);
  expect(world.ledger.facts).toEqual([FACT]);
  expect(world.clock.pendingTimers).toBe(0);
});

test('after giving up a refusal is final, for those that wait already too', async () => {
  const world = new FakeWorld();
  const insistent = new InsistentCommit(world.ports);
  world.ledger.refusals = 2;
  const waiting = insistent.commit([FACT]);
  await settled();
  insistent.giveUp();
  await expect(waiting).rejects.toMatchObject({ code: 'database-failed' });
  world.ledger.refusals = 1;
  await expect(insistent.commit([FACT])).rejects.toMatchObject({ code: 'database-failed' });
  await expect(insistent.commit([FACT])).resolves.toBeUndefined();
  expect(world.clock.pendingTimers).toBe(0);
});
