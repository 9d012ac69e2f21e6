import { setTimeout as delay } from 'node:timers/promises';
import type { PhoneCall } from '../../src/sim/phone-call.ts';
import { RATE_HZ } from '../../src/sim/telephony.ts';
import { levelDb, toneAmplitude } from '../../src/media/tone/tone-meter.ts';

/**
 * Short enough for a tone to be taken for itself when it is heard 0.6 % higher or lower: a conference changes
 * its delay by that after packets came late.
 */
const WINDOW_SAMPLES = RATE_HZ / 25;
/** As many windows, one after the other. */
const WINDOWS = 3;
/** Phones send at −6 dB; what the sum of three leaves of each is above this. */
const LOUD_DB = -16;
/** Far below what may be left of a tone whose packets come late on a busy machine. */
const SILENT_DB = -36;
const STEP_MS = 20;
const GIVE_UP_MS = 20_000;

/** Tones in Hz. */
export type Expected = { readonly loud?: readonly number[]; readonly silent?: readonly number[] };

/**
 * Resolves when for an eighth of a second all of `loud` are heard and nothing of `silent` is. Rejects with
 * the levels.
 */
export async function hears(phone: PhoneCall, expected: Expected): Promise<void> {
  const { loud = [], silent = [] } = expected;
  for (let waitedMs = 0; !fits(phone, expected); waitedMs += STEP_MS) {
    if (waitedMs >= GIVE_UP_MS) {
      const heard = [...loud, ...silent].map(
        (hz) => `${hz} Hz ${levels(phone, hz).map(Math.round).join('/')} dB`,
      );
      throw new Error(
        `${phone.phone.identifier} (${phone.state}) should hear ${loud.join(', ')} Hz only; it hears ${heard.join(', ')}`,
      );
    }
    await delay(STEP_MS);
  }
}

/** As far as the ear is concerned: so many more milliseconds have come. */
export async function hearsMore(phone: PhoneCall, ms: number): Promise<void> {
  const enough = phone.heardSamples().length + (ms * RATE_HZ) / 1_000;
  for (let waitedMs = 0; phone.heardSamples().length < enough; waitedMs += STEP_MS) {
    if (waitedMs >= GIVE_UP_MS) throw new Error(`${phone.phone.identifier} hears nothing more`);
    await delay(STEP_MS);
  }
}

function fits(phone: PhoneCall, { loud = [], silent = [] }: Expected): boolean {
  return (
    loud.every((hz) => levels(phone, hz).every((level) => level > LOUD_DB)) &&
    silent.every((hz) => levels(phone, hz).every((level) => level < SILENT_DB))
  );
}

/** In the windows up to now, in dB; −∞ before there is as much. */
function levels(phone: PhoneCall, hz: number): readonly number[] {
  const samples = phone.heardSamples();
  return Array.from({ length: WINDOWS }, (_, index) => {
    const from = samples.length - (WINDOWS - index) * WINDOW_SAMPLES;
    if (from < 0) return -Infinity;
    return levelDb(toneAmplitude(samples, RATE_HZ, hz, from, WINDOW_SAMPLES));
  });
}
