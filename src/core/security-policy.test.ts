import { expect, test } from 'vitest';
import { isRefused, strictest } from './security-policy.ts';

test('of several policies the strictest holds, whatever their order', () => {
  expect(strictest()).toBe('allow');
  expect(strictest(undefined, 'allow')).toBe('allow');
  expect(strictest('allow', 'plain', undefined)).toBe('plain');
  expect(strictest('require', 'plain')).toBe('require');
  expect(strictest('plain', 'require')).toBe('require');
});

test.each([
  ['allow', ['plain'], false],
  ['allow', [], false],
  ['require', ['plain'], true],
  ['require', ['plain', 'srtp'], false],
  ['plain', ['srtp'], true],
  ['plain', ['plain', 'srtp'], false],
  ['require', undefined, false],
] as const)('with %s an offer of %j is refused: %j', (policy, offered, refused) => {
  expect(isRefused(policy, offered)).toBe(refused);
});
