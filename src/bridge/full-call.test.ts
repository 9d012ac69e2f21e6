import { expect, test } from 'vitest';
import type { AudioFormat } from '../core/media-format.ts';
import { levelOf, sine, SoundingPhone } from './testing/sounding-phone.ts';
import { TwoPartyCall } from './testing/two-party-call.ts';

const L16: AudioFormat = { codec: 'L16', payloadType: 97, clockRateHz: 16_000 };
/** As many as a call takes. */
const PARTICIPANTS = 350;
const AMPLITUDE = 80;
const HEARD_MS = 100;
const toneOf = (number: number): number => 200 + 20 * number;

test('350 speak at once, and each hears the 349 others, at their level, and not itself', async () => {
  const call = new TwoPartyCall({ rtpPorts: { from: 20_000, to: 20_799 } });
  const phones = Array.from(
    { length: PARTICIPANTS },
    (_, number) =>
      new SoundingPhone(call, {
        number,
        format: L16,
        // Phases that never meet: the sum stays below what is limited.
        voice: (seconds) => sine(toneOf(number), AMPLITUDE)(seconds + number * number * 0.37),
        phaseMs: number % 20,
      }),
  );
  for (const phone of phones) await phone.join();
  for (let ms = 0; ms < 300; ms += 1) {
    for (const phone of phones) if (ms % 20 === phone.phaseMs) phone.send();
    call.clock.advance(1);
  }
  phones.forEach((phone, own) => {
    phone.receive();
    const heard = phone.lately(HEARD_MS);
    const power = heard.reduce((sum, sample) => sum + sample * sample, 0) / heard.length;
    expect(power / ((PARTICIPANTS - 1) * (AMPLITUDE ** 2 / 2))).toBeCloseTo(1, 1);
    expect(levelOf(heard, toneOf(own), phone.rateHz)).toBeLessThan(0.05 * AMPLITUDE);
    // All of them at some, the neighbours and one far away at the others.
    const all = Array.from({ length: PARTICIPANTS }, (_, number) => number);
    const some = [own - 1, own + 1, (own + 175) % 350].filter(
      (number) => number >= 0 && number < 350,
    );
    for (const number of own % 120 === 0 ? all : some) {
      if (number === own) continue;
      const level = levelOf(heard, toneOf(number), phone.rateHz) / AMPLITUDE;
      expect(Math.abs(level - 1), `${number} at ${own}`).toBeLessThan(0.1);
    }
  });
});
