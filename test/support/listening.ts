import { setTimeout as delay } from 'node:timers/promises';
import type { PhoneCall } from '../../src/sim/phone-call.ts';
import { levelHeard } from './peers/sim-phones.ts';

/** Phones send at −6 dB; what the sum of three leaves of each is above this. */
const LOUD_DB = -16;
/** Far below what may be left of a tone whose packets come late on a busy machine. */
const SILENT_DB = -36;
const STEP_MS = 20;
const GIVE_UP_MS = 20_000;

/** Tones in Hz. */
export type Expected = { readonly loud?: readonly number[]; readonly silent?: readonly number[] };

/**
 * Resolves when for a tenth of a second all of `loud` are heard and nothing of `silent` is. Rejects with the
 * levels.
 */
export async function hears(phone: PhoneCall, expected: Expected): Promise<void> {
  const { loud = [], silent = [] } = expected;
  for (let waitedMs = 0; !fits(phone, expected); waitedMs += STEP_MS) {
    if (waitedMs >= GIVE_UP_MS) {
      const levels = [...loud, ...silent].map(
        (hz) => `${hz} Hz ${levelHeard(phone, hz).toFixed()} dB`,
      );
      throw new Error(
        `${phone.phone.identifier} (${phone.state}) should hear ${loud.join(', ')} Hz only; it hears ${levels.join(', ')}`,
      );
    }
    await delay(STEP_MS);
  }
}

/** As far as the ear is concerned: so many more milliseconds of sound have come. */
export async function hearsMore(phone: PhoneCall, ms: number): Promise<void> {
  const enough = phone.heardSamples().length + ms * 8;
  for (let waitedMs = 0; phone.heardSamples().length < enough; waitedMs += STEP_MS) {
    if (waitedMs >= GIVE_UP_MS) throw new Error(`${phone.phone.identifier} hears nothing more`);
    await delay(STEP_MS);
  }
}

function fits(phone: PhoneCall, { loud = [], silent = [] }: Expected): boolean {
  return (
    loud.every((hz) => levelHeard(phone, hz) > LOUD_DB) &&
    silent.every((hz) => levelHeard(phone, hz) < SILENT_DB)
  );
}
