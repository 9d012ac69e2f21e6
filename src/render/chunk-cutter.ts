/** Where a chunk begins. */
export type ChunkStart = {
  /** First sample of the chunk in the file as if it were one; at 8 kHz. */
  readonly start: number;
  /** Time of that sample since the journal's start, µs. */
  readonly startUs: number;
  /** Packets that had come too late before. */
  readonly latePackets: number;
};

/** Notes where chunks begin while samples pass. A chunk exists once its first sample does. */
export class ChunkCutter {
  /** The first is that of the chunk it was begun with. */
  readonly starts: ChunkStart[] = [];
  readonly #chunkSamples: number;
  #nextStart: number;

  /** @param firstStart of the first chunk to come. */
  constructor(firstStart: number, chunkSamples: number) {
    this.#nextStart = firstStart;
    this.#chunkSamples = chunkSamples;
  }

  /**
   * Samples `at…at+count` of the file pass; the first of them stands at `position` of the timeline.
   */
  pass(at: number, count: number, position: number, latePackets: number): void {
    while (this.#nextStart < at + count) {
      const startUs = (position + this.#nextStart - at) * SAMPLE_US;
      this.starts.push({ start: this.#nextStart, startUs, latePackets });
      this.#nextStart += this.#chunkSamples;
    }
  }
}

const SAMPLE_US = 125;
