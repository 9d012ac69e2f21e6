import type { JournalStream } from '../journal/journal-stream.ts';
import type { JournalVisitor } from '../journal/journal-visitor.ts';
import type { SpanDecoders } from './timeline/span-decoder.ts';

/**
 * Hands records on; from the first stream on whose decoder is not loaded yet it keeps them back, as what
 * was read can only be rendered in its order. That happens once in the life of a thread.
 */
export class RecordHold implements JournalVisitor {
  readonly #to: JournalVisitor;
  readonly #decoders: SpanDecoders;
  #held: (() => void)[] | undefined;

  constructor(to: JournalVisitor, decoders: SpanDecoders) {
    this.#to = to;
    this.#decoders = decoders;
  }

  /** Loads what is missing, and gives what was kept back. Rejects as `SpanDecoders.load`. */
  async release(): Promise<void> {
    if (this.#held === undefined) return;
    await this.#decoders.load();
    const held = this.#held;
    this.#held = undefined;
    for (const give of held) give();
  }

  packet(
    stream: number,
    timeUs: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    played: boolean,
  ): void {
    if (this.#held === undefined) {
      this.#to.packet(stream, timeUs, bytes, start, end, played);
      return;
    }
    const own = bytes.slice(start, end);
    this.#held.push(() => {
      this.#to.packet(stream, timeUs, own, 0, own.length, played);
    });
  }

  joined(stream: JournalStream, timeUs: number): void {
    if (this.#decoders.lacks(stream)) this.#held ??= [];
    this.#give(() => {
      this.#to.joined(stream, timeUs);
    });
  }

  left(stream: number, timeUs: number): void {
    this.#give(() => {
      this.#to.left(stream, timeUs);
    });
  }

  paused(timeUs: number): void {
    this.#give(() => {
      this.#to.paused(timeUs);
    });
  }

  resumed(timeUs: number): void {
    this.#give(() => {
      this.#to.resumed(timeUs);
    });
  }

  tone(stream: number, timeUs: number, eventCode: number, durationMs: number): void {
    this.#give(() => {
      this.#to.tone(stream, timeUs, eventCode, durationMs);
    });
  }

  anchor(
    stream: number,
    timeUs: number,
    ssrc: number,
    rtpTimestamp: number,
    placeUs: number,
  ): void {
    this.#give(() => {
      this.#to.anchor(stream, timeUs, ssrc, rtpTimestamp, placeUs);
    });
  }

  tick(timeUs: number): void {
    this.#give(() => {
      this.#to.tick(timeUs);
    });
  }

  ended(timeUs: number, reason: string, endedAtMs: number): void {
    this.#give(() => {
      this.#to.ended(timeUs, reason, endedAtMs);
    });
  }

  unknown(type: number, timeUs: number): void {
    this.#give(() => {
      this.#to.unknown(type, timeUs);
    });
  }

  #give(give: () => void): void {
    if (this.#held === undefined) give();
    else this.#held.push(give);
  }
}
