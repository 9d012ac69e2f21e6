import type { JournalStream } from './journal-stream.ts';

/**
 * What a reader calls for every record, in the order of the journal. Times are µs since the
 * journal's start. Must not throw: a record that was half handled would be given again.
 */
export interface JournalVisitor {
  /**
   * The datagram is `bytes[start…end)`. `bytes` is the reader's own, valid during the call only,
   * and the same object for many packets.
   */
  packet(
    stream: number,
    timeUs: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    played: boolean,
  ): void;
  joined(stream: JournalStream, timeUs: number): void;
  left(stream: number, timeUs: number): void;
  paused(timeUs: number): void;
  resumed(timeUs: number): void;
  /** A telephone-event code of RFC 4733 was detected. */
  tone(stream: number, timeUs: number, eventCode: number, durationMs: number): void;
  /**
   * A packet of `ssrc` with `rtpTimestamp` has its place at `placeUs`, though none was written.
   * `placeUs` is negative for a place before the journal's start.
   */
  anchor(stream: number, timeUs: number, ssrc: number, rtpTimestamp: number, placeUs: number): void;
  /** Every packet that arrived before `timeUs` has been given. */
  tick(timeUs: number): void;
  /** The last record. `reason` is one of `JournalEndReason`, or one of a later version. */
  ended(timeUs: number, reason: string, endedAtMs: number): void;
  /** A record of a type that this version does not know, or whose content is too short for its type. */
  unknown(type: number, timeUs: number): void;
  /** Comes before the records of each block, whose CRC is right. */
  block?(offsetBytes: number, sizeBytes: number, crc: number): void;
}
