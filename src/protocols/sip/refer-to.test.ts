import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatReferTo, parseReferTo, parseReplaces } from './refer-to.ts';

test('a Refer-To comes apart into the URI, its headers and what it replaces', () => {
  const value =
    '"Carol" <sips:carol@[2001:db8::1]:5061;transport=tls?Replaces=a%40b%3Bto-tag%3Dx%3Bfrom-tag%3Dy%3Bearly-only&Subject=1%2B1&subject=2>;q=1';
  const referTo = parseReferTo(value);
  if (!referTo.ok) throw new Error(referTo.defect);
  expect(referTo.value.uri).toMatchObject({ scheme: 'sips', user: 'carol', headers: '' });
  expect(referTo.value.replaces).toEqual({
    callId: 'a@b',
    toTag: 'x',
    fromTag: 'y',
    earlyOnly: true,
  });
  expect(referTo.value.headers.get('subject')).toBe('1+1');
  expect(referTo.value.method).toBe('INVITE');
});

test('the method is told and taken off the URI', () => {
  const referTo = parseReferTo('<sip:a@x;method=bye;transport=tcp>');
  expect(referTo.ok && [referTo.value.method, [...referTo.value.uri.parameters.keys()]]).toEqual([
    'BYE',
    ['transport'],
  ]);
});

test.each([
  ['', 'bad-refer-to'],
  ['<sip:a@x', 'bad-refer-to'],
  ['<sip:a@x?a=%>', 'bad-refer-to'],
  [`<sip:a@x?${'a=1&'.repeat(40)}>`, 'bad-refer-to'],
  ['<urn:service:sos>', 'unsupported-scheme'],
])('%j is refused', (value, defect) => {
  expect(parseReferTo(value)).toEqual({ ok: false, defect });
});

test.each(['', 'id', 'id;to-tag=1', 'id;from-tag=1', ';to-tag=1;from-tag=2', 'id;to-tag="'])(
  '%j names no dialog',
  (value) => {
    expect(parseReplaces(value)).toBeUndefined();
  },
);

test('for all headers, what is written is what is read', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  fc.assert(
    fc.property(text, text, (replaces, subject) => {
      const value = formatReferTo('sip:carol@10.0.0.7:5070', { Replaces: replaces, subject });
      const referTo = parseReferTo(value ?? '');
      if (!referTo.ok) throw new Error(referTo.defect);
      expect(referTo.value.headers.get('replaces')).toBe(replaces);
      expect(referTo.value.headers.get('subject')).toBe(subject);
    }),
  );
});

test('for all texts, nothing throws', () => {
  const torn = fc
    .tuple(fc.string(), fc.nat(60), fc.string())
    .map(
      ([start, at, end]) =>
        start + '<sip:a@x?Replaces=a;to-tag=1;from-tag=2&b=%41>'.slice(at) + end,
    );
  fc.assert(
    fc.property(fc.oneof(fc.string(), torn), (text) => {
      expect(typeof parseReferTo(text).ok).toBe('boolean');
      parseReplaces(text);
      formatReferTo(text, { [text]: text });
    }),
  );
});
