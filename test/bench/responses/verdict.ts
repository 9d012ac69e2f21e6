import { readWav } from '../../../src/media/wav/wav-reader.ts';
import { PACKET_MS, tonesOf } from '../../support/load/payloads.ts';
import { checkTones } from '../../support/load/tone-check.ts';
import type { BotResponse } from './bot.ts';
import type { CallTimes } from './phones.ts';

/** Of what was said, so much may be missing. */
const MOST_LOST_MS = 200;
const EXPECTED = 'completed 200/8588';
const RATE_HZ = 16_000;
const LIMITS = { maxDurationMs: 130_000, maxChannels: 1 };

/** What became of a caller's response. */
export type Verdict = {
  /** From BYE to the notification; `undefined` if there was none of either. */
  readonly notifyMs: number | undefined;
  /** Of the file. */
  readonly seconds: number;
  /** Why it is lost; `undefined` if it is not. */
  readonly lost: string | undefined;
};

/** Whether what a caller said is in what the bot was told of. */
export function verdictOf(times: CallTimes, response: BotResponse | undefined): Verdict {
  const { saidMs, byeUs, failure } = times;
  if (failure !== undefined) return lostBecause(failure);
  if (saidMs === 0 || byeUs === undefined) return lostBecause('no beep was heard');
  if (response === undefined) return lostBecause('no notification');
  const { notifiedUs, result, file } = response;
  const notifyMs = (notifiedUs - byeUs) / 1000;
  const lost = (why: string, seconds = 0): Verdict => ({ notifyMs, seconds, lost: why });
  if (result !== EXPECTED) return lost(result);
  if (typeof file === 'string') return lost(file);
  const wav = readWav(file, LIMITS);
  if (!wav.ok) return lost(`the file is no WAV: ${wav.defect}`);
  const { samples, sampleRateHz, channels } = wav.value;
  if (sampleRateHz !== RATE_HZ || channels !== 1) return lost('the file has another format');
  const seconds = samples.length / RATE_HZ;
  if (seconds * 1000 < saidMs - MOST_LOST_MS) return lost(`${seconds} s of ${saidMs} ms`, seconds);
  const heardMs = longestVoiceMs(samples, times.caller);
  if (heardMs < saidMs - MOST_LOST_MS) {
    return lost(`its voice for ${heardMs} of ${saidMs} ms`, seconds);
  }
  return { notifyMs, seconds, lost: undefined };
}

function lostBecause(lost: string): Verdict {
  return { notifyMs: undefined, seconds: 0, lost };
}

/** The longest stretch in which both tones of a caller are in every 20 ms, each within 1 dB. */
function longestVoiceMs(samples: Int16Array, caller: number): number {
  const toMs = (samples.length / RATE_HZ) * 1000;
  const { wrongFrames, framesChecked } = checkTones(samples, RATE_HZ, tonesOf(caller), {
    fromMs: 0,
    toMs,
  });
  let longest = 0;
  let from = 0;
  for (const wrong of [...wrongFrames, framesChecked]) {
    longest = Math.max(longest, wrong - from);
    from = wrong + 1;
  }
  return longest * PACKET_MS;
}
