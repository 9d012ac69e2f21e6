import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OutgoingStream } from './outgoing-stream.ts';

const RATE_HZ = 8000;
const START = { ssrc: 77, sequenceNumber: 65_530, timestamp: 4_294_967_000 };

/** Places packet `n` of a source that sends every 20 ms. */
function place(
  stream: OutgoingStream,
  n: number,
  source: { ssrc: number; sequence: number; timestamp: number; startMs: number },
): { sequence: number; timestamp: number } | undefined {
  const placed = stream.place(
    source.ssrc,
    (source.sequence + n) & 0xffff,
    (source.timestamp + n * 160) >>> 0,
    (source.startMs + n * 20) * 1000,
    RATE_HZ,
  );
  return placed ? { sequence: stream.sequenceNumber, timestamp: stream.timestamp } : undefined;
}

const sequence = fc.integer({ min: 65_500, max: 65_535 + 40 }).map((value) => value & 0xffff);
const timestamp = fc
  .integer({ min: 2 ** 32 - 5000, max: 2 ** 32 + 5000 })
  .map((value) => value >>> 0);

describe('the outgoing stream', () => {
  test('keeps the distances of a source, lost and reordered packets included, across wraps', () => {
    fc.assert(
      fc.property(
        sequence,
        timestamp,
        fc.uniqueArray(fc.integer({ min: 1, max: 120 }), { minLength: 2 }),
        (firstSequence, firstTimestamp, order) => {
          const stream = new OutgoingStream(START);
          const source = {
            ssrc: 1,
            sequence: firstSequence,
            timestamp: firstTimestamp,
            startMs: 0,
          };
          for (const n of [0, ...order]) {
            expect(place(stream, n, source)).toEqual({
              sequence: (START.sequenceNumber + n) & 0xffff,
              timestamp: (START.timestamp + n * 160) >>> 0,
            });
          }
        },
      ),
    );
  });

  test('a new source takes the next number, and the time that has passed', () => {
    fc.assert(
      fc.property(
        sequence,
        timestamp,
        sequence,
        timestamp,
        fc.integer({ min: 1, max: 3000 }),
        (s1, t1, s2, t2, pauseMs) => {
          const stream = new OutgoingStream(START);
          const first = { ssrc: 1, sequence: s1, timestamp: t1, startMs: 0 };
          place(stream, 0, first);
          place(stream, 9, first);
          place(stream, 8, first);
          const second = { ssrc: 2, sequence: s2, timestamp: t2, startMs: 180 + pauseMs };
          expect(place(stream, 0, second)).toEqual({
            sequence: (START.sequenceNumber + 10) & 0xffff,
            timestamp: (START.timestamp + 9 * 160 + pauseMs * 8) >>> 0,
          });
        },
      ),
    );
  });

  test('after an interruption the numbers go on, whatever the source counted meanwhile', () => {
    const stream = new OutgoingStream(START);
    const source = { ssrc: 1, sequence: 10, timestamp: 0, startMs: 0 };
    place(stream, 0, source);
    stream.interrupt();
    expect(place(stream, 500, source)?.sequence).toBe((START.sequenceNumber + 1) & 0xffff);
    expect(place(stream, 501, source)?.sequence).toBe((START.sequenceNumber + 2) & 0xffff);
  });

  test('a packet from before the first of its run is refused, as its number is taken', () => {
    const stream = new OutgoingStream(START);
    const source = { ssrc: 1, sequence: 10, timestamp: 0, startMs: 0 };
    place(stream, 5, source);
    expect(place(stream, 4, source)).toBeUndefined();
  });

  test('a run of many hours is never taken for late', () => {
    const stream = new OutgoingStream(START);
    const source = { ssrc: 1, sequence: 10, timestamp: 0, startMs: 0 };
    for (let n = 0; n < 200_000; n += 1) {
      if (place(stream, n, source)?.sequence !== ((START.sequenceNumber + n) & 0xffff)) {
        expect.fail(`packet ${n} lost its place`);
      }
    }
  });

  test('frames of our own follow each other by what they last, however unevenly they are sent', () => {
    const stream = new OutgoingStream(START);
    for (let n = 0; n < 50; n += 1) {
      stream.placeFrame(160, n * 20_000 + (n % 3) * 25_000, RATE_HZ);
      expect(stream.sequenceNumber).toBe((START.sequenceNumber + n) & 0xffff);
      expect(stream.timestamp).toBe((START.timestamp + n * 160) >>> 0);
    }
  });

  test('after a pause a frame stands where the clock says', () => {
    const stream = new OutgoingStream(START);
    stream.placeFrame(160, 0, RATE_HZ);
    stream.placeFrame(160, 20_000, RATE_HZ);
    stream.placeFrame(160, 1_000_000, RATE_HZ);
    expect(stream.timestamp).toBe((START.timestamp + 8000) >>> 0);
    stream.placeFrame(160, 1_020_000, RATE_HZ);
    expect(stream.timestamp).toBe((START.timestamp + 8160) >>> 0);
    expect(stream.sequenceNumber).toBe((START.sequenceNumber + 3) & 0xffff);
  });

  test('after a rest a frame stands where the clock says, and never over the one before', () => {
    const stream = new OutgoingStream(START);
    const at = (ms: number): number => {
      stream.placeFrame(160, ms * 1000, RATE_HZ);
      return ((stream.timestamp - START.timestamp) >>> 0) / 8;
    };
    expect([at(0), at(20)]).toEqual([0, 20]);
    stream.rest();
    expect([at(85), at(105)]).toEqual([85, 105]);
    // Sooner than the frame before is over.
    stream.rest();
    expect([at(110), at(130)]).toEqual([125, 145]);
    // Without a rest a frame that comes late follows the one before all the same.
    expect(at(210)).toBe(165);
  });

  test('relayed packets and frames of our own take turns without a gap', () => {
    const stream = new OutgoingStream(START);
    const source = { ssrc: 1, sequence: 500, timestamp: 9000, startMs: 0 };
    const numbers: [number, number][] = [];
    for (let n = 0; n < 40; n += 1) {
      if (n % 20 < 10) place(stream, n, source);
      else stream.placeFrame(160, n * 20_000, RATE_HZ);
      numbers.push([stream.sequenceNumber, stream.timestamp]);
    }
    expect(numbers).toEqual(
      numbers.map((_, n) => [
        (START.sequenceNumber + n) & 0xffff,
        (START.timestamp + n * 160) >>> 0,
      ]),
    );
    place(stream, 40, source);
    expect(place(stream, 15, source)).toBeUndefined();
  });
});
