import type { JournalStream } from '../../journal/journal-stream.ts';
import type { JournalVisitor } from '../../journal/journal-visitor.ts';
import { RtpHeaderReader } from '../../protocols/rtp/header.ts';
import { BLOCK_SAMPLES, LATE_WINDOW_MS, samplesOf, TIMELINE_RATE_HZ } from './constants.ts';
import { makeSpanScratch, type AudioPacket, type SpanScratch } from './span.ts';
import { Source } from './source.ts';

/** Takes the sum of all sources, in order and without gaps or overlaps; paused time is left out. */
export interface TimelineSink {
  /** `samples[from…to)`: valid during the call only. */
  mixed(samples: Int32Array, from: number, to: number): void;
}

export type Pause = { readonly fromUs: number; readonly toUs: number };

/** How far behind the journal's time rendering stays: late packets, and 5 ms for the interpolator. */
const TRAIL_SAMPLES = (LATE_WINDOW_MS * TIMELINE_RATE_HZ) / 1000 + 40;

const NOTHING = new Uint8Array(0);

/** Working memory of one timeline at a time, shared by all renderings of a thread. */
export type TimelineScratch = { readonly sum: Int32Array; readonly span: SpanScratch };

export function makeTimelineScratch(): TimelineScratch {
  return { sum: new Int32Array(BLOCK_SAMPLES), span: makeSpanScratch() };
}

/**
 * Turns the records of a journal into sound: a pure function of the records. What is rendered, and
 * when, is decided by records alone (`tick` moves the time), so that it does not matter how the
 * records were handed in, while the call was on or at once.
 */
export class Timeline implements JournalVisitor {
  readonly #scratch: TimelineScratch;
  readonly #sink: TimelineSink;
  readonly #header = new RtpHeaderReader();
  readonly #packet: AudioPacket = {
    sequenceNumber: 0,
    timestamp: 0,
    arrivalUs: 0,
    bytes: NOTHING,
    from: 0,
    count: 0,
  };
  readonly #sources = new Map<number, Source>();
  readonly #participants = new Set<string>();
  readonly #pauses: Pause[] = [];
  #latePacketsOfGone = 0;
  #pausedSinceUs: number | undefined;
  #lastUs = 0;
  /** Samples that are rendered. */
  #position = 0;
  #end: { readonly timeUs: number; readonly wallMs: number | undefined } | undefined;

  constructor(sink: TimelineSink, scratch: TimelineScratch) {
    this.#sink = sink;
    this.#scratch = scratch;
  }

  packet(
    stream: number,
    timeUs: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    _played: boolean,
  ): void {
    this.#noteTime(timeUs);
    const source = this.#sources.get(stream);
    const header = this.#header;
    if (source === undefined || !header.read(bytes.subarray(start, end))) return;
    const packet = this.#packet;
    packet.sequenceNumber = header.sequenceNumber;
    packet.timestamp = header.timestamp;
    packet.arrivalUs = timeUs;
    packet.bytes = bytes;
    packet.from = start + header.payloadOffset;
    packet.count = header.payloadBytes;
    source.packet(header, packet);
    // Or each recording would keep a buffer of the reader alive.
    packet.bytes = NOTHING;
  }

  joined(stream: JournalStream, timeUs: number): void {
    this.#noteTime(timeUs);
    this.#sources.set(stream.stream, new Source(stream));
    if (!stream.played) this.#participants.add(stream.participantId);
  }

  left(stream: number, timeUs: number): void {
    this.#noteTime(timeUs);
    this.#sources.get(stream)?.leave();
  }

  paused(timeUs: number): void {
    this.#noteTime(timeUs);
    this.#pausedSinceUs ??= timeUs;
  }

  resumed(timeUs: number): void {
    this.#noteTime(timeUs);
    this.#closePause(timeUs);
  }

  tone(_stream: number, timeUs: number): void {
    this.#noteTime(timeUs);
  }

  anchor(
    stream: number,
    timeUs: number,
    ssrc: number,
    rtpTimestamp: number,
    placeUs: number,
  ): void {
    this.#noteTime(timeUs);
    this.#sources.get(stream)?.anchor(ssrc, rtpTimestamp, placeUs);
  }

  tick(timeUs: number): void {
    this.#noteTime(timeUs);
    let safeUs = timeUs;
    for (const source of this.#sources.values()) {
      source.tick(timeUs);
      safeUs = Math.min(safeUs, source.undecidedSinceUs);
    }
    const limit = samplesOf(safeUs) - TRAIL_SAMPLES;
    while (this.#position + BLOCK_SAMPLES <= limit) this.#render(BLOCK_SAMPLES);
  }

  ended(timeUs: number, _reason: string, endedAtMs: number): void {
    this.#noteTime(timeUs);
    this.#end = { timeUs, wallMs: endedAtMs };
  }

  unknown(_type: number, timeUs: number): void {
    this.#noteTime(timeUs);
  }

  /**
   * Renders what is left: up to the `ended` record, or to the last record of a journal whose writer
   * died. Called once, after all records.
   */
  finish(): void {
    const endUs = this.#end?.timeUs ?? this.#lastUs;
    this.#closePause(endUs);
    for (const source of this.#sources.values()) source.end();
    // Rounded up: the file, at twice the rate, is cut to its sample.
    const end = Math.ceil(samplesOf(endUs));
    while (this.#position < end) this.#render(Math.min(BLOCK_SAMPLES, end - this.#position));
    this.#end ??= { timeUs: endUs, wallMs: undefined };
  }

  /** Time of the last record, or of the end; µs. */
  get endUs(): number {
    return this.#end?.timeUs ?? this.#lastUs;
  }

  get pauses(): readonly Pause[] {
    return this.#pauses;
  }

  /** Raw ids of those whose streams joined, in that order. */
  get participants(): readonly string[] {
    return [...this.#participants];
  }

  get latePackets(): number {
    let late = this.#latePacketsOfGone;
    for (const source of this.#sources.values()) late += source.latePackets;
    return late;
  }

  #noteTime(timeUs: number): void {
    if (timeUs > this.#lastUs) this.#lastUs = timeUs;
  }

  #closePause(toUs: number): void {
    if (this.#pausedSinceUs === undefined) return;
    this.#pauses.push({ fromUs: this.#pausedSinceUs, toUs });
    this.#pausedSinceUs = undefined;
  }

  #render(count: number): void {
    const { sum, span } = this.#scratch;
    const start = this.#position;
    sum.fill(0);
    for (const [stream, source] of this.#sources) {
      source.render(sum, start, count, span);
      if (source.isOver(start)) {
        this.#latePacketsOfGone += source.latePackets;
        this.#sources.delete(stream);
      }
    }
    this.#position = start + count;
    this.#giveUnpaused(sum, start, count);
  }

  /** Hands over the block without what lies in a pause. */
  #giveUnpaused(sum: Int32Array, start: number, count: number): void {
    const end = start + count;
    let from = start;
    for (const pause of this.#pauses) {
      const pauseStart = Math.round(samplesOf(pause.fromUs));
      const pauseEnd = Math.round(samplesOf(pause.toUs));
      if (pauseEnd <= from) continue;
      if (pauseStart >= end) break;
      if (pauseStart > from) this.#sink.mixed(sum, from - start, pauseStart - start);
      from = Math.min(end, pauseEnd);
    }
    if (from < end && this.#pausedSinceUs !== undefined) {
      const pauseStart = Math.max(from, Math.round(samplesOf(this.#pausedSinceUs)));
      if (pauseStart < end) {
        if (pauseStart > from) this.#sink.mixed(sum, from - start, pauseStart - start);
        return;
      }
    }
    if (from < end) this.#sink.mixed(sum, from - start, end - start);
  }
}
