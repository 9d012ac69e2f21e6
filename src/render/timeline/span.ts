import { addSlewed, INTERPOLATOR_REACH } from '../../media/resample/slew-interpolator.ts';
import { sequenceDistance, timestampDistance } from '../../protocols/rtp/arithmetic.ts';
import {
  ANCHOR_TOLERANCE_SAMPLES,
  ANCHOR_WINDOW_US,
  BLOCK_SAMPLES,
  LATE_WINDOW_MS,
  LONGEST_ANCHOR_WINDOW_US,
  MAX_DROPOUT_PACKETS,
  MAX_MISORDER_PACKETS,
  samplesOf,
  TIMELINE_RATE_HZ,
} from './constants.ts';
import { DriftFollower } from './drift-follower.ts';
import { PacketWindow } from './packet-window.ts';

/** A packet of audio, reused from one to the next. */
export type AudioPacket = {
  sequenceNumber: number;
  timestamp: number;
  arrivalUs: number;
  /** The payload is `bytes[from…from+count)`, one sample a byte. */
  bytes: Uint8Array;
  from: number;
  count: number;
};

/**
 * What became of a packet. `jump`: its numbers do not continue this span; the sender may have
 * restarted. `behind`: newest by number, but too late for its place: a network that stood still,
 * or a sender whose clock did.
 */
export type Acceptance = 'taken' | 'duplicate' | 'late' | 'jump' | 'behind';

const LATE_WINDOW_SAMPLES = (LATE_WINDOW_MS * TIMELINE_RATE_HZ) / 1000;
/** No packet arrives this much before it is sent: the sender's timestamps have jumped ahead. */
const EARLY_JUMP_SAMPLES = 2000;
/** Two places closer than this are one place with jitter between them: 200 ms. */
const SAME_PLACE_SAMPLES = 1600;
/**
 * If delays were spread evenly over `spread`, the earliest of n packets would be off by more than the
 * tolerance with probability (1 − tolerance / spread)^n, below e^−(n · tolerance / spread). With 9: one in
 * 8,000.
 */
const CERTAINTY = 9;
/** Without packets for this long, a span gives its memory back. */
const IDLE_SAMPLES = 40_000;

/**
 * A run of one sender's samples whose distances are known exactly: one SSRC, no restart. Position 0
 * is the first sample of its first packet; its offset says where on the timeline that stands, and is
 * fixed by the earliest arrival of the first second, or of as much more as it takes to be sure.
 */
export class Span {
  readonly ssrc: number;
  readonly #table: Int16Array;
  readonly #window = new PacketWindow();
  readonly #drift = new DriftFollower();
  readonly #firstArrivalUs: number;
  /** Where the span it takes over from would have it. */
  readonly #inherited: number | undefined;
  #offset: number | undefined;
  #earliest = Infinity;
  /** Of the packets that came before the place was known: how many, and the sum of their offsets. */
  #observed = 0;
  #offsets = 0;
  #newestSequence: number;
  #newestAudioSequence: number;
  #newestTimestamp: number;
  #newestPosition = 0;
  #lastArrival: number;
  /** Late for the place that was found after they came; not reported yet. */
  #dropped = 0;

  /**
   * Begins with a packet, which the caller then hands to `accept`.
   * @param table samples of the codec's 256 codes.
   * @param anchored timeline position of the packet, if it is known from elsewhere.
   * @param inherited timeline position of the packet in a span that went before, if its numbers
   *   continue those; taken if the arrivals agree, so that distances stay exact over a stall.
   */
  constructor(
    ssrc: number,
    table: Int16Array,
    packet: AudioPacket,
    anchored: number | undefined,
    inherited: number | undefined,
  ) {
    this.ssrc = ssrc;
    this.#table = table;
    this.#firstArrivalUs = packet.arrivalUs;
    this.#inherited = inherited;
    this.#offset = anchored === undefined ? undefined : Math.round(anchored);
    // Unwrapped numbers stay positive, whatever comes before the first packet.
    this.#newestSequence = packet.sequenceNumber + 0x10000;
    this.#newestAudioSequence = this.#newestSequence;
    this.#newestTimestamp = packet.timestamp;
    this.#lastArrival = samplesOf(packet.arrivalUs);
  }

  /** Until when the timeline has to wait for the span's place; `undefined` once it is known. */
  get undecidedSinceUs(): number | undefined {
    return this.#offset === undefined ? this.#firstArrivalUs : undefined;
  }

  /** Latest arrival, in samples. */
  get lastArrival(): number {
    return this.#lastArrival;
  }

  /** Whether all that it holds ends before `position` of the timeline. */
  isDrained(position: number): boolean {
    const end = this.#window.end;
    return end === undefined || (this.#offset !== undefined && end + this.#offset <= position);
  }

  /** Where a timestamp near the newest one stands on the timeline. */
  placeOf(timestamp: number): number | undefined {
    if (this.#offset === undefined) return undefined;
    return (
      this.#offset + this.#newestPosition + timestampDistance(this.#newestTimestamp, timestamp)
    );
  }

  /** Takes notice of a packet without samples (telephone-event, comfort noise). */
  skip(sequenceNumber: number): void {
    const distance = sequenceDistance(this.#newestSequence & 0xffff, sequenceNumber);
    if (distance > 0 && distance <= MAX_DROPOUT_PACKETS) this.#newestSequence += distance;
  }

  accept(packet: AudioPacket): Acceptance {
    const distance = sequenceDistance(this.#newestSequence & 0xffff, packet.sequenceNumber);
    if (distance > MAX_DROPOUT_PACKETS || distance < -MAX_MISORDER_PACKETS) return 'jump';
    const sequence = this.#newestSequence + distance;
    if (this.#window.has(sequence)) return 'duplicate';
    const ahead = sequence - this.#newestAudioSequence;
    const ticks = timestampDistance(this.#newestTimestamp, packet.timestamp);
    // Audio runs forward with its numbers.
    if ((ahead > 0 && ticks < 0) || (ahead < 0 && ticks > 0)) return 'jump';
    const position = this.#newestPosition + ticks;
    const arrival = samplesOf(packet.arrivalUs);
    this.#decideAt(packet.arrivalUs);
    const offset = arrival - position;
    const isPlaced = this.#offset !== undefined;
    const reference = this.#offset ?? (this.#earliest === Infinity ? offset : this.#earliest);
    const lateness = offset - reference;
    // Before the place is known, an earlier packet only says that those before it were delayed.
    const tooEarly = isPlaced ? EARLY_JUMP_SAMPLES : LATE_WINDOW_SAMPLES;
    if (ahead > 0 && lateness < -tooEarly) return 'jump';
    if (lateness > LATE_WINDOW_SAMPLES) return ahead > 0 ? 'behind' : 'late';
    const { arrivalUs, bytes, from, count } = packet;
    if (!this.#window.put(sequence, position, arrivalUs, bytes, from, count)) return 'jump';
    if (offset < this.#earliest) this.#earliest = offset;
    if (!isPlaced) {
      this.#observed += 1;
      this.#offsets += offset;
    }
    this.#drift.observe(arrival, offset);
    this.#lastArrival = arrival;
    if (distance > 0) this.#newestSequence = sequence;
    if (ahead > 0) {
      this.#newestAudioSequence = sequence;
      this.#newestTimestamp = packet.timestamp;
      this.#newestPosition = position;
    }
    return 'taken';
  }

  /**
   * Fixes the place once enough has been seen.
   * @returns packets of that time that came too late for the place it was given.
   */
  decide(nowUs: number): number {
    this.#decideAt(nowUs);
    return this.#takeDropped();
  }

  /** Fixes the place with what has come: the journal is over. */
  decideNow(): number {
    if (this.#offset === undefined) this.#place();
    return this.#takeDropped();
  }

  #takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  #decideAt(nowUs: number): void {
    if (this.#offset !== undefined) return;
    const elapsedUs = nowUs - this.#firstArrivalUs;
    if (elapsedUs < ANCHOR_WINDOW_US) return;
    if (elapsedUs >= LONGEST_ANCHOR_WINDOW_US || this.#isCertain()) this.#place();
  }

  /** Whether the earliest of what was seen can be taken for a packet that was hardly delayed. */
  #isCertain(): boolean {
    // The mean, and not the latest: one packet that was held up for long says nothing.
    const spread = 2 * (this.#offsets / this.#observed - this.#earliest);
    return this.#observed * ANCHOR_TOLERANCE_SAMPLES >= CERTAINTY * spread;
  }

  #place(): void {
    const measured = Math.round(this.#earliest);
    const inherited = this.#inherited;
    const offset =
      inherited !== undefined && Math.abs(inherited - measured) <= SAME_PLACE_SAMPLES
        ? inherited
        : measured;
    this.#offset = offset;
    this.#dropped += this.#window.dropLate(
      (position) => ((position + offset + LATE_WINDOW_SAMPLES) * 1_000_000) / TIMELINE_RATE_HZ,
    );
  }

  /**
   * Adds the block that begins at `start` of the timeline, and lets go of what is behind it.
   * @param sum `undefined` if the samples are not wanted.
   * @param count samples; fewer than a block only for the last one.
   * @param scratch at least a block and twice the interpolator's reach.
   */
  render(sum: Int32Array | undefined, start: number, count: number, scratch: SpanScratch): void {
    const offset = this.#offset;
    if (offset === undefined) return;
    if (this.#window.isEmpty) {
      if (start - this.#lastArrival > IDLE_SAMPLES) this.#window.shrink();
      return;
    }
    const step = count === BLOCK_SAMPLES ? this.#drift.step(offset) : 0;
    const position = start - offset;
    if (sum !== undefined) {
      if (step === 0) this.#window.addTo(sum, 0, position, count, this.#table);
      else this.#slew(sum, position, step, scratch);
    }
    this.#offset = offset + step;
    this.#window.release(position + count - step - INTERPOLATOR_REACH);
  }

  /** A block in which the span moves by one sample against the timeline. */
  #slew(sum: Int32Array, position: number, step: number, scratch: SpanScratch): void {
    const room = INTERPOLATOR_REACH;
    const needed = BLOCK_SAMPLES + 2 * room;
    scratch.sum.fill(0, 0, needed);
    this.#window.addTo(scratch.sum, 0, position - room, needed, this.#table);
    scratch.samples.set(scratch.sum.subarray(0, needed));
    addSlewed(sum, 0, BLOCK_SAMPLES, scratch.samples, room, (BLOCK_SAMPLES - step) / BLOCK_SAMPLES);
  }
}

/** Working memory for one span at a time, shared by all renderings of a thread. */
export type SpanScratch = { readonly sum: Int32Array; readonly samples: Float64Array };

export function makeSpanScratch(): SpanScratch {
  const length = BLOCK_SAMPLES + 2 * INTERPOLATOR_REACH + 1;
  return { sum: new Int32Array(length), samples: new Float64Array(length) };
}
