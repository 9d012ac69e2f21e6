import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { sampleRateOf, type CodecName } from '../core/media-format.ts';
import type { AudioDecoder, AudioEncoder } from './codec.ts';
import {
  loadCodecs,
  MOST_PACKET_BYTES,
  MOST_PACKET_SAMPLES,
  type CodedFormat,
  type Codecs,
} from './codecs.ts';
import { sine } from './tone/sine.ts';
import { levelDb, toneAmplitude } from './tone/tone-meter.ts';

const FORMATS: readonly CodedFormat[] = [
  { codec: 'PCMU', clockRateHz: 8000 },
  { codec: 'PCMA', clockRateHz: 8000 },
  { codec: 'G722', clockRateHz: 8000 },
  { codec: 'opus', clockRateHz: 48_000 },
  { codec: 'L16', clockRateHz: 8000 },
  { codec: 'L16', clockRateHz: 16_000 },
  { codec: 'L16', clockRateHz: 44_100 },
];
const PACKET_MS = 20;

let codecs: Codecs;
beforeAll(async () => {
  codecs = await loadCodecs();
});

function decoderOf(format: CodedFormat): AudioDecoder {
  return codecs.decoder(format)!;
}

function encoderOf(format: CodedFormat, packetTimeMs = PACKET_MS): AudioEncoder {
  return codecs.encoder(format, { packetTimeMs })!;
}

/** Packets of 20 ms. */
function encoded(format: CodedFormat, samples: Int16Array): Uint8Array[] {
  const encoder = encoderOf(format);
  const count = (encoder.sampleRateHz * PACKET_MS) / 1000;
  const into = new Uint8Array(MOST_PACKET_BYTES);
  return Array.from({ length: Math.floor(samples.length / count) }, (_, at) =>
    into.slice(0, encoder.encode(samples.subarray(at * count, (at + 1) * count), into)),
  );
}

/** Every `lost`-th packet is missing, and concealed or recovered from the one behind it. */
function decoded(
  format: CodedFormat,
  packets: readonly Uint8Array[],
  lost = Infinity,
  how: 'conceal' | 'recover' = 'conceal',
): Int16Array {
  const decoder = decoderOf(format);
  const into = new Int16Array(MOST_PACKET_SAMPLES);
  const heard: number[] = [];
  packets.forEach((packet, at) => {
    const count = (decoder.sampleRateHz * PACKET_MS) / 1000;
    const isLost = (at + 1) % lost === 0;
    const written = !isLost
      ? decoder.decode(packet, into)
      : how === 'conceal'
        ? decoder.conceal(count, into)
        : decoder.recover(packets[at + 1] ?? new Uint8Array(), count, into);
    expect(written).toBe(count);
    heard.push(...into.subarray(0, written));
  });
  return Int16Array.from(heard);
}

/** The largest step between two neighbouring samples. */
function steepest(samples: Int16Array, from = 0): number {
  let most = 0;
  for (let at = from + 1; at < samples.length; at += 1) {
    most = Math.max(most, Math.abs(samples[at]! - samples[at - 1]!));
  }
  return most;
}

describe.each(FORMATS)('$codec at $clockRateHz', (format) => {
  const rateHz = sampleRateOf(format);
  const tone = sine({ frequencyHz: 440, amplitude: 8000 }, rateHz, 2 * rateHz);

  test('a tone arrives at its level, at the rate that is promised', () => {
    expect(decoderOf(format).sampleRateHz).toBe(rateHz);
    expect(encoderOf(format).sampleRateHz).toBe(rateHz);
    const heard = decoded(format, encoded(format, tone));
    const amplitude = toneAmplitude(heard, rateHz, 440, rateHz >> 1, rateHz);
    expect(Math.abs(levelDb(amplitude, 8000))).toBeLessThan(0.5);
  });

  test('lost packets of a tone are bridged without a click', () => {
    const heard = decoded(format, encoded(format, tone), 9);
    // A click would be steeper than anything in the tone itself.
    expect(steepest(heard, rateHz >> 2)).toBeLessThan(1.3 * steepest(tone) + 60);
    const amplitude = toneAmplitude(heard, rateHz, 440, rateHz >> 1, rateHz);
    expect(levelDb(amplitude, 8000)).toBeGreaterThan(-2.5);
  });

  test('a long gap becomes silent, and the stream goes on behind it', () => {
    const packets = encoded(format, tone);
    const decoder = decoderOf(format);
    const into = new Int16Array(rateHz);
    for (const packet of packets.slice(0, 20)) decoder.decode(packet, into);
    expect(decoder.conceal(rateHz, into)).toBe(rateHz);
    expect(Math.max(...into.subarray(rateHz >> 1).map(Math.abs))).toBeLessThan(300);
    for (const packet of packets.slice(20, 40)) decoder.decode(packet, into);
    const count = (rateHz * PACKET_MS) / 1000;
    expect(levelDb(toneAmplitude(into, rateHz, 440, 0, count), 8000)).toBeGreaterThan(-1);
  });

  test('packets of every length that is promised are made and read', () => {
    for (const packetTimeMs of [10, 20, 40, 60]) {
      const encoder = encoderOf(format, packetTimeMs);
      const count = (rateHz * packetTimeMs) / 1000;
      const payload = new Uint8Array(MOST_PACKET_BYTES);
      const bytes = encoder.encode(tone.subarray(0, count), payload);
      const into = new Int16Array(MOST_PACKET_SAMPLES);
      expect(decoderOf(format).decode(payload.subarray(0, bytes), into)).toBe(count);
    }
  });

  test('without room nothing is written', () => {
    const [packet] = encoded(format, tone);
    const count = (rateHz * PACKET_MS) / 1000;
    expect(decoderOf(format).decode(packet!, new Int16Array(count - 1))).toBe(0);
    expect(encoderOf(format).encode(tone.subarray(0, count), new Uint8Array())).toBe(0);
  });

  test('any bytes are samples or nothing, in any order of calls', () => {
    const into = new Int16Array(MOST_PACKET_SAMPLES);
    const call = fc.tuple(
      fc.constantFrom('decode', 'conceal', 'recover'),
      fc.uint8Array({ maxLength: 200 }),
      fc.nat({ max: 4000 }),
    );
    fc.assert(
      fc.property(fc.array(call, { maxLength: 12 }), (calls) => {
        const decoder = decoderOf(format);
        for (const [what, bytes, count] of calls) {
          const written =
            what === 'decode'
              ? decoder.decode(bytes, into)
              : what === 'conceal'
                ? decoder.conceal(count, into)
                : decoder.recover(bytes, count, into);
          expect(written).toBeGreaterThanOrEqual(0);
          expect(written).toBeLessThanOrEqual(into.length);
          if (what !== 'decode') expect(written).toBe(Math.min(count, into.length));
        }
        decoder.close();
        decoder.close();
      }),
      { numRuns: 200 },
    );
  });
});

test('names of codecs are compared without case; unknown ones have no decoder and no encoder', () => {
  const named = (codec: string): CodedFormat => ({
    codec: codec as CodecName,
    clockRateHz: 48_000,
  });
  expect(codecs.decoder(named('OPUS'))?.sampleRateHz).toBe(16_000);
  expect(codecs.encoder(named('pcmu'), { packetTimeMs: 20 })?.sampleRateHz).toBe(8000);
  expect(codecs.decoder(named('G729'))).toBeUndefined();
  expect(codecs.encoder(named('speex'), { packetTimeMs: 20 })).toBeUndefined();
});

test('formats that cannot be are refused', () => {
  expect(codecs.decoder({ codec: 'L16', clockRateHz: 0 })).toBeUndefined();
  expect(codecs.decoder({ codec: 'L16', clockRateHz: 192_000 })).toBeUndefined();
  const opus: CodedFormat = { codec: 'opus', clockRateHz: 48_000 };
  expect(codecs.encoder(opus, { packetTimeMs: 30 })).toBeUndefined();
  expect(codecs.encoder(opus, { packetTimeMs: 5000 })).toBeUndefined();
});

test('linear samples have their high byte first', () => {
  const into = new Uint8Array(4);
  const l16 = encoderOf({ codec: 'L16', clockRateHz: 16_000 });
  expect(l16.encode(Int16Array.of(0x1234, -2), into)).toBe(4);
  expect([...into]).toEqual([0x12, 0x34, 0xff, 0xfe]);
});
