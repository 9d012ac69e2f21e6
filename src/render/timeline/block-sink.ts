import type { BlockSum } from '../block-sum.ts';

/** What of a block is in the file: the parts outside of pauses, in order. Reused for every block. */
export type HeardParts = {
  length: number;
  /** Indexes into the block: part n is `from[n]…to[n]`, the end excluded. */
  readonly from: number[];
  readonly to: number[];
};

/** A piece of the timeline. Reused; valid until `end`. */
export type Block = {
  /** Position on the timeline, pauses included. */
  start: number;
  /** Samples; all blocks but the last have `BLOCK_SAMPLES`. */
  count: number;
  readonly heard: HeardParts;
  /** Packets of the whole recording that had come too late by now. */
  latePackets: number;
};

/**
 * Takes the sound of a journal, one block after the other, without gaps. For each block: `begin`, then
 * for each voice `sumOf` and `voiceDone`, then `end`. Must not throw.
 */
export interface BlockSink {
  begin(block: Block): void;
  /**
   * Where the streams of a voice are added; `undefined` if nobody wants to hear it,
   * which costs next to nothing but for codecs whose packets build on each other.
   * @param voice raw id of a participant; `undefined` for what the server itself played.
   */
  sumOf(voice: string | undefined): BlockSum | undefined;
  /** All streams of the voice are in its sum. */
  voiceDone(voice: string | undefined): void;
  end(block: Block): void;
}
