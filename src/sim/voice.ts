import { keyOf } from '../protocols/rtp/telephone-event.ts';
import type { PhoneStep } from '../core/simulated-phone.ts';
import { FRAME_SAMPLES, RATE_HZ, samplesOf } from './telephony.ts';

/** What leaves a phone in one frame of 20 ms. */
export type Frame =
  | { readonly kind: 'audio' }
  | {
      readonly kind: 'event';
      readonly event: number;
      /** Frames of this event so far, this one included. */
      readonly elapsedFrames: number;
      readonly last: boolean;
    }
  | { readonly kind: 'hangUp' };

const AUDIO: Frame = { kind: 'audio' };
const HANG_UP: Frame = { kind: 'hangUp' };
const FULL_SCALE = 32_767;

/**
 * The script of a phone as a stream of frames. Audio steps join at the sample; digits begin at the
 * next frame, for events are sent in packets of their own.
 */
export class Voice {
  readonly #steps: readonly PhoneStep[];
  readonly #clips: ReadonlyMap<string, Int16Array>;
  readonly #loop: boolean;
  #step = 0;
  /** Samples of the present step that are gone; for digits, frames. */
  #done = 0;
  /** Samples since the answer. */
  #position = 0;

  /** @param clips 8 kHz samples of every file that a step speaks. */
  constructor(steps: readonly PhoneStep[], clips: ReadonlyMap<string, Int16Array>, loop: boolean) {
    this.#steps = steps;
    this.#clips = clips;
    this.#loop = loop;
  }

  /** Fills `into` (`FRAME_SAMPLES` long) when the frame is audio. */
  next(into: Int16Array): Frame {
    into.fill(0);
    let at = 0;
    // A round of steps that take no time must not keep us here.
    let idle = 0;
    while (at < FRAME_SAMPLES && idle <= this.#steps.length) {
      const step = this.#steps[this.#step];
      if (step === undefined) {
        if (!this.#loop || this.#steps.length === 0) break;
        this.#step = 0;
        continue;
      }
      if (step.do === 'hangUp') return HANG_UP;
      if (step.do === 'digits') {
        if (at > 0) break;
        const frame = this.#digit(step.digits, step.durationMs);
        if (frame !== undefined) {
          this.#position += FRAME_SAMPLES;
          return frame;
        }
        idle += 1;
        continue;
      }
      const count = Math.min(FRAME_SAMPLES - at, this.#remaining(step, at));
      this.#write(step, into, at, count);
      at += count;
      this.#done += count;
      idle = count > 0 ? 0 : idle + 1;
      if (this.#remaining(step, at) <= 0) this.#advance();
    }
    this.#position += FRAME_SAMPLES;
    return AUDIO;
  }

  #advance(): void {
    this.#step += 1;
    this.#done = 0;
  }

  #remaining(step: Exclude<PhoneStep, { do: 'digits' | 'hangUp' }>, at: number): number {
    switch (step.do) {
      case 'speak':
        return (this.#clips.get(step.file)?.length ?? 0) - this.#done;
      case 'tone':
      case 'silence':
        return samplesOf(step.durationMs) - this.#done;
      case 'waitUntil':
        return Math.max(0, samplesOf(step.atMs) - this.#position - at);
    }
  }

  #write(
    step: Exclude<PhoneStep, { do: 'digits' | 'hangUp' }>,
    into: Int16Array,
    at: number,
    count: number,
  ): void {
    if (step.do === 'speak') {
      const clip = this.#clips.get(step.file);
      if (clip !== undefined) into.set(clip.subarray(this.#done, this.#done + count), at);
    } else if (step.do === 'tone') {
      const amplitude = FULL_SCALE * 10 ** (step.levelDb / 20);
      const radians = (2 * Math.PI * step.frequencyHz) / RATE_HZ;
      for (let index = 0; index < count; index += 1) {
        into[at + index] = Math.round(amplitude * Math.sin(radians * (this.#done + index)));
      }
    }
  }

  /** The next frame of the digits, or `undefined` when they are over. */
  #digit(digits: string, durationMs: number): Frame | undefined {
    const frames = Math.max(1, Math.round(samplesOf(durationMs) / FRAME_SAMPLES));
    const index = Math.floor(this.#done / (2 * frames));
    const key = digits[index];
    if (key === undefined) {
      this.#advance();
      return undefined;
    }
    const elapsedFrames = (this.#done % (2 * frames)) + 1;
    this.#done += 1;
    if (elapsedFrames > frames) return AUDIO;
    return { kind: 'event', event: eventOf(key), elapsedFrames, last: elapsedFrames === frames };
  }
}

const EVENTS = new Map(
  Array.from({ length: 16 }, (_, event) => [keyOf(event) ?? '', event] as const),
);

function eventOf(key: string): number {
  return EVENTS.get(key) ?? 0;
}
