import { TapedeckError } from '../core/error.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';
import { TONES, type Tone } from '../core/tone.ts';
import { TONE_STEP_MS as STEP_MS, type AudibleTones } from './audible-tones.ts';
import type { LegSender } from './leg-sender.ts';

/** Of a key: what every exchange takes for one, and then a pause that none takes for its end. */
export const TONE_MS = 100;
export const TONE_GAP_MS = 60;
const TONE_STEPS = TONE_MS / STEP_MS;
const STEPS = (TONE_MS + TONE_GAP_MS) / STEP_MS;
/** The end is told of so often (RFC 4733 §2.5.1.4), once a step. */
const END_PACKETS = 3;

type Request = {
  readonly tones: readonly Tone[];
  readonly resolve: () => void;
  readonly reject: (error: TapedeckError) => void;
};

/**
 * Sends keys on a leg's outgoing stream, one request after the other: by RFC 4733 where the leg agreed on
 * it, else as sound. Meanwhile nobody else is heard there.
 */
export class ToneSender {
  readonly #sender: LegSender;
  readonly #clock: Clock;
  readonly #audible: AudibleTones;
  readonly #requests: Request[] = [];
  #timer: Timer | undefined;
  /** Within the first request. */
  #at = 0;
  #step = 0;
  #isEvent = false;
  #dueUs = 0;
  #isClosed = false;

  /** Takes ownership of `audible`. */
  constructor(sender: LegSender, clock: Clock, audible: AudibleTones) {
    this.#sender = sender;
    this.#clock = clock;
    this.#audible = audible;
  }

  /** Resolves when the last key and the pause behind it are over. Rejects when the leg goes before. */
  send(tones: readonly Tone[]): Promise<void> {
    if (this.#isClosed) return Promise.reject(goneError());
    if (tones.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#requests.push({ tones, resolve, reject });
      if (this.#requests.length > 1) return;
      this.#sender.silenceOthers(true);
      this.#dueUs = this.#clock.monotonicUs();
      this.#run();
    });
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#audible.close();
    for (const { reject } of this.#requests.splice(0)) reject(goneError());
  }

  /** All steps that are due: timers come late, and what is told of a key must not. */
  #run(): void {
    this.#timer = undefined;
    const nowUs = this.#clock.monotonicUs();
    while (this.#dueUs <= nowUs) {
      this.#dueUs += STEP_MS * 1000;
      if (!this.#takeStep(nowUs)) return;
    }
    this.#timer = this.#clock.setTimer((this.#dueUs - nowUs) / 1000, () => {
      this.#run();
    });
  }

  /** False when all is sent. */
  #takeStep(nowUs: number): boolean {
    const [request] = this.#requests;
    const tone = request?.tones[this.#at];
    if (request === undefined || tone === undefined) return false;
    if (this.#step === STEPS) {
      this.#step = 0;
      this.#at += 1;
      if (this.#at === request.tones.length) {
        this.#at = 0;
        this.#requests.shift();
        request.resolve();
      }
      if (this.#requests.length === 0) {
        this.#sender.silenceOthers(false);
        return false;
      }
      return this.#takeStep(nowUs);
    }
    if (this.#step === 0) this.#isEvent = this.#sender.canSendEvents;
    if (this.#isEvent) this.#sendEvent(tone, nowUs);
    else {
      const sounding = this.#step < TONE_STEPS ? tone : undefined;
      this.#audible.sendStep(this.#sender, sounding, this.#step === 0, nowUs);
    }
    this.#step += 1;
    return true;
  }

  #sendEvent(tone: Tone, nowUs: number): void {
    const stepsSounding = Math.min(this.#step + 1, TONE_STEPS);
    const hasEnded = this.#step + 1 >= TONE_STEPS;
    if (this.#step + 1 >= TONE_STEPS + END_PACKETS) return;
    this.#sender.event(
      TONES.indexOf(tone),
      stepsSounding * STEP_MS,
      hasEnded,
      this.#step === 0,
      nowUs,
    );
  }
}

function goneError(): TapedeckError {
  return new TapedeckError('participant-not-found', 'the leg was closed before its keys were sent');
}
