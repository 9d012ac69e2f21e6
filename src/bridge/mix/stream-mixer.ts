import type { Clock } from '../../core/ports/clock.ts';
import { MixLimiter } from '../../media/mix/limiter.ts';
import type { StreamOutput } from '../audio-streams.ts';
import type { Buses } from './buses.ts';
import type { MixedStream, Participant } from './call-mixer.ts';

/** Of an unmixed stream, in one frame. */
const MOST_PARTICIPANTS = 4;

/** Gives streams what goes on in a call, 20 ms at a time. */
export class StreamMixer {
  readonly #clock: Clock;
  readonly #loudest: Participant[] = [];
  readonly #energies: number[] = [];
  readonly #limiters = new WeakMap<StreamOutput, MixLimiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  write(
    { output, voice }: MixedStream,
    buses: Buses,
    participants: readonly Participant[],
    frameUs: number,
  ): void {
    const atMs = this.#clock.nowMs() - (this.#clock.monotonicUs() - frameUs) / 1000;
    if (output.channels === 'unmixed') {
      this.#findLoudest(participants);
      for (const { leg, source } of this.#loudest) {
        output.write(leg.participantId, source.frame, false, atMs);
      }
      this.#loudest.length = 0;
      return;
    }
    const mix = buses.beside(voice, this.#limiterOf(output));
    output.write(undefined, mix, !buses.hasVoiceBeside(voice), atMs);
  }

  #limiterOf(output: StreamOutput): MixLimiter {
    const known = this.#limiters.get(output);
    if (known !== undefined) return known;
    const limiter = new MixLimiter();
    this.#limiters.set(output, limiter);
    return limiter;
  }

  #findLoudest(participants: readonly Participant[]): void {
    const loudest = this.#loudest;
    const energies = this.#energies;
    for (const participant of participants) {
      const { source } = participant;
      if (!source.isActive) continue;
      const energy = meanSquare(source.frame);
      let place = loudest.length;
      while (place > 0 && (energies[place - 1] ?? 0) < energy) place -= 1;
      if (place >= MOST_PARTICIPANTS) continue;
      loudest.splice(place, 0, participant);
      energies.splice(place, 0, energy);
      loudest.length = Math.min(loudest.length, MOST_PARTICIPANTS);
      energies.length = loudest.length;
    }
  }
}

function meanSquare(samples: Int16Array): number {
  let sum = 0;
  for (let at = 0; at < samples.length; at += 1) sum += (samples[at] ?? 0) ** 2;
  return sum / samples.length;
}
