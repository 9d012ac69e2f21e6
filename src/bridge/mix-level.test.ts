import { expect, test } from 'vitest';
import type { AudioFormat } from '../core/media-format.ts';
import { levelOf, sine, SoundingPhone, talk } from './testing/sounding-phone.ts';
import { TwoPartyCall } from './testing/two-party-call.ts';

const L16: AudioFormat = { codec: 'L16', payloadType: 97, clockRateHz: 16_000 };
const PCMU: AudioFormat = { codec: 'PCMU', payloadType: 0, clockRateHz: 8000 };

async function callOf(
  voices: readonly (((seconds: number) => number) | undefined)[],
  format: AudioFormat = L16,
) {
  const call = new TwoPartyCall({ rtpPorts: { from: 20_000, to: 20_199 } });
  const phones = voices.map(
    (voice, number) =>
      new SoundingPhone(call, { number, format, ...(voice === undefined ? {} : { voice }) }),
  );
  for (const phone of phones) await phone.join();
  return { call, phones };
}

/** Something like noise, the same every time: a value for each sample. */
function noise(seed: number, amplitude: number): (seconds: number) => number {
  return (seconds) => {
    const at = Math.round(seconds * 16_000);
    const hash = Math.imul(at + seed * 7919, 2_654_435_761) >>> 0;
    return ((Math.imul(hash ^ (hash >>> 15), 2_246_822_519) >>> 0) / 2 ** 31 - 1) * amplitude;
  };
}

function samplesOf(voice: (seconds: number) => number, count: number): Int16Array {
  return Int16Array.from({ length: count }, (_, at) => voice(at / 16_000));
}

const COMPARED = 4000;

/** Where `heard` from `from` on is the sum of two voices, sample by sample. */
function placesInSum(heard: Int16Array, from: number, a: Int16Array, b: Int16Array): number[][] {
  const places: number[][] = [];
  for (let placeA = from - 1200; placeA <= from + 1200; placeA += 1) {
    for (let placeB = from - 1200; placeB <= from + 1200; placeB += 1) {
      let at = 0;
      while (at < COMPARED && heard[from + at] === (a[placeA + at] ?? 0) + (b[placeB + at] ?? 0)) {
        at += 1;
      }
      if (at === COMPARED) places.push([placeA, placeB]);
    }
  }
  return places;
}

test('what is not too loud is the sum of the others bit by bit, whatever one says oneself', async () => {
  const [a, b] = [noise(1, 9000), noise(2, 9000)];
  const { call, phones } = await callOf([sine(440, 30_000), a, b]);
  talk(call, phones, 1500);
  const { heard } = phones[0]!;
  const said = samplesOf(a, heard.length + 4000);
  expect(placesInSum(heard, 8000, said, samplesOf(b, said.length))).toHaveLength(1);
});

test.each([
  ['L16', L16],
  ['PCMU', PCMU],
] as const)(
  'eight loud voices of %s are heard alike, nothing clips or is heard that nobody said, nor oneself',
  async (_name, format) => {
    const hz = Array.from({ length: 8 }, (_, number) => 400 + 370 * number);
    const { call, phones } = await callOf(
      hz.map((toneHz) => sine(toneHz, 12_000)),
      format,
    );
    talk(call, phones, 2500);
    for (const own of [0, 5]) {
      const phone = phones[own]!;
      const heard = phone.lately(1000);
      expect(Math.max(...heard.map(Math.abs))).toBeLessThan(format === L16 ? 30_000 : 32_124);
      const levels = hz.map((toneHz) => 20 * Math.log10(levelOf(heard, toneHz, phone.rateHz)));
      const others = levels.filter((_level, number) => number !== own);
      expect(Math.max(...others) - Math.min(...others)).toBeLessThan(1);
      for (const strangeHz of [185, 955, hz[own]!, 3550]) {
        const level = 20 * Math.log10(levelOf(heard, strangeHz, phone.rateHz));
        expect(level - Math.min(...others), `${strangeHz} Hz`).toBeLessThan(-36);
      }
    }
  },
);

test('who falls silent in a loud call hears the others on at one level', async () => {
  const { call, phones } = await callOf([
    sine(500, 18_000),
    sine(900, 20_000),
    sine(1300, 20_000),
    // Silent: hears the sum of all, of which there is more than of any other.
    undefined,
  ]);
  const [own] = phones as [SoundingPhone];
  talk(call, phones, 2000);
  own.isSending = false;
  talk(call, phones, 2000);
  const { heard } = own;
  const levels = Array.from({ length: 170 }, (_, window) => {
    const from = 8000 + window * 320;
    return 20 * Math.log10(levelOf(heard.subarray(from, from + 640), 900, 16_000));
  });
  const steps = levels.slice(1).map((level, index) => Math.abs(level - levels[index]!));
  expect(Math.max(...steps)).toBeLessThan(0.5);
  expect(Math.max(...levels) - Math.min(...levels)).toBeLessThan(1);
});

test('after a shout the level comes back to what was said, exactly', async () => {
  const voice = sine(700, 15_000);
  const { call, phones } = await callOf([undefined, voice, sine(300, 30_000), undefined]);
  const [listener, , shouting] = phones as [SoundingPhone, SoundingPhone, SoundingPhone];
  shouting.isSending = false;
  talk(call, phones, 500);
  shouting.isSending = true;
  talk(call, phones, 500);
  expect(levelOf(listener.lately(300), 700, 16_000)).toBeLessThan(11_000);
  shouting.isSending = false;
  talk(call, phones, 2600);
  const heard = listener.lately(300);
  const said = samplesOf(voice, 16_000);
  const exact = Array.from({ length: 160 }, (_, start) => {
    return heard.every((value, at) => value === said[start + (at % 160)]);
  });
  expect(exact.filter((isExact) => isExact)).toHaveLength(1);
});
