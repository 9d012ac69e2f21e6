import { expect, test } from 'vitest';
import { AdminToken } from './admin-token.ts';

test('only the configured token is accepted', () => {
  const token = new AdminToken('hunter2');
  expect(token.accepts('Bearer hunter2')).toBe(true);
  expect(token.accepts('Bearer hunter')).toBe(false);
  expect(token.accepts('hunter2')).toBe(false);
  expect(token.accepts(undefined)).toBe(false);
});

test('without a configured token nothing is accepted', () => {
  for (const absent of [undefined, '']) {
    expect(new AdminToken(absent).accepts('Bearer ')).toBe(false);
    expect(new AdminToken(absent).accepts('Bearer undefined')).toBe(false);
  }
});
