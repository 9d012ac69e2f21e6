import type { LegId } from '../../core/ids.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Tone } from '../../core/tone.ts';

/** How a key came to us. */
export type ToneWay = 'media' | 'signalling';

/** Two reports of one key, by different ways, are not further apart. */
const TOGETHER_MS = 1_000;
/** Far more keys than anybody presses in that time; the oldest are forgotten beyond it. */
const MOST_PRESSES = 32;

type Press = { readonly tone: Tone; readonly way: ToneWay; readonly untilUs: number };

/** Phones may tell of one key in the media and by SIP INFO: it counts once. */
export class ToneDoubles {
  readonly #clock: Pick<Clock, 'monotonicUs'>;
  /** Keys of each leg that came by one way only so far; the leg that was heard last comes last. */
  readonly #presses = new Map<LegId, readonly Press[]>();

  constructor(clock: Pick<Clock, 'monotonicUs'>) {
    this.#clock = clock;
  }

  /** Whether this is the first report of the key. */
  isFirst(legId: LegId, tone: Tone, way: ToneWay): boolean {
    const nowUs = this.#clock.monotonicUs();
    this.#sweep(nowUs);
    const recent = (this.#presses.get(legId) ?? []).filter(({ untilUs }) => untilUs > nowUs);
    const twin = recent.findIndex((press) => press.tone === tone && press.way !== way);
    const kept =
      twin < 0
        ? [...recent, { tone, way, untilUs: nowUs + TOGETHER_MS * 1000 }].slice(-MOST_PRESSES)
        : recent.filter((_press, at) => at !== twin);
    this.#presses.delete(legId);
    if (kept.length > 0) this.#presses.set(legId, kept);
    return twin < 0;
  }

  /** Legs come and go: those that were not heard for a while leave nothing behind. */
  #sweep(nowUs: number): void {
    for (const [legId, presses] of this.#presses) {
      if ((presses.at(-1)?.untilUs ?? 0) > nowUs) return;
      this.#presses.delete(legId);
    }
  }
}
