import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildTelephoneEvent, keyOf, parseTelephoneEvent } from './telephone-event.ts';

test('an event is read back as it was built', () => {
  fc.assert(
    fc.property(
      fc.record({
        event: fc.integer({ min: 0, max: 255 }),
        end: fc.boolean(),
        volumeDbm0: fc.integer({ min: 0, max: 63 }),
        durationTicks: fc.integer({ min: 0, max: 0xffff }),
      }),
      (event) => {
        expect(parseTelephoneEvent(buildTelephoneEvent(event))).toEqual({ ok: true, value: event });
      },
    ),
  );
});

test('fewer than four bytes are a defect', () => {
  expect(parseTelephoneEvent(new Uint8Array(3))).toEqual({ ok: false, defect: 'too-short' });
  expect(parseTelephoneEvent(new Uint8Array(4)).ok).toBe(true);
});

test('keys are named, other events are not', () => {
  expect([0, 9, 10, 11, 12, 15, 16].map(keyOf)).toEqual(['0', '9', '*', '#', 'A', 'D', undefined]);
});
