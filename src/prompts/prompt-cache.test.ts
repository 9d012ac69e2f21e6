import { expect, test } from 'vitest';
import { PromptCache } from './prompt-cache.ts';

const clip = (samples: number): Int16Array => new Int16Array(samples);

test('what was used longest ago makes room', () => {
  const cache = new PromptCache({ maxBytes: 60, lifetimeMs: 1_000 });
  cache.put('a', clip(10), 0);
  cache.put('b', clip(10), 0);
  cache.put('c', clip(10), 0);
  expect(cache.get('a', 1)?.length).toBe(10);
  cache.put('d', clip(10), 2);
  expect(cache.get('b', 3)).toBeUndefined();
  expect(cache.get('a', 3)?.length).toBe(10);
  expect(cache.bytes).toBe(60);
});

test('what is larger than the cache is not kept, and takes nothing from others', () => {
  const cache = new PromptCache({ maxBytes: 60, lifetimeMs: 1_000 });
  cache.put('a', clip(10), 0);
  cache.put('b', clip(31), 0);
  expect(cache.get('b', 1)).toBeUndefined();
  expect(cache.get('a', 1)?.length).toBe(10);
});

test('what is put again takes the place of the first, and is kept no longer than its lifetime', () => {
  const cache = new PromptCache({ maxBytes: 60, lifetimeMs: 1_000 });
  cache.put('a', clip(10), 0);
  cache.put('a', clip(5), 500_000);
  expect(cache.bytes).toBe(10);
  expect(cache.get('a', 1_499_999)?.length).toBe(5);
  expect(cache.get('a', 1_500_000)).toBeUndefined();
  expect(cache.bytes).toBe(0);
});
