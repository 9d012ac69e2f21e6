import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildRtcp, type BuildableRtcp } from './build.ts';
import { middleBits, toNtpTime } from './ntp-time.ts';
import { parseRtcp } from './parse.ts';

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const block = fc.record({
  ssrc: uint32,
  fractionLost: fc.integer({ min: 0, max: 255 }),
  cumulativeLost: fc.integer({ min: -(2 ** 23), max: 2 ** 23 - 1 }),
  extendedHighestSequence: uint32,
  jitterTicks: uint32,
  lastSenderReport: uint32,
  delaySinceLastSenderReport: uint32,
});
const blocks = fc.array(block, { maxLength: 31 });
const report: fc.Arbitrary<BuildableRtcp> = fc.oneof(
  fc.record({
    type: fc.constant('sender-report' as const),
    ssrc: uint32,
    sender: fc.record({
      ntpSeconds: uint32,
      ntpFraction: uint32,
      rtpTimestamp: uint32,
      packetCount: uint32,
      octetCount: uint32,
    }),
    reports: blocks,
  }),
  fc.record({ type: fc.constant('receiver-report' as const), ssrc: uint32, reports: blocks }),
);
const other: fc.Arbitrary<BuildableRtcp> = fc.oneof(
  report,
  fc.record({
    type: fc.constant('source-description' as const),
    names: fc.array(fc.record({ ssrc: uint32, cname: fc.string({ maxLength: 40 }) }), {
      maxLength: 4,
    }),
  }),
  fc.record({
    type: fc.constant('goodbye' as const),
    ssrcs: fc.array(uint32, { maxLength: 31 }),
  }),
);
const compound = fc
  .tuple(report, fc.array(other, { maxLength: 3 }))
  .map(([first, rest]) => [first, ...rest]);

describe('RTCP', () => {
  test('a compound packet is read back as it was built', () => {
    fc.assert(
      fc.property(compound, (packets) => {
        expect(parseRtcp(buildRtcp(packets))).toEqual({ ok: true, value: packets });
      }),
    );
  });

  test('any bytes are read or refused, never thrown over', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 200, max: 204 }), (b, t) => {
        if (b.length > 1) {
          b[0] = ((b[0] ?? 0) & 0x3f) | 0x80;
          b[1] = t;
        }
        expect(typeof parseRtcp(b).ok).toBe('boolean');
      }),
      { numRuns: 2000 },
    );
  });

  test('a whole packet with one byte changed or its tail cut is read or refused, never thrown over', () => {
    fc.assert(
      fc.property(compound, fc.nat(), fc.nat(), fc.nat(255), (packets, cut, at, value) => {
        const bytes = buildRtcp(packets);
        bytes[at % bytes.length] = value;
        expect(typeof parseRtcp(bytes.subarray(0, cut % (bytes.length + 1))).ok).toBe('boolean');
      }),
    );
  });

  test('what does not begin with a report is refused', () => {
    expect(parseRtcp(buildRtcp([{ type: 'goodbye', ssrcs: [1] }]))).toEqual({
      ok: false,
      defect: 'not-a-report',
    });
  });

  test('padding is accepted at the end only', () => {
    const [rr] = [buildRtcp([{ type: 'receiver-report', ssrc: 7, reports: [] }])];
    const padded = new Uint8Array(12);
    padded.set(rr);
    padded[0] = 0xa0;
    padded[3] = 2;
    padded[11] = 4;
    expect(parseRtcp(padded)).toMatchObject({ ok: true, value: [{ ssrc: 7 }] });
    const early = new Uint8Array(20);
    early.set(padded);
    early.set(rr, 12);
    expect(parseRtcp(early)).toEqual({ ok: false, defect: 'wrong-length' });
  });

  test('types that we do not know are skipped by their length', () => {
    const feedback = Uint8Array.of(0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2);
    const rr = buildRtcp([{ type: 'receiver-report', ssrc: 7, reports: [] }]);
    const bytes = new Uint8Array([...rr, ...feedback]);
    expect(parseRtcp(bytes)).toMatchObject({
      ok: true,
      value: [{ ssrc: 7 }, { type: 'other', packetType: 205 }],
    });
  });
});

test('NTP time counts from 1900, and half a second is half of the fraction', () => {
  const time = toNtpTime(1500);
  expect(time).toEqual({ seconds: 2_208_988_801, fraction: 2 ** 31 });
  expect(middleBits(time)).toBe(((2_208_988_801 & 0xffff) * 65_536 + 0x8000) >>> 0);
});
