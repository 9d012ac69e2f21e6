import { describe, expect, test } from 'vitest';
import type { AudioFormat } from '../core/media-format.ts';
import type { Codecs } from '../media/codecs.ts';
import { levelOf, sine, SoundingPhone, talk } from './testing/sounding-phone.ts';
import { CODECS, TwoPartyCall } from './testing/two-party-call.ts';

const FORMATS = {
  PCMU: { codec: 'PCMU', payloadType: 0, clockRateHz: 8000 },
  PCMA: { codec: 'PCMA', payloadType: 8, clockRateHz: 8000 },
  G722: { codec: 'G722', payloadType: 9, clockRateHz: 8000 },
  opus: { codec: 'opus', payloadType: 111, clockRateHz: 48_000 },
  L16: { codec: 'L16', payloadType: 97, clockRateHz: 16_000 },
} as const satisfies Record<string, AudioFormat>;

const TONE_HZ = 600;
const ANSWER_HZ = 1400;

/** Counts what the encoders of the server do. */
class CountingCodecs implements Codecs {
  packets = 0;
  readonly decoder: Codecs['decoder'] = CODECS.decoder.bind(CODECS);

  encoder(...args: Parameters<Codecs['encoder']>): ReturnType<Codecs['encoder']> {
    const encoder = CODECS.encoder(...args);
    const encode = encoder?.encode.bind(encoder);
    if (encoder === undefined || encode === undefined) return undefined;
    encoder.encode = (samples, into) => {
      this.packets += 1;
      return encode(samples, into);
    };
    return encoder;
  }
}

/** One who speaks, and five who listen, and have something to say later. */
async function lecture(format: AudioFormat, voice = sine(TONE_HZ, 8000)) {
  const codecs = new CountingCodecs();
  const call = new TwoPartyCall({ rtpPorts: { from: 20_000, to: 20_199 }, codecs });
  const phones = Array.from(
    { length: 6 },
    (_, number) =>
      new SoundingPhone(call, { number, format, voice: number === 0 ? voice : answer }),
  );
  for (const phone of phones) await phone.join();
  for (const phone of phones.slice(1)) phone.isSending = false;
  return { call, phones, codecs };
}

function answer(seconds: number): number {
  return sine(ANSWER_HZ, 6000)(seconds);
}

describe.each(Object.entries(FORMATS))('listeners of %s', (_codec, format) => {
  test('get the same packets of an encoder that they share', async () => {
    const { call, phones, codecs } = await lecture(format);
    talk(call, phones, 500);
    codecs.packets = 0;
    talk(call, phones, 1000);
    expect(codecs.packets).toBeGreaterThanOrEqual(49);
    // One for all who listen; the one who speaks hears nothing, in packets of its own.
    expect(codecs.packets).toBeLessThanOrEqual(2 * 51);
    for (const phone of phones.slice(1)) {
      expect(
        Math.abs(20 * Math.log10(levelOf(phone.lately(500), TONE_HZ, phone.rateHz) / 8000)),
      ).toBeLessThan(1);
    }
  });

  test('who speaks and falls silent again hears the others without a break', async () => {
    // In a pause after three seconds the encoder may change back.
    const voice = (seconds: number): number =>
      seconds > 3 && seconds < 3.5 ? 0 : sine(TONE_HZ, 8000)(seconds);
    const { call, phones, codecs } = await lecture(format, voice);
    const listener = phones[2]!;
    talk(call, phones, 1000);
    listener.isSending = true;
    talk(call, phones, 1000);
    const meanwhile = phones[1]!.lately(500);
    expect(levelOf(meanwhile, ANSWER_HZ, listener.rateHz)).toBeGreaterThan(5000);
    expect(levelOf(listener.lately(500), ANSWER_HZ, listener.rateHz)).toBeLessThan(60);
    listener.isSending = false;
    talk(call, phones, 2500);
    codecs.packets = 0;
    talk(call, phones, 500);
    expect(codecs.packets).toBeLessThanOrEqual(2 * 26);
    const { heard, rateHz } = listener;
    const window = rateHz / 50;
    const beginning = heard.findIndex((sample) => Math.abs(sample) > 1000) / window;
    for (let at = Math.ceil(beginning) + 5; at + 2 < heard.length / window; at += 1) {
      const level = levelOf(heard.subarray(at * window, (at + 2) * window), TONE_HZ, rateHz);
      const seconds = (at - beginning) / 50;
      if (seconds > 2.9 && seconds < 3.6) continue;
      expect(Math.abs(20 * Math.log10(level / 8000)), `${seconds} s`).toBeLessThan(1.5);
    }
  });
});

function loudest(samples: Int16Array): number {
  return samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
}

/** What a phone may hear when nobody says anything, from coding alone. */
const MOST_SILENT = 80;

test.each(Object.entries(FORMATS))(
  'who shares an encoder of %s again, that was last used while somebody spoke, hears nothing of that',
  async (_codec, format) => {
    const call = new TwoPartyCall({ rtpPorts: { from: 20_000, to: 20_199 } });
    // First the others listen, then all speak at once, and then nobody does.
    const speaking = (fromSeconds: number, hz: number) => (seconds: number) =>
      seconds >= fromSeconds && seconds < 2 ? sine(hz, 5000)(seconds) : 0;
    const phones = [speaking(0, TONE_HZ), speaking(1, ANSWER_HZ), speaking(1, 1900)].map(
      (voice, number) => new SoundingPhone(call, { number, format, voice }),
    );
    for (const phone of phones) await phone.join();
    talk(call, phones, 3000);
    for (const phone of phones) {
      const silence = phone.lately(850);
      expect(loudest(silence)).toBeLessThan(MOST_SILENT);
      const before = phone.lately(1500).subarray(0, phone.rateHz / 4);
      expect(loudest(before)).toBeGreaterThan(8000);
    }
  },
);

test('who sends nothing but silence costs no more than who sends nothing', async () => {
  const silent = Array.from({ length: 6 }, () => 0);
  for (const format of [FORMATS.PCMU, FORMATS.PCMA, FORMATS.opus]) {
    const codecs = new CountingCodecs();
    const call = new TwoPartyCall({ rtpPorts: { from: 20_000, to: 20_199 }, codecs });
    const phones = [sine(TONE_HZ, 8000), ...silent.map((level) => () => level)].map(
      (voice, number) => new SoundingPhone(call, { number, format, voice }),
    );
    for (const phone of phones) await phone.join();
    talk(call, phones, 500);
    codecs.packets = 0;
    talk(call, phones, 1000);
    expect(codecs.packets).toBeLessThanOrEqual(2 * 51);
    expect(levelOf(phones[3]!.lately(500), TONE_HZ, phones[3]!.rateHz)).toBeGreaterThan(7000);
  }
});
