import type { Clock, Timer } from '../../core/ports/clock.ts';
import { FRAME_US } from './frame.ts';

/** Calls are spread over this many moments of a frame, so that not all of them are mixed at once. */
const PHASES = 4;
const PHASE_US = FRAME_US / PHASES;
/**
 * After the thread stood still so many frames are made at once, half a second: phones put up with that as with
 * any network that holds packets up. The others are left out.
 */
const MOST_AT_ONCE = 25;

/** Somebody who has something to do every 20 ms. */
export interface Ticking {
  /**
   * @param frameUs when the frame was due.
   * @param nowUs later by 20 ms or more if the thread stood still: then several frames are made at once.
   */
  tick(frameUs: number, nowUs: number): void;
  /** `frames` are not made: the thread stood still for too long. */
  skip(frames: number): void;
}

type Phase = { readonly members: Set<Ticking>; dueUs: number };

/** One for all calls of a worker: while nobody is in it, no timer runs. */
export class Clockwork {
  readonly #clock: Clock;
  readonly #phases: readonly Phase[] = Array.from({ length: PHASES }, () => ({
    members: new Set<Ticking>(),
    dueUs: 0,
  }));
  readonly #phaseOf = new Map<Ticking, Phase>();
  #timer: Timer | undefined;
  #timerDueUs = Infinity;
  /** What waited in the sockets while the thread stood still has been received. */
  #hasReceived = false;
  readonly #onSkipped: (frames: number) => void;

  /** @param onSkipped once for each member that leaves out so many frames. */
  constructor(clock: Clock, onSkipped: (frames: number) => void) {
    this.#clock = clock;
    this.#onSkipped = onSkipped;
  }

  /** The first frame is due within the next 20 ms. Idempotent. */
  add(member: Ticking): void {
    if (this.#phaseOf.has(member)) return;
    let chosen = this.#phases[0];
    for (const phase of this.#phases) {
      if (chosen === undefined || phase.members.size < chosen.members.size) chosen = phase;
    }
    if (chosen === undefined) return;
    if (chosen.members.size === 0) chosen.dueUs = this.#nextDueUs(this.#phases.indexOf(chosen));
    chosen.members.add(member);
    this.#phaseOf.set(member, chosen);
    this.#schedule();
  }

  /** Idempotent; also while the member is ticking. */
  remove(member: Ticking): void {
    this.#phaseOf.get(member)?.members.delete(member);
    this.#phaseOf.delete(member);
    if (this.#phaseOf.size > 0) return;
    this.#hasReceived = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerDueUs = Infinity;
  }

  #nextDueUs(phase: number): number {
    const nowUs = this.#clock.monotonicUs();
    const offsetUs = phase * PHASE_US;
    return Math.floor((nowUs - offsetUs) / FRAME_US) * FRAME_US + FRAME_US + offsetUs;
  }

  #schedule(): void {
    let dueUs = Infinity;
    for (const phase of this.#phases) {
      if (phase.members.size > 0 && phase.dueUs < dueUs) dueUs = phase.dueUs;
    }
    if (dueUs === Infinity || dueUs >= this.#timerDueUs) return;
    this.#timer?.cancel();
    this.#timerDueUs = dueUs;
    const delayMs = Math.max(0, (dueUs - this.#clock.monotonicUs()) / 1000);
    this.#timer = this.#clock.setTimer(delayMs, this.#fire);
  }

  readonly #fire = (): void => {
    // Timers come before sockets: the frames that are late shall have what has come for them.
    const isLate = this.#clock.monotonicUs() - this.#timerDueUs >= FRAME_US;
    if (isLate && !this.#hasReceived) {
      this.#hasReceived = true;
      this.#timer = this.#clock.setTimer(0, this.#fire);
      return;
    }
    this.#hasReceived = false;
    this.#timer = undefined;
    this.#timerDueUs = Infinity;
    for (const phase of this.#phases) this.#run(phase);
    this.#schedule();
  };

  #run(phase: Phase): void {
    for (let made = 0; phase.members.size > 0; made += 1) {
      const nowUs = this.#clock.monotonicUs();
      const lateUs = nowUs - phase.dueUs;
      // Timers may come a little early: half a millisecond is on time.
      if (lateUs < -500) return;
      if (made === MOST_AT_ONCE) {
        const frames = Math.floor(lateUs / FRAME_US) + 1;
        phase.dueUs += frames * FRAME_US;
        for (const member of phase.members) {
          member.skip(frames);
          this.#onSkipped(frames);
        }
        return;
      }
      const { dueUs } = phase;
      phase.dueUs += FRAME_US;
      for (const member of phase.members) member.tick(dueUs, nowUs);
    }
  }
}
