import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatStatusFragment, parseStatusFragment } from './sipfrag.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each([
  ['SIP/2.0 200 OK', { status: 200, reason: 'OK' }],
  ['SIP/2.0 486 Busy Here\r\nContact: <sip:x>\r\n', { status: 486, reason: 'Busy Here' }],
  ['sip/2.0  180\n', { status: 180, reason: 'Ringing' }],
  ['\r\nSIP/2.0 603 ', { status: 603, reason: 'Decline' }],
  ['SIP/2.0 200OK', undefined],
  ['SIP/2.0 700 Far out', undefined],
  ['SIP/3.0 200 OK', undefined],
  ['INVITE sip:x SIP/2.0', undefined],
  ['', undefined],
])('%j is read', (text, expected) => {
  expect(parseStatusFragment(bytes(text))).toEqual(expected);
});

test('a phrase that is too long is cut', () => {
  for (const length of [500, 5_000]) {
    const cut = parseStatusFragment(bytes(`SIP/2.0 200 ${'x'.repeat(length)}\r\n`));
    expect(cut).toEqual({ status: 200, reason: 'x'.repeat(200) });
  }
});

test('for all outcomes, what is written is what is read, on one line', () => {
  const phrase = fc.string({ minLength: 1, maxLength: 50 }).filter((text) => text.trim() === text);
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 699 }), phrase, (status, reason) => {
      fc.pre(!/[\r\n]/.test(reason));
      expect(parseStatusFragment(formatStatusFragment({ status, reason }))).toEqual({
        status,
        reason,
      });
    }),
  );
  expect(new TextDecoder().decode(formatStatusFragment({ status: 200, reason: 'a\r\nb' }))).toBe(
    'SIP/2.0 200 a b\r\n',
  );
});

test('for all bytes, nothing throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3_000 }), (body) => {
      const status = parseStatusFragment(body)?.status ?? 100;
      expect(status).toBeGreaterThanOrEqual(100);
    }),
  );
});
