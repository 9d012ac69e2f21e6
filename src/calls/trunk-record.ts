import type { Clock } from '../core/ports/clock.ts';
import type { DialDestination } from './destinations.ts';

/** How long a trunk that failed is tried behind all others. */
export const TRUNK_REST_MS = 60_000;
/** Whatever a trunk says: it is asked again then. */
export const MAX_TRUNK_PAUSE_MS = 300_000;

/** Since the start. */
export type TrunkFigures = {
  /** Calls that were given to it. */
  calls: number;
  /** Of those: it could not be reached, said nothing, or could not serve. */
  failures: number;
};

/** How each trunk has done, and which are to be left alone for a while. */
export class TrunkRecord {
  readonly #clock: Clock;
  readonly #figures = new Map<string, TrunkFigures>();
  readonly #restsUntilUs = new Map<string, number>();
  readonly #pausesUntilUs = new Map<string, number>();

  constructor(clock: Clock, names: readonly string[]) {
    this.#clock = clock;
    for (const name of names) this.#figures.set(name, { calls: 0, failures: 0 });
  }

  /** By name. */
  get figures(): ReadonlyMap<string, Readonly<TrunkFigures>> {
    return this.#figures;
  }

  /** Whether it failed less than `TRUNK_REST_MS` ago, and has taken no call since; or wants none yet. */
  isResting(name: string): boolean {
    return this.isPausing(name) || isAhead(this.#restsUntilUs, name, this.#clock);
  }

  /** Whether it has asked for no calls, and the time that it named is not over. */
  isPausing(name: string): boolean {
    return isAhead(this.#pausesUntilUs, name, this.#clock);
  }

  /** The ways that may be taken; those last that are to be left alone while there are others. */
  inOrder(ways: readonly DialDestination[]): readonly DialDestination[] {
    const rests = ({ trunk }: DialDestination): boolean =>
      trunk !== undefined && this.isResting(trunk);
    const open = ways.filter(({ trunk }) => trunk === undefined || !this.isPausing(trunk));
    return [...open.filter((way) => !rests(way)), ...open.filter(rests)];
  }

  called(name: string): void {
    this.#of(name).calls += 1;
  }

  /** Whatever its far side says: it does what it is there for. */
  served(name: string): void {
    this.#restsUntilUs.delete(name);
  }

  /** @param pauseMs for so long it asks for no calls (RFC 3261 §21.5.4), `MAX_TRUNK_PAUSE_MS` at most. */
  failed(name: string, pauseMs = 0): void {
    const nowUs = this.#clock.monotonicUs();
    this.#of(name).failures += 1;
    this.#restsUntilUs.set(name, nowUs + TRUNK_REST_MS * 1000);
    if (pauseMs <= 0) return;
    this.#pausesUntilUs.set(name, nowUs + Math.min(pauseMs, MAX_TRUNK_PAUSE_MS) * 1000);
  }

  #of(name: string): TrunkFigures {
    const known = this.#figures.get(name) ?? { calls: 0, failures: 0 };
    this.#figures.set(name, known);
    return known;
  }
}

function isAhead(times: ReadonlyMap<string, number>, name: string, clock: Clock): boolean {
  return (times.get(name) ?? -Infinity) > clock.monotonicUs();
}
