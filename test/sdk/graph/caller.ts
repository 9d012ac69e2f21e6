import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import { BEEP_AMPLITUDE, BEEP_HZ } from '../../support/beep-heard.ts';
import { Baresip } from '../../support/peers/baresip.ts';
import { MediaTap } from '../../support/peers/media-tap.ts';
import { heardSpans, readClip, type TonePlan, writeTonePlan } from '../../support/tone-plan.ts';
import type { ToneSpan } from '../../../src/media/tone/tone-meter.ts';

export const USER = { name: 'caller', password: 'secret' } as const;
export const PROMPT_HZ = 1_000;
export const PROMPT_AMPLITUDE = 16_384;
export const PROMPT_MS = 1_000;
export const VOICE_HZ = 600;
export const VOICE_AMPLITUDE = 16_384;
const WORD_MS = 400;
const PAUSE_MS = 200;
const SPEECH_MS = 3_000;
/** Longer than any call here: when it has nothing more to say it hangs up. */
const TALK_MS = 60_000;
const LISTEN_MS = 30_000;
const POLL_MS = 40;
/** Nothing is sent to it when nothing is played: then the beep is over. */
const QUIET_MS = 150;

/** What the phone has heard of the bot so far. */
export type Heard = {
  readonly prompts: readonly ToneSpan[];
  readonly beeps: readonly ToneSpan[];
  readonly lengthMs: number;
};

/** A real phone that calls the bot, waits for the prompt and the beep, and then speaks. */
export class Caller {
  readonly tap: MediaTap;
  readonly #phone: Baresip;
  readonly #registrar: string;
  #isClosed = false;

  private constructor(phone: Baresip, tap: MediaTap, registrar: string) {
    this.#phone = phone;
    this.tap = tap;
    this.#registrar = registrar;
  }

  /**
   * @param sip of the server: `sip:host:port`.
   * @param directory where what it says is put.
   */
  static async open(sip: string, directory: string): Promise<Caller> {
    const speaks = join(directory, 'caller.wav');
    await writeTonePlan(speech(), speaks);
    const registrar = sip.replace('sip:', '');
    const [sipPort, controlPort] = [await freePort(), await freePort()];
    const tap = await MediaTap.open(sipPort, Number(registrar.split(':')[1]));
    const phone = await Baresip.start({
      ...{ user: USER.name, password: USER.password, registrar },
      outbound: `127.0.0.1:${tap.sipPort}`,
      ...{ sipPort, controlPort, rtpPort: 31_400, codec: 'pcmu', speaks },
    });
    return new Caller(phone, tap, registrar);
  }

  /** Dials, and says nothing. */
  call(number: string): void {
    this.#phone.call(`sip:${number}@${this.#registrar}`);
    this.#phone.mute();
  }

  /** Resolves when it has heard the prompt and then the beep, and nothing more. */
  async listen(): Promise<void> {
    const until = performance.now() + LISTEN_MS;
    let last = { lengthMs: 0, atMs: 0 };
    while (performance.now() < until) {
      await delay(POLL_MS);
      const { prompts, beeps, lengthMs } = await this.heard();
      if (lengthMs > last.lengthMs) last = { lengthMs, atMs: performance.now() };
      const quietMs = performance.now() - last.atMs;
      if (prompts.length > 0 && beeps.length > 0 && quietMs > QUIET_MS) return;
    }
    const heard = JSON.stringify(await this.heard());
    throw new Error(`the phone has not heard the prompt and the beep: ${heard}`);
  }

  /** Speaks for three seconds, and then sends silence. */
  async speak(): Promise<void> {
    this.#phone.mute();
    await delay(SPEECH_MS);
    if (!this.#isClosed) this.#phone.mute();
  }

  /** The prompt and the beep, as the phone has decoded them. */
  async heard(): Promise<Heard> {
    const clip = await readClip(await this.#phone.heard());
    return {
      prompts: heardSpans(clip, PROMPT_HZ, PROMPT_AMPLITUDE),
      beeps: heardSpans(clip, BEEP_HZ, BEEP_AMPLITUDE),
      lengthMs: (clip.samples.length * 1000) / clip.sampleRateHz,
    };
  }

  /** Resolves when the call is over. */
  async ended(): Promise<void> {
    await this.#phone.event('CALL_CLOSED');
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#phone.close();
    this.tap.close();
  }
}

/** Words, one after the other. */
function speech(): TonePlan {
  const count = Math.floor(TALK_MS / (WORD_MS + PAUSE_MS));
  const spans = Array.from({ length: count }, (_, index) => {
    const startMs = index * (WORD_MS + PAUSE_MS);
    return { startMs, endMs: startMs + WORD_MS };
  });
  return { frequencyHz: VOICE_HZ, amplitude: VOICE_AMPLITUDE, totalMs: TALK_MS, spans };
}
