import type { JournalStream } from '../../journal/journal-stream.ts';
import { sequenceDistance } from '../../protocols/rtp/arithmetic.ts';
import type { RtpHeaderReader } from '../../protocols/rtp/header.ts';
import {
  ANCHOR_TOLERANCE_SAMPLES,
  ANCHOR_WINDOW_US,
  LATE_WINDOW_MS,
  MAX_MISORDER_PACKETS,
} from './constants.ts';
import type { BlockSum } from '../block-sum.ts';
import { payloadSamples, streamFormatOf, type StreamFormat } from './stream-format.ts';
import { Span, type Acceptance, type AudioPacket, type SpanScratch } from './span.ts';

/** A sender that changes its SSRC more often than this within seconds is not speaking. */
const MAX_SPANS = 8;
const MAX_ANCHORS = 4;
/** An anchor counts if the first packet's place lies this near to its arrival … */
const ANCHOR_REACH_MS = 2000;
/** … and the packet comes this soon after it: what begins later is measured itself. */
const ANCHOR_LIFE_US = 10_000_000;
/** Spans of senders that are gone are forgotten after this: ten seconds. */
const FORGET_MS = 10_000;

type Anchor = {
  readonly ssrc: number;
  readonly timestamp: number;
  readonly placeUs: number;
  readonly atUs: number;
};
type Candidate = {
  readonly ssrc: number;
  readonly packet: AudioPacket;
  readonly why: Acceptance;
};

/**
 * One stream of the journal: tells its spans apart and gives each packet to the right one. A restart
 * is believed once two packets agree about it; the first of them is kept until then.
 */
export class Source {
  /** Packets that came too late for their place. */
  latePackets = 0;
  readonly #stream: JournalStream;
  readonly #format: StreamFormat | undefined;
  /** Those that still take packets, one per SSRC, and those that only have to be rendered. */
  #open: Span[] = [];
  #closed: Span[] = [];
  #anchors: Anchor[] = [];
  #candidate: Candidate | undefined;
  #hasLeft = false;

  constructor(stream: JournalStream) {
    this.#stream = stream;
    this.#format = streamFormatOf(stream);
  }

  /**
   * The journal says where a stream stands that nothing was written of. A span that stands elsewhere
   * (its clock went on drifting in the pause) takes no more packets: the next begins one in this place.
   */
  anchor(anchor: Anchor): void {
    const { ssrc, timestamp, placeUs } = anchor;
    this.#anchors = this.#anchors.filter((each) => each.ssrc !== ssrc);
    if (this.#anchors.length === MAX_ANCHORS) this.#anchors.shift();
    this.#anchors.push(anchor);
    const span = this.#open.find((each) => each.ssrc === ssrc);
    const place = span?.placeOf(timestamp);
    const format = this.#format;
    if (span === undefined || place === undefined || format === undefined) return;
    const error = Math.abs(place - anchoredPlace(format, placeUs));
    if (error <= format.scale * ANCHOR_TOLERANCE_SAMPLES) return;
    this.#open = this.#open.filter((each) => each !== span);
    this.#closed.push(span);
  }

  leave(): void {
    this.#hasLeft = true;
  }

  packet(header: RtpHeaderReader, packet: AudioPacket): void {
    const span = this.#open.find(({ ssrc }) => ssrc === header.ssrc);
    const format = this.#format;
    if (format === undefined) return;
    const { bytes, from, count } = packet;
    if (
      header.payloadType !== this.#stream.payloadType ||
      payloadSamples(format, bytes, from, count) === 0
    ) {
      span?.skip(header.sequenceNumber);
      return;
    }
    if (span === undefined) {
      this.#begin(header.ssrc, format, packet, undefined);
      return;
    }
    const acceptance = span.accept(packet);
    if (acceptance === 'late') this.latePackets += 1;
    if (acceptance === 'jump' || acceptance === 'behind') {
      this.#suspect(span, format, packet, acceptance);
    }
  }

  /** Since when a span waits for its place: nothing behind that may be rendered yet. */
  get undecidedSinceUs(): number {
    let since = this.#candidate?.packet.arrivalUs ?? Infinity;
    for (const span of this.#open) since = Math.min(since, span.undecidedSinceUs ?? Infinity);
    for (const span of this.#closed) since = Math.min(since, span.undecidedSinceUs ?? Infinity);
    return since;
  }

  /** Everything that arrived before `nowUs` was given. */
  tick(nowUs: number): void {
    for (const span of this.#open) this.latePackets += span.decide(nowUs);
    for (const span of this.#closed) this.latePackets += span.decide(nowUs);
    const candidate = this.#candidate;
    if (candidate !== undefined && nowUs - candidate.packet.arrivalUs > ANCHOR_WINDOW_US) {
      this.#forget(candidate);
      this.#candidate = undefined;
    }
  }

  /** Nothing follows. */
  end(): void {
    for (const span of this.#open) this.latePackets += span.decideNow();
    for (const span of this.#closed) this.latePackets += span.decideNow();
    if (this.#candidate !== undefined) this.#forget(this.#candidate);
    this.#candidate = undefined;
  }

  /** @param sum `undefined` if the samples are not wanted: then only what comes later is prepared. */
  render(sum: BlockSum | undefined, start: number, count: number, scratch: SpanScratch): void {
    for (const span of this.#open) span.render(sum, start, count, scratch);
    if (this.#closed.length > 0) {
      for (const span of this.#closed) span.render(sum, start, count, scratch);
      this.#closed = keepOrClose(this.#closed, (span) => !span.isDrained(start + count));
    }
    if (this.#open.length > 1) {
      const newest = Math.max(...this.#open.map((span) => span.lastArrival));
      const forget = ((this.#format?.rateHz ?? 0) * FORGET_MS) / 1000;
      this.#open = keepOrClose(
        this.#open,
        (span) => newest - span.lastArrival < forget || !span.isDrained(start + count),
      );
    }
  }

  /** Frees its decoders; nothing is rendered after it. Idempotent. */
  close(): void {
    for (const span of this.#open) span.close();
    for (const span of this.#closed) span.close();
  }

  /** Whether it has left and all of it is before `position` of the timeline. */
  isOver(position: number): boolean {
    const drained = (span: Span): boolean => span.isDrained(position);
    return this.#hasLeft && this.#open.every(drained) && this.#closed.every(drained);
  }

  #begin(
    ssrc: number,
    format: StreamFormat,
    packet: AudioPacket,
    inherited: number | undefined,
  ): void {
    if (this.#open.length + this.#closed.length >= MAX_SPANS) return;
    const anchored = this.#anchored(ssrc, format, packet);
    const span = new Span(ssrc, format, packet, anchored, inherited);
    this.#open.push(span);
    span.accept(packet);
  }

  /** The place that an anchor of the journal gives the first packet of a span. */
  #anchored(ssrc: number, format: StreamFormat, packet: AudioPacket): number | undefined {
    const anchor = this.#anchors.find((each) => each.ssrc === ssrc);
    if (anchor === undefined) return undefined;
    this.#anchors = this.#anchors.filter((each) => each !== anchor);
    const ticks = (packet.timestamp - anchor.timestamp) | 0;
    const place = anchoredPlace(format, anchor.placeUs) + ticks * format.samplesPerTick;
    const distance = anchoredPlace(format, packet.arrivalUs) - place;
    const near = Math.abs(distance) <= (ANCHOR_REACH_MS * format.rateHz) / 1000;
    return near && packet.arrivalUs - anchor.atUs <= ANCHOR_LIFE_US ? place : undefined;
  }

  /** A packet that does not continue its span: the second that agrees begins a new one. */
  #suspect(span: Span, format: StreamFormat, packet: AudioPacket, why: Acceptance): void {
    const candidate = this.#candidate;
    if (candidate === undefined || !agree(candidate, span.ssrc, format, packet)) {
      if (candidate !== undefined) this.#forget(candidate);
      this.#candidate = { ssrc: span.ssrc, packet: copyOf(packet), why };
      return;
    }
    this.#candidate = undefined;
    const inherited =
      candidate.why === 'behind' ? span.placeOf(candidate.packet.timestamp) : undefined;
    this.#open = this.#open.filter((each) => each !== span);
    this.#closed.push(span);
    this.#begin(span.ssrc, format, candidate.packet, inherited);
    this.#open.find(({ ssrc }) => ssrc === span.ssrc)?.accept(packet);
  }

  #forget(candidate: Candidate): void {
    if (candidate.why === 'behind') this.latePackets += 1;
  }
}

/** Whether two packets can be of one numbering that began just now. */
function agree(
  candidate: Candidate,
  ssrc: number,
  { rateHz, samplesPerTick }: StreamFormat,
  packet: AudioPacket,
): boolean {
  const first = candidate.packet;
  const steps = sequenceDistance(first.sequenceNumber, packet.sequenceNumber);
  if (candidate.ssrc !== ssrc || steps === 0 || Math.abs(steps) > MAX_MISORDER_PACKETS)
    return false;
  const ticks = (packet.timestamp - first.timestamp) | 0;
  if (ticks === 0 || ticks > 0 !== steps > 0) return false;
  const elapsed = ((packet.arrivalUs - first.arrivalUs) * rateHz) / 1_000_000;
  return Math.abs(elapsed - ticks * samplesPerTick) <= (LATE_WINDOW_MS * rateHz) / 1000;
}

/** Where the sound of a packet stands that was sent at a time; in samples of its format. */
function anchoredPlace({ rateHz, delaySamples }: StreamFormat, timeUs: number): number {
  return (timeUs * rateHz) / 1_000_000 - delaySamples;
}

function keepOrClose(spans: readonly Span[], isKept: (span: Span) => boolean): Span[] {
  return spans.filter((span) => {
    if (isKept(span)) return true;
    span.close();
    return false;
  });
}

function copyOf(packet: AudioPacket): AudioPacket {
  const { bytes, from, count } = packet;
  return { ...packet, bytes: bytes.slice(from, from + count), from: 0 };
}
