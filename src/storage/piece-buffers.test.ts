import { expect, test } from 'vitest';
import { PieceBuffers } from './piece-buffers.ts';

const MUCH = 100_000_000;

test('a large buffer comes back to whoever needs one next', () => {
  const buffers = new PieceBuffers();
  const first = buffers.take(MUCH);
  const second = buffers.take(MUCH);
  expect(second).not.toBe(first);
  buffers.giveBack(first);
  expect(buffers.take(MUCH)).toBe(first);
});

test('little takes no large buffer, and nothing that is kept', () => {
  const buffers = new PieceBuffers();
  const little = buffers.take(100);
  expect(little.length).toBe(100);
  buffers.giveBack(little);
  expect(buffers.take(100)).not.toBe(little);
});

test('large buffers are a few; further readers get small ones until one is free', () => {
  const buffers = new PieceBuffers();
  const lent = Array.from({ length: 16 }, () => buffers.take(MUCH));
  const small = buffers.take(MUCH);
  expect(small.length).toBeLessThan(lent[0]!.length);
  buffers.giveBack(small);
  expect(buffers.take(MUCH).length).toBe(small.length);
  buffers.abandon(lent[0]!);
  const made = buffers.take(MUCH);
  expect(made.length).toBe(lent[0]!.length);
  expect(lent).not.toContain(made);
  expect(buffers.take(MUCH).length).toBe(small.length);
});
