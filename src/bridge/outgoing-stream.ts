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

/** What comes later than this after its turn follows a pause, and is placed by the clock. */
const PAUSE_US = 100_000;
/** A change between relay and frames of ours moves what is said by no more than this, so that it has no gap. */
const MOST_MOVED_US = 100_000;

/**
 * The one stream that a leg hears from us, whoever speaks: one SSRC, sequence numbers and
 * timestamps without a break. Packets of one source keep their distances, so that what the network
 * lost or reordered stays visible; a new source goes on where the last one stopped, by the clock.
 * So do frames of our own making, which follow each other by what they last.
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
  /** Our own frames are going on: the next one has its turn then, and this timestamp. */
  #isOwnRun = false;
  #ownDueUs = 0;
  #ownTimestamp = 0;
  #isResting = false;

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
    this.#isOwnRun = false;
  }

  /** Frames of ours pause here: the next one stands where the clock says, and behind those before. */
  rest(): void {
    this.#isResting = true;
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

  /** Finds the place of a frame of ours that lasts `ticks` and is sent now: right behind the one before. */
  placeFrame(ticks: number, nowUs: number, clockRateHz: number): void {
    if (!this.#isOwnRun || nowUs - this.#ownDueUs > PAUSE_US) {
      this.#isMapped = false;
      this.#isOwnRun = true;
      this.#ownTimestamp = this.#nextTimestamp(nowUs, clockRateHz);
      this.#ownDueUs = nowUs;
    } else if (this.#isResting && nowUs > this.#ownDueUs) {
      const pauseTicks = Math.round(((nowUs - this.#ownDueUs) / 1_000_000) * clockRateHz);
      this.#ownTimestamp = addTimestamp(this.#ownTimestamp, pauseTicks);
      this.#ownDueUs = nowUs;
    }
    this.#isResting = false;
    this.#placeNext(this.#ownTimestamp, this.#ownDueUs);
    this.#ownTimestamp = addTimestamp(this.#ownTimestamp, ticks);
    this.#ownDueUs += (ticks / clockRateHz) * 1_000_000;
  }

  /**
   * Frames of ours go on with what was relayed: the first one, which is sent now, begins with the sample
   * that has this timestamp at its source, and is placed where the relayed packet would have been.
   */
  continueRun(ssrc: number, timestamp: number, nowUs: number, clockRateHz: number): void {
    if (!this.#isMapped || ssrc !== this.#sourceSsrc) return;
    const place = addTimestamp(timestamp, this.#timestampOffset);
    const movedTicks = timestampDistance(place, this.timestampAt(nowUs, clockRateHz));
    const isNew = timestampDistance(this.#highestTimestamp, place) > 0;
    if (!isNew || Math.abs(movedTicks) > (MOST_MOVED_US / 1_000_000) * clockRateHz) return;
    this.#isMapped = false;
    this.#isOwnRun = true;
    this.#ownTimestamp = place;
    this.#ownDueUs = nowUs;
  }

  /**
   * Finds the place of a packet that tells of an event: all of one event have the timestamp of its start,
   * which stands where the clock says.
   */
  placeEvent(isFirst: boolean, nowUs: number, clockRateHz: number): void {
    this.interrupt();
    const startUs = isFirst ? nowUs : this.#highestSentUs;
    const start = isFirst ? this.#nextTimestamp(nowUs, clockRateHz) : this.#highestTimestamp;
    this.#placeNext(start, startUs);
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
    const isNext = this.#isOwnRun && Math.abs(arrivalUs - this.#ownDueUs) <= MOST_MOVED_US;
    const nextTimestamp = isNext ? this.#ownTimestamp : this.#nextTimestamp(arrivalUs, clockRateHz);
    this.#isOwnRun = false;
    this.#isMapped = true;
    this.#sourceSsrc = ssrc;
    this.#firstSequence = sequenceNumber;
    this.#sequenceOffset = sequenceDistance(sequenceNumber, nextSequence);
    this.#timestampOffset = timestampDistance(timestamp, nextTimestamp);
  }
  /** By the clock; at least one tick on, so that no two packets of different sources share it. */
  #nextTimestamp(nowUs: number, clockRateHz: number): number {
    if (!this.#hasSent) return this.#highestTimestamp;
    const ticks = timestampDistance(this.#highestTimestamp, this.timestampAt(nowUs, clockRateHz));
    return addTimestamp(this.#highestTimestamp, Math.max(1, ticks));
  }

  #placeNext(timestamp: number, sentUs: number): void {
    this.sequenceNumber = this.#hasSent
      ? addSequence(this.#highestSequence, 1)
      : this.#highestSequence;
    this.timestamp = timestamp;
    this.#highestSequence = this.sequenceNumber;
    this.#highestTimestamp = timestamp;
    this.#highestSentUs = sentUs;
    this.#hasSent = true;
  }
}
