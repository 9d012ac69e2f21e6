import type { JournalStream } from '../../journal/journal-stream.ts';
import type { JournalVisitor } from '../../journal/journal-visitor.ts';
import { RtpHeaderReader } from '../../protocols/rtp/header.ts';
import type { Block, BlockSink } from './block-sink.ts';
import { BLOCK_SAMPLES, LATE_WINDOW_MS, samplesOf, TIMELINE_RATE_HZ } from './constants.ts';
import { Presences } from './presences.ts';
import type { AudioPacket, SpanScratch } from './span.ts';
import { Source } from './source.ts';

export type Pause = { readonly fromUs: number; readonly toUs: number };

/** How far behind the journal's time rendering stays: late packets, and 5 ms for the interpolator. */
const TRAIL_SAMPLES = (LATE_WINDOW_MS * TIMELINE_RATE_HZ) / 1000 + 40;

const NOTHING = new Uint8Array(0);

/** All streams of a participant, also of one who left and came again; or all that the server played. */
type Voice = { readonly id: string | undefined; readonly sources: Map<number, Source> };

/**
 * Turns the records of a journal into sound: a pure function of the records. What is rendered, and
 * when, is decided by records alone (`tick` moves the time), so that it does not matter how the
 * records were handed in, while the call was on or at once.
 */
export class Timeline implements JournalVisitor {
  readonly #scratch: SpanScratch;
  readonly #sink: BlockSink;
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
  readonly #voices: Voice[] = [];
  readonly #presences = new Presences();
  /** Of those who had the server play something. */
  readonly #played = new Presences();
  readonly #pauses: Pause[] = [];
  /** The first that may concern the blocks to come. */
  #nextPause = 0;
  readonly #block: Block = {
    start: 0,
    count: 0,
    heard: { length: 0, from: [], to: [] },
    latePackets: 0,
  };
  #latePacketsOfGone = 0;
  #pausedSinceUs: number | undefined;
  #lastUs = 0;
  /** Samples that are rendered. */
  #position = 0;
  #end: { readonly timeUs: number; readonly wallMs: number | undefined } | undefined;

  /** @param scratch working memory, shared by all timelines of a thread. */
  constructor(sink: BlockSink, scratch: SpanScratch) {
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
    const source = new Source(stream);
    const id = stream.played ? undefined : stream.participantId;
    this.#sources.set(stream.stream, source);
    const { sources } = this.#voiceOf(id);
    // No number is given twice; a journal of somebody else's making may.
    sources.get(stream.stream)?.close();
    sources.set(stream.stream, source);
    const presences = stream.played ? this.#played : this.#presences;
    presences.joined(stream.participantId, stream.stream, timeUs);
  }

  left(stream: number, timeUs: number): void {
    this.#noteTime(timeUs);
    this.#sources.get(stream)?.leave();
    this.#presences.left(stream, timeUs);
    this.#played.left(stream, timeUs);
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
    this.#sources.get(stream)?.anchor({ ssrc, timestamp: rtpTimestamp, placeUs, atUs: timeUs });
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

  /** Frees the decoders of those who are in the call. Nothing is given to it afterwards. Idempotent. */
  close(): void {
    for (const { sources } of this.#voices) for (const source of sources.values()) source.close();
  }

  /** Time of the last record, or of the end; µs. */
  get endUs(): number {
    return this.#end?.timeUs ?? this.#lastUs;
  }

  get pauses(): readonly Pause[] {
    return this.#pauses;
  }

  /** Raw ids of those who were in the call between two times, in the order in which they joined. */
  participantsBetween(fromUs: number, toUs: number): readonly string[] {
    return this.#presences.between(fromUs, toUs);
  }

  /** Raw ids of those who had the server play something then, in the order in which they first did. */
  playedBetween(fromUs: number, toUs: number): readonly string[] {
    return this.#played.between(fromUs, toUs);
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

  #voiceOf(id: string | undefined): Voice {
    const known = this.#voices.find((voice) => voice.id === id);
    if (known !== undefined) return known;
    const voice: Voice = { id, sources: new Map() };
    this.#voices.push(voice);
    return voice;
  }

  #render(count: number): void {
    const start = this.#position;
    const block = this.#block;
    block.start = start;
    block.count = count;
    block.latePackets = this.latePackets;
    this.#findHeard(start, start + count);
    this.#sink.begin(block);
    for (const voice of this.#voices) {
      if (voice.sources.size === 0) continue;
      const sum = this.#sink.sumOf(voice.id);
      for (const [stream, source] of voice.sources) {
        source.render(sum, start, count, this.#scratch);
        if (source.isOver(start)) {
          this.#latePacketsOfGone += source.latePackets;
          source.close();
          this.#sources.delete(stream);
          voice.sources.delete(stream);
        }
      }
      this.#sink.voiceDone(voice.id);
    }
    this.#position = start + count;
    this.#sink.end(block);
  }

  /** The parts of a block that do not lie in a pause. */
  #findHeard(start: number, end: number): void {
    const { heard } = this.#block;
    heard.length = 0;
    let from = start;
    for (let next = this.#nextPause; next < this.#pauses.length; next += 1) {
      const pause = this.#pauses[next];
      if (pause === undefined) break;
      const pauseStart = Math.round(samplesOf(pause.fromUs));
      const pauseEnd = Math.round(samplesOf(pause.toUs));
      if (pauseEnd <= start) this.#nextPause = next + 1;
      if (pauseEnd <= from) continue;
      if (pauseStart >= end) break;
      this.#addHeard(start, from, pauseStart);
      from = Math.min(end, pauseEnd);
    }
    const openPause = this.#pausedSinceUs;
    const to = openPause === undefined ? end : Math.round(samplesOf(openPause));
    this.#addHeard(start, from, Math.min(end, to));
  }

  #addHeard(start: number, from: number, to: number): void {
    if (from >= to) return;
    const { heard } = this.#block;
    heard.from[heard.length] = from - start;
    heard.to[heard.length] = to - start;
    heard.length += 1;
  }
}
