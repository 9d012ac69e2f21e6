import type { Clock } from '../core/ports/clock.ts';
import type { DialDestination } from './destinations.ts';

/** How long a trunk that failed is tried behind all others. */
export const TRUNK_REST_MS = 60_000;

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

  constructor(clock: Clock, names: readonly string[]) {
    this.#clock = clock;
    for (const name of names) this.#figures.set(name, { calls: 0, failures: 0 });
  }

  /** By name. */
  get figures(): ReadonlyMap<string, Readonly<TrunkFigures>> {
    return this.#figures;
  }

  /** Whether it failed less than `TRUNK_REST_MS` ago, and has taken no call since. */
  isResting(name: string): boolean {
    return (this.#restsUntilUs.get(name) ?? -Infinity) > this.#clock.monotonicUs();
  }

  /** The same ways, those last that are to be left alone. */
  inOrder(ways: readonly DialDestination[]): readonly DialDestination[] {
    const rests = ({ trunk }: DialDestination): boolean =>
      trunk !== undefined && this.isResting(trunk);
    return [...ways.filter((way) => !rests(way)), ...ways.filter(rests)];
  }

  called(name: string): void {
    this.#of(name).calls += 1;
  }

  /** Whatever its far side says: it does what it is there for. */
  served(name: string): void {
    this.#restsUntilUs.delete(name);
  }

  failed(name: string): void {
    this.#of(name).failures += 1;
    this.#restsUntilUs.set(name, this.#clock.monotonicUs() + TRUNK_REST_MS * 1000);
  }

  #of(name: string): TrunkFigures {
    const known = this.#figures.get(name) ?? { calls: 0, failures: 0 };
    this.#figures.set(name, known);
    return known;
  }
}
