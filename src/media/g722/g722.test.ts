import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sine } from '../tone/sine.ts';
import { levelDb, toneAmplitude } from '../tone/tone-meter.ts';
import { G722Decoder } from './g722-decoder.ts';
import { G722Encoder } from './g722-encoder.ts';

const PACKET_BYTES = 160;

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../../../test/fixtures/g722/${name}`, import.meta.url));
}

function samplesOf(name: string): Int16Array {
  const bytes = fixture(name);
  return Int16Array.from({ length: bytes.length / 2 }, (_, at) => bytes.readInt16LE(2 * at));
}

/** In packets of 20 ms. */
function decode(bytes: Uint8Array, packetBytes = PACKET_BYTES): Int16Array {
  const decoder = new G722Decoder();
  const into = new Int16Array(2 * bytes.length);
  for (let at = 0; at < bytes.length; at += packetBytes) {
    decoder.decode(bytes.subarray(at, at + packetBytes), into.subarray(2 * at));
  }
  return into;
}

function encode(samples: Int16Array): Uint8Array {
  const encoder = new G722Encoder();
  const into = new Uint8Array(samples.length >> 1);
  for (let at = 0; at < into.length; at += PACKET_BYTES) {
    const packet = samples.subarray(2 * at, 2 * (at + PACKET_BYTES));
    encoder.encode(packet, into.subarray(at));
  }
  return into;
}

test('speech, tones and noise decode to the bit as by FFmpeg', () => {
  expect(decode(fixture('coded.g722'))).toEqual(samplesOf('decoded.s16'));
});

test('speech, tones and noise encode to the byte as by FFmpeg', () => {
  expect(Buffer.from(encode(samplesOf('source.s16')))).toEqual(fixture('coded.g722'));
});

test('samples do not depend on how the bytes are divided over packets', () => {
  const coded = fixture('coded.g722');
  expect(decode(coded, 7)).toEqual(decode(coded, 1000));
});

test('tones of the whole band keep their level', () => {
  for (let hz = 100; hz <= 6600; hz += 325) {
    const heard = decode(encode(sine({ frequencyHz: hz, amplitude: 8000 }, 16_000, 16_000)));
    const amplitude = toneAmplitude(heard, 16_000, hz, 4000, 8000);
    expect(Math.abs(levelDb(amplitude, 8000)), `${hz} Hz`).toBeLessThan(0.5);
  }
});

test('any samples come back without wrapping around, in as many bytes as they should', () => {
  const loud = fc.array(fc.constantFrom(-32_768, 32_767), { minLength: 64, maxLength: 400 });
  fc.assert(
    fc.property(fc.oneof(loud, fc.array(fc.integer({ min: -32_768, max: 32_767 }))), (all) => {
      const samples = Int16Array.from(all.length % 2 === 0 ? all : all.slice(1));
      const coded = encode(samples);
      expect(coded.length).toBe(samples.length / 2);
      expect(decode(coded).length).toBe(samples.length);
    }),
  );
  const rail = decode(encode(new Int16Array(640).fill(32_767)));
  expect(Math.min(...rail.subarray(100))).toBeGreaterThan(25_000);
});
