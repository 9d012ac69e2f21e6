import type { Leg } from '../leg.ts';
import type { LegSource } from './leg-source.ts';

/** A stream of which nothing came for so long, and a packet, was not relayed when the mix began. */
const EXPECTED_US = 10_000;

type Continued = {
  readonly leg: Leg;
  readonly source: LegSource;
  readonly media: NonNullable<Leg['media']>;
};

/**
 * Where two legs were relayed, the mix begins with the frame in which both of them can be heard: each hears
 * the other's first mixed sample right behind the last relayed one.
 */
export class StartOfMix {
  readonly #pair: readonly [Continued, Continued];
  readonly #untilUs: number;

  constructor(a: Continued, b: Continued, nowUs: number) {
    this.#pair = [a, b];
    a.source.continued();
    b.source.continued();
    const packetMs = Math.max(a.media.packetTimeMs, b.media.packetTimeMs);
    this.#untilUs = nowUs + packetMs * 1000 + EXPECTED_US;
  }

  /** True once, when all that is awaited has come. */
  isReadyAt(frameUs: number): boolean {
    for (const { source } of this.#pair) {
      const isAwaited = source.isIdle ? frameUs < this.#untilUs : !source.isReadyAt(frameUs);
      if (isAwaited) return false;
    }
    const [a, b] = this.#pair;
    this.#join(a, b, frameUs);
    this.#join(b, a, frameUs);
    return true;
  }

  #join(from: Continued, to: Continued, frameUs: number): void {
    const { first } = from.source;
    if (first !== undefined) to.leg.continueRun(first.ssrc, first.timestamp, frameUs);
  }
}
