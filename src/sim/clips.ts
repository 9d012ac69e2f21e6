import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TapedeckError } from '../core/error.ts';
import { kaiserSinc } from '../media/resample/kaiser.ts';
import { readWav } from '../media/wav/wav-reader.ts';
import type { SimulatedPhone } from '../core/simulated-phone.ts';
import { RATE_HZ } from './telephony.ts';

/** `clip:alice` and `clip:bob` come with Tapedeck; anything else is a path. */
const BUILT_IN = /^clip:(alice|bob)$/;

/** Samples on each side that go into one of half the rate. */
const REACH = 32;
const BETA = 8;

/**
 * Reads every file that the phones speak. Rejects with `option-invalid` for one that is not there
 * or is no WAV of 8 or 16 kHz.
 */
export async function loadClips(
  phones: readonly Pick<SimulatedPhone, 'steps'>[],
  baseDirectory: string,
): Promise<ReadonlyMap<string, Int16Array>> {
  const clips = new Map<string, Int16Array>();
  for (const step of phones.flatMap((phone) => phone.steps)) {
    if (step.do === 'speak' && !clips.has(step.file)) {
      clips.set(step.file, await loadClip(step.file, baseDirectory));
    }
  }
  return clips;
}

async function loadClip(file: string, baseDirectory: string): Promise<Int16Array> {
  const builtIn = BUILT_IN.exec(file)?.[1];
  const path =
    builtIn === undefined
      ? resolve(baseDirectory, file)
      : new URL(`clips/${builtIn}.wav`, import.meta.url);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new TapedeckError('option-invalid', `sim: ${file} cannot be read`, {
      field: 'sim',
      cause,
    });
  }
  const wav = readWav(bytes);
  const what = wav.ok ? `${wav.value.sampleRateHz} Hz, ${wav.value.channels} channels` : wav.defect;
  if (wav.ok && wav.value.channels === 1 && wav.value.sampleRateHz === RATE_HZ) {
    return wav.value.samples;
  }
  if (wav.ok && wav.value.channels === 1 && wav.value.sampleRateHz === 2 * RATE_HZ) {
    return halveRate(wav.value.samples);
  }
  throw new TapedeckError(
    'option-invalid',
    `sim: ${file} is not a mono WAV of 8 or 16 kHz (${what})`,
    { field: 'sim' },
  );
}

/** Every other sample, after a low pass at half the new rate; sample 2n becomes sample n. */
export function halveRate(samples: Int16Array): Int16Array {
  const taps = Array.from({ length: 2 * REACH + 1 }, (_, index) =>
    kaiserSinc((index - REACH) / 2, REACH / 2, BETA),
  );
  const sum = taps.reduce((total, tap) => total + tap, 0);
  const halved = new Int16Array(samples.length >> 1);
  for (let out = 0; out < halved.length; out += 1) {
    let value = 0;
    for (let tap = 0; tap < taps.length; tap += 1) {
      value += (taps[tap] ?? 0) * (samples[2 * out + tap - REACH] ?? 0);
    }
    halved[out] = Math.max(-32_768, Math.min(32_767, Math.round(value / sum)));
  }
  return halved;
}
