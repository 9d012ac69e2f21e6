import { TONES, type Tone } from '../../core/tone.ts';

/** A key that was sent by INFO. */
export type RelayedTone = { readonly tone: Tone; readonly durationMs: number };

/** What `application/dtmf`, and a relay body without `Duration`, stand for. */
const DEFAULT_DURATION_MS = 250;
/** Nobody holds a key longer; more is a mistake. */
const MAX_DURATION_MS = 10_000;
const MAX_BODY_BYTES = 1_000;

/**
 * `application/dtmf-relay`: lines `Signal=5` and `Duration=160`, in any order and spelling. Also
 * event codes are in use as signals: 10 for the star, 11 for the hash. `undefined` for anything
 * else, such as a flash hook. Never throws.
 */
export function parseDtmfRelay(body: Uint8Array): RelayedTone | undefined {
  const text = new TextDecoder().decode(body.subarray(0, MAX_BODY_BYTES));
  const signal = /^[ \t]*signal[ \t]*=[ \t]*([0-9*#a-d]{1,2})[ \t]*\r?$/im.exec(text)?.[1];
  const tone = signal === undefined ? undefined : toneOf(signal);
  if (tone === undefined) return undefined;
  const duration = /^[ \t]*duration[ \t]*=[ \t]*(\d{1,6})[ \t]*\r?$/im.exec(text)?.[1];
  const durationMs = duration === undefined ? DEFAULT_DURATION_MS : Number(duration);
  return { tone, durationMs: Math.min(Math.max(durationMs, 1), MAX_DURATION_MS) };
}

/** `application/dtmf`: the key alone, or a relay body under the wrong name. Never throws. */
export function parseDtmf(body: Uint8Array): RelayedTone | undefined {
  const text = new TextDecoder().decode(body.subarray(0, MAX_BODY_BYTES)).trim();
  const tone = /^[0-9*#a-d]{1,2}$/i.test(text) ? toneOf(text) : undefined;
  return tone === undefined ? parseDtmfRelay(body) : { tone, durationMs: DEFAULT_DURATION_MS };
}

function toneOf(signal: string): Tone | undefined {
  const key = TONES.find((tone) => tone === signal.toUpperCase());
  return key ?? (/^1\d$/.test(signal) ? TONES[Number(signal)] : undefined);
}
