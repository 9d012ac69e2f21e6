/** How far a packet may be behind the latest one; a power of two. RFC 3711 §3.3.2 asks for 64 at least. */
const WINDOW_PACKETS = 1_024;
const HALF = 0x8000;

/**
 * Which packets of one source were had, and how often its sequence number has begun anew. An index is a
 * rollover counter of 32 bits and a sequence number of 16; with RTCP it is one number, cut alike.
 */
export class ReplayWindow {
  #high = 0;
  #low = 0;
  #isEmpty = true;
  readonly #had = new Uint8Array(WINDOW_PACKETS);

  /** Of the latest packet. */
  get rollover(): number {
    return this.#high;
  }

  /** The rollover counter that a packet most likely belongs to (§3.3.1, appendix A); −1 if to none. */
  rolloverOf(sequenceNumber: number): number {
    if (this.#isEmpty) return 0;
    if (this.#low < HALF) return sequenceNumber - this.#low > HALF ? this.#high - 1 : this.#high;
    return this.#low - HALF > sequenceNumber ? this.#high + 1 : this.#high;
  }

  /** False for a packet that was had, or that is too old to know. */
  isNew(high: number, low: number): boolean {
    if (this.#isEmpty) return true;
    const ahead = this.#ahead(high, low);
    return ahead > 0 || (ahead > -WINDOW_PACKETS && this.#had[low & (WINDOW_PACKETS - 1)] === 0);
  }

  /** Takes a packet that `isNew`, once it is known to be authentic. */
  take(high: number, low: number): void {
    const ahead = this.#isEmpty ? WINDOW_PACKETS : this.#ahead(high, low);
    if (ahead > 0) {
      if (ahead >= WINDOW_PACKETS) this.#had.fill(0);
      for (let step = 1; step < Math.min(ahead, WINDOW_PACKETS); step += 1) {
        this.#had[(this.#low + step) & (WINDOW_PACKETS - 1)] = 0;
      }
      this.#high = high;
      this.#low = low;
      this.#isEmpty = false;
    }
    this.#had[low & (WINDOW_PACKETS - 1)] = 1;
  }

  #ahead(high: number, low: number): number {
    return (high - this.#high) * 0x1_0000 + low - this.#low;
  }
}
