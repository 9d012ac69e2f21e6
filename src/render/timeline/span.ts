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
} from './constants.ts';
import type { BlockSum } from '../block-sum.ts';
import { DecodedSamples } from './decoded-samples.ts';
import { DriftFollower } from './drift-follower.ts';
import { PacketWindow } from './packet-window.ts';
import { SpanDecoders } from './span-decoder.ts';
import type { StreamFormat } from './stream-format.ts';

/** A packet of audio, reused from one to the next. */
export type AudioPacket = {
  sequenceNumber: number;
  timestamp: number;
  arrivalUs: number;
  /** The payload is `bytes[from…from+count)`. */
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

/** No packet arrives this much before it is sent: the sender's timestamps have jumped ahead. */
const EARLY_JUMP_MS = 250;
/** Two places closer than this are one place with jitter between them. */
const SAME_PLACE_MS = 200;
/**
 * If delays were spread evenly over `spread`, the earliest of n packets would be off by more than the
 * tolerance with probability (1 − tolerance / spread)^n, below e^−(n · tolerance / spread). With 9: one in
 * 8,000.
 */
const CERTAINTY = 9;
/** In five seconds, to tell of drift; of Opus, whose packets may be of 120 ms, fewer have to do. */
const ENOUGH_PACKETS = 50;
const FEW_PACKETS = 30;
/** Without packets for this long, a span gives its memory back. */
const IDLE_MS = 5000;

/**
 * A run of one sender's samples whose distances are known exactly: one SSRC, no restart. Position 0
 * is the first sample of its first packet; its offset says where on the timeline that stands, and is
 * fixed by the earliest arrival of the first second, or of as much more as it takes to be sure.
 * Positions and offsets are samples at the rate of its format. What comes out of a decoder was spoken
 * earlier by the delay of its codec; that is taken off, so that all codecs are on one timeline.
 */
export class Span {
  readonly ssrc: number;
  readonly #format: StreamFormat;
  readonly #window: PacketWindow;
  readonly #drift: DriftFollower;
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
  /** Of a codec whose packets build on each other. */
  #decoded: DecodedSamples | undefined;

  /**
   * Begins with a packet, which the caller then hands to `accept`.
   * @param anchored timeline position of the packet, if it is known from elsewhere.
   * @param inherited timeline position of the packet in a span that went before, if its numbers
   *   continue those; taken if the arrivals agree, so that distances stay exact over a stall.
   */
  constructor(
    ssrc: number,
    format: StreamFormat,
    packet: AudioPacket,
    anchored: number | undefined,
    inherited: number | undefined,
  ) {
    this.ssrc = ssrc;
    this.#format = format;
    this.#window = new PacketWindow(format);
    const isLongPossible = format.codec === 'OPUS';
    this.#drift = new DriftFollower(format.scale, isLongPossible ? FEW_PACKETS : ENOUGH_PACKETS);
    this.#firstArrivalUs = packet.arrivalUs;
    this.#inherited = inherited;
    this.#offset = anchored === undefined ? undefined : Math.round(anchored);
    // Unwrapped numbers stay positive, whatever comes before the first packet.
    this.#newestSequence = packet.sequenceNumber + 0x10000;
    this.#newestAudioSequence = this.#newestSequence;
    this.#newestTimestamp = packet.timestamp;
    this.#lastArrival = this.#samplesOf(packet.arrivalUs);
  }

  /** Until when the timeline has to wait for the span's place; `undefined` once it is known. */
  get undecidedSinceUs(): number | undefined {
    return this.#offset === undefined ? this.#firstArrivalUs : undefined;
  }

  /** Latest arrival. */
  get lastArrival(): number {
    return this.#lastArrival;
  }

  /** Whether all that it holds ends before `position` of the timeline. */
  isDrained(position: number): boolean {
    const end = this.#window.end;
    if (end === undefined) return true;
    return this.#offset !== undefined && end + this.#offset <= this.#format.scale * position;
  }

  /** Where a timestamp near the newest one stands on the timeline. */
  placeOf(timestamp: number): number | undefined {
    if (this.#offset === undefined) return undefined;
    return this.#offset + this.#newestPosition + this.#samplesSinceNewest(timestamp);
  }

  /** Frees its decoder. Nothing is rendered after it. Idempotent. */
  close(): void {
    this.#decoded?.close();
    this.#decoded = undefined;
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
    const since = this.#samplesSinceNewest(packet.timestamp);
    // Audio runs forward with its numbers.
    if ((ahead > 0 && since < 0) || (ahead < 0 && since > 0)) return 'jump';
    const position = this.#newestPosition + since;
    const arrival = this.#samplesOf(packet.arrivalUs);
    this.#decideAt(packet.arrivalUs);
    const { delaySamples } = this.#format;
    const offset = arrival - position - delaySamples;
    const isPlaced = this.#offset !== undefined;
    const reference = this.#offset ?? (this.#earliest === Infinity ? offset : this.#earliest);
    // By its arrival, whatever the codec: until then rendering waits for what has its place here.
    const lateness = offset - reference + delaySamples;
    const lateWindow = this.#samplesIn(LATE_WINDOW_MS);
    // Before the place is known, an earlier packet only says that those before it were delayed.
    const tooEarly = isPlaced ? this.#samplesIn(EARLY_JUMP_MS) : lateWindow;
    if (ahead > 0 && lateness < -tooEarly) return 'jump';
    if (lateness > lateWindow) return ahead > 0 ? 'behind' : 'late';
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
    const tolerance = this.#format.scale * ANCHOR_TOLERANCE_SAMPLES;
    return this.#observed * tolerance >= CERTAINTY * spread;
  }

  #place(): void {
    const measured = Math.round(this.#earliest);
    const inherited = this.#inherited;
    const offset =
      inherited !== undefined && Math.abs(inherited - measured) <= this.#samplesIn(SAME_PLACE_MS)
        ? inherited
        : measured;
    this.#offset = offset;
    const window = this.#samplesIn(LATE_WINDOW_MS);
    this.#dropped += this.#window.dropLate(
      (position) => ((position + offset + window) * 1_000_000) / this.#format.rateHz,
    );
  }

  /** A time in samples of its own, not rounded. */
  #samplesOf(timeUs: number): number {
    return (timeUs * this.#format.rateHz) / 1_000_000;
  }

  #samplesIn(durationMs: number): number {
    return (durationMs * this.#format.rateHz) / 1000;
  }

  #samplesSinceNewest(timestamp: number): number {
    const ticks = timestampDistance(this.#newestTimestamp, timestamp);
    return Math.round(ticks * this.#format.samplesPerTick);
  }

  /**
   * Adds the block that begins at `start` of the timeline, and lets go of what is behind it.
   * @param sum `undefined` if the samples are not wanted.
   * @param count samples of the timeline; fewer than a block only for the last one.
   */
  render(sum: BlockSum | undefined, start: number, count: number, scratch: SpanScratch): void {
    const offset = this.#offset;
    if (offset === undefined) return;
    const { scale } = this.#format;
    if (this.#window.isEmpty) {
      if (scale * start - this.#lastArrival > this.#samplesIn(IDLE_MS)) this.#rest();
      return;
    }
    const step = count === BLOCK_SAMPLES ? scale * this.#drift.step(offset) : 0;
    const position = scale * start - offset;
    const own = scale * count;
    if (this.#format.table === undefined) this.#addDecoded(sum, position, own, step, scratch);
    else if (sum !== undefined) this.#addCodes(sum.narrow, position, own, step, scratch);
    this.#offset = offset + step;
    this.#window.release(position + own - step - INTERPOLATOR_REACH);
  }

  #addCodes(
    sum: Int32Array,
    position: number,
    count: number,
    step: number,
    scratch: SpanScratch,
  ): void {
    const { table } = this.#format;
    if (table === undefined) return;
    if (step === 0) {
      this.#window.addTo(sum, 0, position, count, table);
      return;
    }
    const room = INTERPOLATOR_REACH;
    const needed = count + 2 * room;
    scratch.sum.fill(0, 0, needed);
    this.#window.addTo(scratch.sum, 0, position - room, needed, table);
    scratch.samples.set(scratch.sum.subarray(0, needed));
    addMoved(sum, count, step, scratch);
  }

  /** Packets are decoded also if nobody wants to hear them: those that follow build on them. */
  #addDecoded(
    sum: BlockSum | undefined,
    position: number,
    count: number,
    step: number,
    scratch: SpanScratch,
  ): void {
    this.#decoded ??= new DecodedSamples(this.#format);
    const room = INTERPOLATOR_REACH;
    const needed = count + 2 * room;
    const samples = this.#decoded.take(this.#window, position - room, needed, scratch.decoders);
    if (sum === undefined) return;
    const into = this.#format.scale === 1 ? sum.narrow : sum.addWide();
    if (step === 0) {
      for (let at = 0; at < count; at += 1) {
        into[at] = (into[at] as number) + (samples[room + at] as number); // both hold a block
      }
      return;
    }
    for (let at = 0; at < needed; at += 1) scratch.samples[at] = samples[at] as number; // inside
    addMoved(into, count, step, scratch);
  }

  #rest(): void {
    this.#window.shrink();
    this.close();
  }
}

/** A block, in the scratch, in which a span moves by `step` samples against the timeline. */
function addMoved(sum: Int32Array, count: number, step: number, scratch: SpanScratch): void {
  addSlewed(sum, 0, count, scratch.samples, INTERPOLATOR_REACH, (count - step) / count);
}

/** Working memory for one span at a time, shared by all renderings of a thread, and its decoders. */
export type SpanScratch = {
  readonly sum: Int32Array;
  readonly samples: Float64Array;
  readonly decoders: SpanDecoders;
};

export function makeSpanScratch(): SpanScratch {
  const room = 2 * INTERPOLATOR_REACH + 1;
  return {
    sum: new Int32Array(BLOCK_SAMPLES + room),
    samples: new Float64Array(2 * BLOCK_SAMPLES + room),
    decoders: new SpanDecoders(),
  };
}
