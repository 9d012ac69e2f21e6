import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TONES } from '../../core/tone.ts';
import { parseDtmf, parseDtmfRelay } from './dtmf-relay.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each([
  ['Signal=5\r\nDuration=160\r\n', { tone: '5', durationMs: 160 }],
  ['Signal= 5\nDuration = 160', { tone: '5', durationMs: 160 }],
  ['duration=99999\r\nSIGNAL=a', { tone: 'A', durationMs: 10_000 }],
  ['Signal=#\r\nDuration=0', { tone: '#', durationMs: 1 }],
  ['Signal=10', { tone: '*', durationMs: 250 }],
  ['Signal=11', { tone: '#', durationMs: 250 }],
  ['Signal=15', { tone: 'D', durationMs: 250 }],
  ['Signal=16', undefined],
  ['Signal=55', undefined],
  ['Signal=E', undefined],
  ['Signal=', undefined],
  ['XSignal=5', undefined],
  ['5', undefined],
])('the relay body %j is read', (text, expected) => {
  expect(parseDtmfRelay(bytes(text))).toEqual(expected);
});

test.each([
  ['5', '5'],
  [' *\r\n', '*'],
  ['11', '#'],
  ['Signal=8\r\nDuration=100', '8'],
  ['55', undefined],
  ['', undefined],
])('the plain body %j is read', (text, tone) => {
  expect(parseDtmf(bytes(text))?.tone).toBe(tone);
});

test('for all bytes, the result is a key of a telephone or nothing', () => {
  const lines = fc
    .array(fc.constantFrom('Signal=', 'Duration=', '1', '9', '#', '\r\n', ' ', '\0', '=', 'é'))
    .map((parts) => bytes(parts.join('')));
  fc.assert(
    fc.property(fc.oneof(lines, fc.uint8Array({ maxLength: 2_000 })), (body) => {
      for (const key of [parseDtmf(body), parseDtmfRelay(body)]) {
        if (key === undefined) continue;
        expect(TONES).toContain(key.tone);
        expect(key.durationMs).toBeGreaterThanOrEqual(1);
        expect(key.durationMs).toBeLessThanOrEqual(10_000);
      }
    }),
  );
});
