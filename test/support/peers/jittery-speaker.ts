import { datagramOf } from '../../../src/render/testing/packets.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import { PACKET_MS, PACKET_SAMPLES } from '../load/payloads.ts';
import { until, type WireLeg } from './wire-phones.ts';

const PACKET_US = PACKET_MS * 1000;

type Waiting = { readonly dueUs: number; readonly datagram: Uint8Array };

/**
 * Speaks on one end of a call without a break. What it says may be changed while it does; a bad
 * network keeps each packet for as long as the test has it.
 */
export class JitterySpeaker {
  /** 20 ms of it, from a sample of the stream on. */
  voice: (firstSample: number) => Uint8Array;
  readonly #leg: WireLeg;
  readonly #delayUs: () => number;
  readonly #waiting: Waiting[] = [];
  readonly #startUs = systemClock.monotonicUs();
  readonly #speaking: Promise<void>;
  #spoken = 0;
  #stopped = false;

  constructor(leg: WireLeg, voice: (firstSample: number) => Uint8Array, delayUs: () => number) {
    this.#leg = leg;
    this.voice = voice;
    this.#delayUs = delayUs;
    this.#speaking = this.#speak();
  }

  /** On the monotonic clock: the end of the last packet that was spoken, sent or not. */
  get spokenUntilUs(): number {
    return this.#startUs + this.#spoken * PACKET_US;
  }

  /** Says nothing more; resolves when the network has let go of everything. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#speaking;
  }

  async #speak(): Promise<void> {
    while (!this.#stopped || this.#waiting.length > 0) {
      const nowUs = systemClock.monotonicUs();
      while (!this.#stopped && this.spokenUntilUs + PACKET_US <= nowUs) this.#sayOne();
      while ((this.#waiting[0]?.dueUs ?? Infinity) <= nowUs) {
        const next = this.#waiting.shift();
        if (next !== undefined) this.#leg.send(next.datagram);
      }
      await until(systemClock.monotonicUs() + 1000);
    }
  }

  #sayOne(): void {
    const timestamp = this.#spoken * PACKET_SAMPLES;
    const sequence = this.#spoken;
    this.#spoken += 1;
    const dueUs = this.spokenUntilUs + this.#delayUs();
    const datagram = datagramOf({
      ssrc: 77,
      sequence,
      timestamp,
      payloadType: 0,
      arrivalUs: dueUs,
      payload: this.voice(timestamp),
    });
    this.#waiting.push({ dueUs, datagram });
    this.#waiting.sort((a, b) => a.dueUs - b.dueUs);
  }
}
