import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PacketWindow } from './packet-window.ts';
import { streamFormatOf } from './stream-format.ts';

const FORMAT = streamFormatOf({ codec: 'PCMU', clockRateHz: 8000 })!;
const table = Int16Array.from({ length: 256 }, (_, code) => code);

describe('the packet window', () => {
  test('gives back each sample once, at its place, in whatever order packets came', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: 150 }), { minLength: 1, maxLength: 120 }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 4000 }),
        (sequences, count, blockSamples) => {
          const window = new PacketWindow(FORMAT);
          const expected = new Int32Array(151 * count + blockSamples);
          for (const sequence of sequences) {
            const code = (sequence % 255) + 1;
            expect(window.has(sequence)).toBe(false);
            const payload = new Uint8Array(count + 3).fill(code);
            expect(window.put(sequence, sequence * count, 0, payload, 3, count)).toBe(true);
            expect(window.has(sequence)).toBe(true);
            expected.fill(code, sequence * count, (sequence + 1) * count);
          }
          const sum = new Int32Array(expected.length);
          for (let at = 0; at + blockSamples <= sum.length; at += blockSamples) {
            window.addTo(sum, at, at, blockSamples, table);
            window.release(at + blockSamples);
          }
          const rendered = sum.length - (sum.length % blockSamples);
          expect(sum.subarray(0, rendered)).toEqual(expected.subarray(0, rendered));
          if (rendered >= 151 * count) expect(window.isEmpty).toBe(true);
        },
      ),
    );
  });

  test('packets that overlap are heard one after the other, never twice as loud', () => {
    const window = new PacketWindow(FORMAT);
    window.put(1, 0, 0, new Uint8Array(10).fill(5), 0, 10);
    window.put(2, 6, 0, new Uint8Array(10).fill(7), 0, 10);
    const sum = new Int32Array(16);
    window.addTo(sum, 0, 0, 16, table);
    expect([...sum]).toEqual([5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 7, 7, 7, 7, 7, 7]);
  });

  test('a released packet is still a duplicate, and what waits survives giving memory back', () => {
    const window = new PacketWindow(FORMAT);
    const payload = new Uint8Array(160).fill(9);
    for (let sequence = 0; sequence < 140; sequence += 1) {
      window.put(sequence, sequence * 160, 0, payload, 0, 160);
    }
    for (let block = 0; block < 60; block += 1) window.release(100 * 160);
    const sum = new Int32Array(40 * 160);
    window.addTo(sum, 0, 100 * 160, sum.length, table);
    expect(sum.every((sample) => sample === 9)).toBe(true);
    window.put(140, 140 * 160, 0, payload, 0, 160);
    window.release(141 * 160);
    expect(window.has(140)).toBe(true);
    expect(window.isEmpty).toBe(true);
  });

  test('refuses what no sender of G.711 would need, instead of growing', () => {
    const window = new PacketWindow(FORMAT);
    const payload = new Uint8Array(65_000);
    expect(window.put(1, 0, 0, payload, 0, payload.length)).toBe(false);
    expect(window.put(2, 0, 0, payload, 0, 160)).toBe(true);
    expect(window.put(3002, 480_000, 0, payload, 0, 160)).toBe(false);
  });
});
