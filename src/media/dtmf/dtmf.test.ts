import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TONES, type Tone } from '../../core/tone.ts';
import { decodeG711, encodeG711 } from '../g711/g711.ts';
import { Resampler } from '../resample/resampler.ts';
import { toneAmplitude } from '../tone/tone-meter.ts';
import { music, PIECES } from '../voice/testing/music.ts';
import { clicks, comfortNoise, hum, noise } from '../voice/testing/noises.ts';
import { atLevel, dice, RATE_HZ, sum, type Signal } from '../voice/testing/signal.ts';
import { PROGRESS_TONES, progressTone } from '../voice/testing/tones.ts';
import { DtmfDetector } from './dtmf-detector.ts';
import { DtmfGenerator } from './dtmf-generator.ts';
import { frequenciesOf } from './frequencies.ts';

const VOICES = new URL('../../../test/fixtures/voice/', import.meta.url);

type Heard = { readonly tone: Tone; readonly durationMs: number };

function detect(samples: Int16Array, rateHz = RATE_HZ, packet = 160): Heard[] {
  const heard: Heard[] = [];
  const detector = new DtmfDetector(rateHz, (tone, durationMs) => heard.push({ tone, durationMs }));
  for (let at = 0; at < samples.length; at += packet) {
    detector.process(samples, at, Math.min(samples.length, at + packet));
  }
  detector.flush();
  return heard;
}

function keysIn(samples: Int16Array, rateHz = RATE_HZ): string {
  return detect(samples, rateHz)
    .map(({ tone }) => tone)
    .join('');
}

type Sending = {
  readonly onMs?: number;
  readonly offMs?: number;
  readonly startMs?: number;
  /** Of both tones together, of full scale. */
  readonly levelDb?: number;
  /** How much louder the column is. */
  readonly twistDb?: number;
  readonly deviation?: number;
  readonly rateHz?: number;
};

/** Keys as a telephone sends them that is not ours: switched on and off hard. */
function sent(keys: readonly Tone[], sending: Sending = {}): Signal {
  const { onMs = 40, offMs = 40, startMs = 40, levelDb = -10, twistDb = 0 } = sending;
  const rateHz = sending.rateHz ?? RATE_HZ;
  const inSamples = (ms: number): number => Math.round((ms * rateHz) / 1000);
  const signal = new Float64Array(inSamples(startMs + keys.length * (onMs + offMs) + 60));
  // Level is that of the whole: both tones' powers add up to it.
  const power = 10 ** (levelDb / 10);
  const rowPower = power / (1 + 10 ** (twistDb / 10));
  const amplitudes = [Math.sqrt(2 * rowPower), Math.sqrt(2 * (power - rowPower))];
  keys.forEach((key, index) => {
    const from = inSamples(startMs + index * (onMs + offMs));
    const { rowHz, columnHz } = frequenciesOf(key);
    for (let at = 0; at < inSamples(onMs); at += 1) {
      [rowHz, columnHz].forEach((hz, which) => {
        const angle = (2 * Math.PI * hz * (1 + (sending.deviation ?? 0)) * at) / rateHz + index;
        signal[from + at]! += amplitudes[which]! * Math.sin(angle);
      });
    }
  });
  return signal;
}

function samplesOf(signal: Signal): Int16Array {
  return Int16Array.from(signal, (value) => Math.round(Math.max(-1, Math.min(1, value)) * 32_767));
}

function throughG711(samples: Int16Array, codec: 'PCMU' | 'PCMA'): Int16Array {
  const codes = new Uint8Array(samples.length);
  encodeG711(codec, samples, codes);
  const heard = new Int16Array(samples.length);
  decodeG711(codec, codes, heard);
  return heard;
}

const someKeys = fc.array(fc.constantFrom(...TONES), { minLength: 1, maxLength: 6 });

describe('keys of 40 ms with 40 ms between them are each found once', () => {
  test.each([-3, -10, -18, -25])('at %i dBFS, behind G.711, wherever they begin', (levelDb) => {
    fc.assert(
      fc.property(
        someKeys,
        fc.double({ min: 0, max: 20, noNaN: true }),
        fc.constantFrom('PCMU' as const, 'PCMA' as const),
        (keys, startMs, codec) => {
          const samples = samplesOf(sent(keys, { levelDb, startMs }));
          expect(keysIn(throughG711(samples, codec))).toBe(keys.join(''));
        },
      ),
    );
  });

  test('in noise 15 dB below them', () => {
    fc.assert(
      fc.property(someKeys, fc.nat(), fc.constantFrom(-3, -25), (keys, seed, levelDb) => {
        const signal = sent(keys, { levelDb, startMs: seed % 17 });
        const hiss = atLevel(noise(dice(seed), signal.length / RATE_HZ, 0), levelDb - 15);
        const samples = samplesOf(sum(signal, hiss));
        expect(keysIn(throughG711(samples, 'PCMU'))).toBe(keys.join(''));
      }),
      { numRuns: 300 },
    );
  });

  test('1.5 % beside their frequencies, and with 6 dB between the tones', () => {
    for (const deviation of [-0.015, 0, 0.015]) {
      for (const twistDb of [-6, 0, 6]) {
        const samples = samplesOf(sent(TONES, { deviation, twistDb }));
        expect(keysIn(samples), `${deviation} ${twistDb}`).toBe(TONES.join(''));
      }
    }
  });

  test('at 16 kHz', () => {
    expect(keysIn(samplesOf(sent(TONES, { rateHz: 16_000 })), 16_000)).toBe(TONES.join(''));
  });
});

test('a long press is one key, of its length', () => {
  const [heard, ...others] = detect(samplesOf(sent(['7'], { onMs: 1500 })));
  expect(heard?.tone).toBe('7');
  expect(Math.abs(heard!.durationMs - 1500)).toBeLessThanOrEqual(20);
  expect(others).toEqual([]);
});

test('the same key twice is two keys', () => {
  expect(keysIn(samplesOf(sent(['5', '5', '5'], { onMs: 60 })))).toBe('555');
});

test('a key that sounds to the end is heard', () => {
  const samples = samplesOf(sent(['#'], { onMs: 200 }));
  expect(keysIn(samples.subarray(0, 8 * 160))).toBe('#');
});

test('what is heard does not depend on the length of packets', () => {
  const samples = samplesOf(sent(TONES));
  expect(detect(samples, RATE_HZ, 7)).toEqual(detect(samples, RATE_HZ, 480));
});

describe('no keys are', () => {
  test.each([
    ['tones too short', sent(['5'], { onMs: 15 })],
    ['tones too quiet', sent(['5'], { levelDb: -45, onMs: 100 })],
    ['tones 4 % beside their frequencies', sent(['5', '9'], { deviation: 0.04, onMs: 100 })],
    ['tones of unequal levels', sent(['5'], { twistDb: 12, onMs: 100 })],
    ['silence', new Float64Array(8000)],
  ])('%s', (_what, signal) => {
    expect(keysIn(samplesOf(signal))).toBe('');
  });

  test('twelve voices, at several pitches', () => {
    for (const file of readdirSync(VOICES).filter((name) => name.endsWith('.ulaw'))) {
      const codes = readFileSync(new URL(file, VOICES));
      const samples = new Int16Array(codes.length);
      decodeG711('PCMU', codes, samples);
      for (let rateHz = 6000; rateHz <= 10_500; rateHz += 500) {
        const resampler = new Resampler(rateHz, RATE_HZ);
        const shifted = new Int16Array(resampler.mostFor(samples.length));
        const count = resampler.process(samples, 0, samples.length, shifted, 0);
        expect(keysIn(shifted.subarray(0, count)), `${file} ${rateHz}`).toBe('');
      }
    }
  });

  test('music', () => {
    for (const piece of PIECES) {
      for (let seed = 0; seed < 8; seed += 1) {
        const signal = music(piece, dice(seed), 5);
        expect(keysIn(samplesOf(atLevel(signal, -18))), `${piece} ${seed}`).toBe('');
      }
    }
  });

  test('noise, hum, clicks and the tones of exchanges', () => {
    for (let seed = 0; seed < 10; seed += 1) {
      const signals = [
        noise(dice(seed), 5, seed / 10),
        comfortNoise(dice(seed), 5),
        hum(dice(seed), 5, 50, seed % 2 === 0),
        clicks(dice(seed), 5),
      ];
      for (const signal of signals) expect(keysIn(samplesOf(atLevel(signal, -20)))).toBe('');
    }
    for (let which = 0; which < PROGRESS_TONES; which += 1) {
      expect(keysIn(samplesOf(progressTone(which, 5))), `${which}`).toBe('');
    }
  });
});

describe('what we send', () => {
  function generated(rateHz: number, onPackets: number): Int16Array {
    const generator = new DtmfGenerator(rateHz);
    const packet = new Int16Array(rateHz / 50);
    const all: number[] = [];
    for (const tone of TONES) {
      generator.start(tone);
      for (let at = 0; at < onPackets + 3; at += 1) {
        if (at === onPackets) generator.stop();
        generator.fill(packet, packet.length);
        all.push(...packet);
      }
    }
    return Int16Array.from(all);
  }

  test.each([8000, 16_000])('is found again, at %i Hz', (rateHz) => {
    expect(keysIn(generated(rateHz, 5), rateHz)).toBe(TONES.join(''));
  });

  test('has the levels that telephones have, and no click', () => {
    const generator = new DtmfGenerator(RATE_HZ);
    const samples = new Int16Array(1600);
    generator.start('1');
    generator.fill(samples, 800);
    expect(toneAmplitude(samples, RATE_HZ, 697, 100, 700)).toBeCloseTo(8098, -2);
    expect(toneAmplitude(samples, RATE_HZ, 1209, 100, 700)).toBeCloseTo(10_195, -2);
    // Beside both tones there is nothing, not even where it begins.
    expect(toneAmplitude(samples, RATE_HZ, 3000, 0, 160)).toBeLessThan(100);
    generator.stop();
    generator.fill(samples, 800);
    expect([...samples.subarray(21, 800)].every((sample) => sample === 0)).toBe(true);
  });
});
