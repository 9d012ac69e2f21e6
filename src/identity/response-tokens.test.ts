import { expect, test } from 'vitest';
import type { DocumentId } from '../core/ids.ts';
import { DerivedResponseTokens } from './response-tokens.ts';

const ONE = '0-td-1-aa' as DocumentId;
const OTHER = '0-td-1-bb' as DocumentId;

test('a token opens one document, also after a restart, and no other', () => {
  const tokens = new DerivedResponseTokens(new Uint8Array(32).fill(7));
  const token = tokens.tokenOf(ONE);
  expect(new DerivedResponseTokens(new Uint8Array(32).fill(7)).isTokenOf(ONE, token)).toBe(true);
  expect(tokens.isTokenOf(OTHER, token)).toBe(false);
  expect(new DerivedResponseTokens(new Uint8Array(32)).isTokenOf(ONE, token)).toBe(false);
  for (const wrong of ['', token.slice(1), `${token}AA`, 'ä', token.toLowerCase()]) {
    expect(tokens.isTokenOf(ONE, wrong)).toBe(false);
  }
});
