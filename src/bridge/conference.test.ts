import { describe, expect, test } from 'vitest';
import type { AudioFormat } from '../core/media-format.ts';
import { levelOf, sine, SoundingPhone, talk } from './testing/sounding-phone.ts';
import { TwoPartyCall } from './testing/two-party-call.ts';

const PCMU: AudioFormat = { codec: 'PCMU', payloadType: 0, clockRateHz: 8000 };
const PCMA: AudioFormat = { codec: 'PCMA', payloadType: 8, clockRateHz: 8000 };
const G722: AudioFormat = { codec: 'G722', payloadType: 9, clockRateHz: 8000 };
const OPUS: AudioFormat = { codec: 'opus', payloadType: 111, clockRateHz: 48_000 };
const L16: AudioFormat = { codec: 'L16', payloadType: 97, clockRateHz: 16_000 };
const L16_48: AudioFormat = { codec: 'L16', payloadType: 98, clockRateHz: 48_000 };

const AMPLITUDE = 4000;
const toneOf = (number: number): number => 400 + 300 * number;

async function conference(formats: readonly AudioFormat[], packetTimesMs: readonly number[] = []) {
  const call = new TwoPartyCall({ rtpPorts: { from: 20_000, to: 20_199 } });
  const phones = formats.map(
    (format, number) =>
      new SoundingPhone(call, {
        number,
        format,
        packetTimeMs: packetTimesMs[number] ?? 20,
        voice: sine(toneOf(number), AMPLITUDE),
      }),
  );
  for (const phone of phones) await phone.join();
  return { call, phones };
}

/** In decibels beside what was said: of every tone, at one phone. */
function levels(phone: SoundingPhone, count: number, ms = 800): number[] {
  const heard = phone.lately(ms);
  return Array.from(
    { length: count },
    (_, number) => 20 * Math.log10(levelOf(heard, toneOf(number), phone.rateHz) / AMPLITUDE),
  );
}

describe('everybody hears every other tone at its level, and not their own', () => {
  test.each([
    ['three PCMU', [PCMU, PCMU, PCMU], []],
    ['PCMU, PCMA, G.722 and Opus', [PCMU, PCMA, G722, OPUS], []],
    ['L16 of three rates and PCMU', [L16, L16_48, { ...L16, clockRateHz: 8000 }, PCMU], []],
    ['two of unlike codecs', [PCMU, G722], []],
    ['packet times of 10, 30, 40 and 60 ms', [PCMU, G722, OPUS, PCMA], [10, 30, 40, 60]],
  ] as const)('%s', async (_name, formats, packetTimes) => {
    const { call, phones } = await conference(formats, packetTimes);
    talk(call, phones, 2500);
    phones.forEach((phone, own) => {
      levels(phone, phones.length).forEach((level, tone) => {
        if (tone === own) expect(level, `own tone at phone ${own}`).toBeLessThan(-45);
        else expect(Math.abs(level), `tone ${tone} at phone ${own}`).toBeLessThan(1);
      });
    });
  });
});

describe('a conference', () => {
  test('of fifty is heard by each without their own voice', async () => {
    const { call, phones } = await conference(
      Array.from({ length: 50 }, (_, number) => (number % 2 === 0 ? PCMU : G722)),
    );
    // The first five speak, at the same time.
    for (const phone of phones.slice(5)) phone.isSending = false;
    talk(call, phones, 1500);
    for (const own of [0, 1, 4, 5, 30, 49]) {
      const phone = phones[own];
      if (phone === undefined) continue;
      levels(phone, 5).forEach((level, tone) => {
        if (tone === own) expect(level).toBeLessThan(-45);
        else expect(Math.abs(level)).toBeLessThan(1);
      });
    }
  });

  test('in which nobody sends anything sends nothing and needs no time', async () => {
    const { call, phones } = await conference([PCMU, PCMU, OPUS]);
    for (const phone of phones) phone.isSending = false;
    talk(call, phones, 500);
    expect(call.network.sent.filter(({ to }) => to.port % 2 === 0)).toEqual([]);
    // The look at what time brings about, ten times a second.
    expect(call.clock.pendingTimers).toBe(1);
    const [a] = phones;
    if (a === undefined) return;
    a.isSending = true;
    talk(call, phones, 500);
    a.isSending = false;
    expect(phones.map(({ headers }) => headers.length > 15)).toEqual([true, true, true]);
    expect(phones[1]?.headers[0]?.marker).toBe(true);
    talk(call, phones, 500);
    expect(call.clock.pendingTimers).toBe(1);
  });
});
