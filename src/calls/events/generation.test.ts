import { expect, test } from 'vitest';
import { isKnownTo } from './generation.ts';

test.each([
  ['2023-03-06', 'CallConnected', true],
  ['2023-03-06', 'CreateCallFailed', false],
  ['2024-09-15', 'AnswerFailed', false],
  ['2024-11-15-preview', 'CreateCallFailed', true],
  ['2024-11-15', 'AnswerFailed', true],
  ['2026-03-12', 'CreateCallFailed', true],
  ['', 'CreateCallFailed', false],
])('a client of %j and %s: %s', (apiVersion, name, isKnown) => {
  expect(isKnownTo(apiVersion, name)).toBe(isKnown);
});
