import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseChallenge, parseCredentials } from './digest-header.ts';

const GIVEN: Readonly<Record<string, string>> = {
  username: '"alice,\\"a\\""',
  realm: '"home"',
  nonce: '"abc"',
  uri: '"sip:example.com"',
  response: '"00FF"',
  algorithm: 'md5',
  qop: 'auth',
  nc: '0000000a',
  cnonce: '"xyz"',
};

describe('credentials', () => {
  test('are read quoted or not, in any spacing and case', () => {
    const text = credentials().replaceAll(', ', ' ,\t').replace('realm=', 'REALM = ');
    expect(parseCredentials(text)).toEqual({
      ok: true,
      value: {
        username: 'alice,"a"',
        realm: 'home',
        nonce: 'abc',
        uri: 'sip:example.com',
        response: '00ff',
        algorithm: 'MD5',
        qop: 'auth',
        cnonce: 'xyz',
        nonceCount: 10,
        opaque: undefined,
      },
    });
  });

  test('are MD5 when they do not say', () => {
    expect(parseCredentials(credentials({ algorithm: undefined }))).toMatchObject({
      value: { algorithm: 'MD5' },
    });
  });

  test.each([
    [{ username: undefined }, 'missing-parameter'],
    [{ nonce: undefined }, 'missing-parameter'],
    [{ cnonce: undefined }, 'missing-parameter'],
    [{ nc: undefined }, 'missing-parameter'],
    [{ nc: '1' }, 'bad-nonce-count'],
    [{ nc: '0000000g' }, 'bad-nonce-count'],
    [{ response: '"zz"' }, 'bad-response'],
    [{ qop: undefined }, 'unsupported-qop'],
    [{ qop: 'auth-int' }, 'unsupported-qop'],
    [{ algorithm: 'MD5-sess' }, 'unsupported-algorithm'],
    [{ realm: '"open' }, 'bad-syntax'],
    [{ realm: 'two words' }, 'bad-syntax'],
  ])('with %j are refused: %s', (changes, defect) => {
    expect(parseCredentials(credentials(changes))).toEqual({ ok: false, defect });
  });

  test.each([
    ['Bearer abc', 'other-scheme'],
    ['NoOneKnowsThisScheme opaque-data=here', 'other-scheme'],
    ['Digest', 'bad-syntax'],
    ['Digest nonsense', 'bad-syntax'],
    ['', 'bad-syntax'],
  ])('%j is refused: %s', (text, defect) => {
    expect(parseCredentials(text)).toEqual({ ok: false, defect });
  });
});

test('no text makes either reader throw', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(typeof parseCredentials(`Digest ${text}`).ok).toBe('boolean');
      expect(typeof parseChallenge(`Digest ${text}`).ok).toBe('boolean');
    }),
  );
});

function credentials(changes: Readonly<Record<string, string | undefined>> = {}): string {
  const fields = Object.entries({ ...GIVEN, ...changes });
  return `digest ${fields
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
    .join(', ')}`;
}
