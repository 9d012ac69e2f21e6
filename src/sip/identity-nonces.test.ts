import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { NONCE_LIFETIME_MS, Nonces } from './identity-nonces.ts';
import { seededRandom } from './testing/seeded-random.ts';

test('a nonce is good for its lifetime, and each count for one use', () => {
  const clock = new ManualClock();
  const nonces = new Nonces(clock, seededRandom(1));
  const nonce = nonces.issue();
  expect(nonces.stateOf(nonce, 1)).toBe('fresh');
  nonces.use(nonce, 1);
  expect([nonces.stateOf(nonce, 1), nonces.stateOf(nonce, 2)]).toEqual(['stale', 'fresh']);
  clock.advance(NONCE_LIFETIME_MS + 1);
  expect(nonces.stateOf(nonce, 2)).toBe('stale');
});

test('for all texts, only what was issued is ours, and no change of it is', () => {
  const nonces = new Nonces(new ManualClock(), seededRandom(2));
  const foreign = new Nonces(new ManualClock(), seededRandom(3)).issue();
  expect(nonces.stateOf(foreign, 1)).toBe('foreign');
  const own = nonces.issue();
  fc.assert(
    fc.property(fc.string(), fc.nat(own.length - 1), (text, at) => {
      expect(nonces.stateOf(text, 1)).toBe('foreign');
      const changed = own.slice(0, at) + (own[at] === 'x' ? 'y' : 'x') + own.slice(at + 1);
      expect(nonces.stateOf(changed, 1)).toBe('foreign');
    }),
  );
});

test('what had to be forgotten is not accepted again', () => {
  const clock = new ManualClock();
  const nonces = new Nonces(clock, seededRandom(4));
  const first = nonces.issue();
  nonces.use(first, 1);
  clock.advance(10);
  for (let index = 0; index < 20_000; index += 1) nonces.use(nonces.issue(), 1);
  expect(nonces.stateOf(first, 1)).toBe('stale');
  expect(nonces.stateOf(nonces.issue(), 1)).toBe('fresh');
});
