import {
  addSequence,
  addTimestamp,
  sequenceDistance,
  timestampDistance,
} from '../protocols/rtp/arithmetic.ts';

/** Random values that a stream begins with (RFC 3550 §5.1). */
export type StreamStart = {
  readonly ssrc: number;
  readonly sequenceNumber: number;
  readonly timestamp: number;
};

/**
 * The one stream that a leg hears from us, whoever speaks: one SSRC, sequence numbers and
 * timestamps without a break. Packets of one source keep their distances, so that what the network
 * lost or reordered stays visible; a new source goes on where the last one stopped, by the clock.
 */
export class OutgoingStream {
  readonly ssrc: number;
  /** Of the packet that `place` placed last. */
  sequenceNumber: number;
  timestamp: number;
  packetCount = 0;
  octetCount = 0;

  #highestSequence: number;
  #highestTimestamp: number;
  #highestSentUs = 0;
  #hasSent = false;
  #isMapped = false;
  #sourceSsrc = 0;
  #firstSequence = 0;
  #sequenceOffset = 0;
  #timestampOffset = 0;

  constructor(start: StreamStart) {
    this.ssrc = start.ssrc;
    this.sequenceNumber = start.sequenceNumber;
    this.timestamp = start.timestamp;
    this.#highestSequence = start.sequenceNumber;
    this.#highestTimestamp = start.timestamp;
  }

  /** The next packet begins a new run even if its SSRC is the one before: after hold, say. */
  interrupt(): void {
    this.#isMapped = false;
  }

  /**
   * Finds the place of a source's packet and leaves it in `sequenceNumber` and `timestamp`.
   * False for a packet from before the source's first: its place is taken.
   */
  place(
    ssrc: number,
    sequenceNumber: number,
    timestamp: number,
    arrivalUs: number,
    clockRateHz: number,
  ): boolean {
    if (!this.#isMapped || ssrc !== this.#sourceSsrc) {
      this.#map(ssrc, sequenceNumber, timestamp, arrivalUs, clockRateHz);
    } else if (sequenceDistance(this.#firstSequence, sequenceNumber) < 0) {
      const highest = addSequence(this.#highestSequence, -this.#sequenceOffset);
      if (sequenceDistance(highest, sequenceNumber) < 0) return false;
      // The run is longer than half of the number space: compare with a younger mark from now on.
      this.#firstSequence = addSequence(highest, -0x4000);
    }
    this.sequenceNumber = addSequence(sequenceNumber, this.#sequenceOffset);
    this.timestamp = addTimestamp(timestamp, this.#timestampOffset);
    if (sequenceDistance(this.#highestSequence, this.sequenceNumber) > 0 || !this.#hasSent) {
      this.#highestSequence = this.sequenceNumber;
      this.#highestTimestamp = this.timestamp;
      this.#highestSentUs = arrivalUs;
      this.#hasSent = true;
    }
    return true;
  }

  /** Counts the packet that was placed, once it is sent. */
  count(payloadBytes: number): void {
    this.packetCount += 1;
    this.octetCount += payloadBytes;
  }

  /** Where the stream stands at a moment, for sender reports. */
  timestampAt(nowUs: number, clockRateHz: number): number {
    const ticks = Math.round(((nowUs - this.#highestSentUs) / 1_000_000) * clockRateHz);
    return addTimestamp(this.#highestTimestamp, ticks);
  }

  #map(
    ssrc: number,
    sequenceNumber: number,
    timestamp: number,
    arrivalUs: number,
    clockRateHz: number,
  ): void {
    const nextSequence = this.#hasSent
      ? addSequence(this.#highestSequence, 1)
      : this.#highestSequence;
    // At least one tick, so that no two packets of different sources share a timestamp.
    const nextTimestamp = this.#hasSent
      ? addTimestamp(
          this.#highestTimestamp,
          Math.max(
            1,
            timestampDistance(this.#highestTimestamp, this.timestampAt(arrivalUs, clockRateHz)),
          ),
        )
      : this.#highestTimestamp;
    this.#isMapped = true;
    this.#sourceSsrc = ssrc;
    this.#firstSequence = sequenceNumber;
    this.#sequenceOffset = sequenceDistance(sequenceNumber, nextSequence);
    this.#timestampOffset = timestampDistance(timestamp, nextTimestamp);
  }
}
