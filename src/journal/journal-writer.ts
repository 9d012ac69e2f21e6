import { systemCode, TapedeckError } from '../core/error.ts';
import type { RecordingId } from '../core/ids.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Disk } from '../core/ports/disk.ts';
import type { JournalEnd, JournalEndReason } from '../core/ports/media.ts';
import { BlockBuffer } from './block-buffer.ts';
import type { DiskReserve } from './disk-reserve.ts';
import {
  DEFAULT_SEGMENT_BYTES,
  FLAG_PLAYED,
  MAX_RECORD_CONTENT_BYTES,
  MAX_TIME_US,
  NO_STREAM,
  RECORD_ANCHOR,
  RECORD_ENDED,
  RECORD_JOINED,
  RECORD_LEFT,
  RECORD_PACKET,
  RECORD_PAUSED,
  RECORD_RESUMED,
  RECORD_TICK,
  RECORD_TONE,
} from './format.ts';
import type { JournalStream } from './journal-stream.ts';
import { anchorContent, endedContent, joinedContent, toneContent } from './record-content.ts';
import { SegmentFiles, type JournalIdentity } from './segment-files.ts';
import { SharedSync } from './shared-sync.ts';

export const DEFAULT_JOURNAL_BUFFER_BYTES = 8192;

/** `ended` with its longest reason. */
const ENDED_ROOM_BYTES = 64;
const NO_CONTENT = new Uint8Array();

export type JournalOptions = {
  readonly disk: Disk;
  /** A directory of the journal's own; made if it is not there. Must hold no journal. */
  readonly directory: string;
  readonly recordingId: RecordingId;
  readonly nodeId: string;
  readonly clock: Clock;
  /**
   * Called once, in a turn of its own, when the journal cannot be written any further, with
   * `ENOSPC`, `EIO` or the like. Appends do nothing from then on; the owner calls `end`.
   */
  readonly onFailure: (systemCode: string) => void;
  /** Released when a write fails, so that `end` finds the space for what is left. */
  readonly reserve?: DiskReserve;
  /** A new segment is begun after about this much. Default 64 MiB. */
  readonly segmentBytes?: number;
  /** Memory for what is not flushed yet; flushed early when full. Default 8 KiB. */
  readonly bufferBytes?: number;
};

/**
 * Appends to the journal of one recording (docs/journal-format.md). Appends are synchronous, copy
 * into reused memory and never throw for what the network sends; times are those of
 * `Clock.monotonicUs`. Owned by whoever opened it, who must call `end`.
 */
export class JournalWriter {
  /** Wall clock at the journal's start, ms since 1970. */
  readonly startedAtMs: number;
  /** `Clock.monotonicUs` at the journal's start: time 0 of its records. */
  readonly startedAtUs: number;
  readonly recordingId: RecordingId;

  readonly #options: JournalOptions;
  readonly #startedWallUs: number;
  readonly #block: BlockBuffer;
  readonly #segments: SegmentFiles;
  readonly #sync: SharedSync;
  /** No record may be earlier: the latest `tick`. Since the start, as the next two. */
  #tickUs = 0;
  /** Time of the latest record. */
  #latestUs = 0;
  /** The same of those that the system has. */
  #flushedUs = 0;
  #failure: string | undefined;
  /** `ended` is in the block or in the file. */
  #hasEnded = false;
  #closed = false;
  #ending: Promise<JournalEnd> | undefined;

  private constructor(options: JournalOptions, identity: JournalIdentity, segments: SegmentFiles) {
    this.#options = options;
    this.recordingId = options.recordingId;
    this.#block = new BlockBuffer(options.bufferBytes ?? DEFAULT_JOURNAL_BUFFER_BYTES);
    this.#segments = segments;
    this.#sync = new SharedSync(() => this.#syncSegments());
    this.#startedWallUs = identity.startedWallUs;
    this.startedAtMs = identity.startedWallUs / 1000;
    this.startedAtUs = identity.startedMonotonicUs;
  }

  /**
   * Begins a journal; resolves when its header and its directory entries are durable. Rejects with
   * `disk-failed`, also when the directory holds a journal already.
   */
  static async open(options: JournalOptions): Promise<JournalWriter> {
    const { disk, directory, clock } = options;
    const identity = {
      startedWallUs: Math.round(clock.nowMs() * 1000),
      startedMonotonicUs: Math.floor(clock.monotonicUs()),
      recordingId: options.recordingId,
      nodeId: options.nodeId,
    };
    const segmentBytes = options.segmentBytes ?? DEFAULT_SEGMENT_BYTES;
    try {
      const segments = await SegmentFiles.create({ disk, directory, identity, segmentBytes });
      return new JournalWriter(options, identity, segments);
    } catch (error) {
      throw new TapedeckError('disk-failed', `cannot begin a journal in ${directory}`, {
        cause: error,
      });
    }
  }

  /** The system's code of the failure that was reported, or `undefined`. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Whether appends are still taken: neither ended nor failed. */
  get isOpen(): boolean {
    return this.#ending === undefined && this.#failure === undefined;
  }

  /**
   * The datagram of a packet, RTP header included; copied before this returns. One that is larger
   * than any UDP datagram can be is ignored.
   * @param atUs when it arrived, or was sent if `played`.
   */
  packet(stream: number, atUs: number, datagram: Uint8Array, played = false): void {
    if (datagram.byteLength > MAX_RECORD_CONTENT_BYTES) return;
    this.#append(RECORD_PACKET, played ? FLAG_PLAYED : 0, stream, atUs, datagram);
  }

  /**
   * Comes before the first record that uses the stream's number. Throws a `RangeError` if the
   * stream's texts do not fit into a record.
   */
  joined(stream: JournalStream, atUs: number): void {
    const flags = stream.played ? FLAG_PLAYED : 0;
    this.#append(RECORD_JOINED, flags, stream.stream, atUs, joinedContent(stream));
  }

  left(stream: number, atUs: number): void {
    this.#append(RECORD_LEFT, 0, stream, atUs, NO_CONTENT);
  }

  /** The gate is closed: the caller appends no packet until `resumed`. */
  paused(atUs: number): void {
    this.#append(RECORD_PAUSED, 0, NO_STREAM, atUs, NO_CONTENT);
  }

  resumed(atUs: number): void {
    this.#append(RECORD_RESUMED, 0, NO_STREAM, atUs, NO_CONTENT);
  }

  /**
   * A tone that was detected on a stream.
   * @param eventCode telephone-event of RFC 4733 §3.2: 0–9, 10 `*`, 11 `#`, 12–15 A–D.
   * @param durationMs written as 65,535 if longer.
   */
  tone(stream: number, atUs: number, eventCode: number, durationMs: number): void {
    this.#append(RECORD_TONE, 0, stream, atUs, toneContent(eventCode, durationMs));
  }

  /**
   * Where a stream stands although the packets that fixed its place were not written (a pause):
   * a packet of `ssrc` with `rtpTimestamp` belongs at `placeUs`.
   * @param placeUs on `Clock.monotonicUs`; may lie before the journal's start.
   */
  anchor(stream: number, atUs: number, ssrc: number, rtpTimestamp: number, placeUs: number): void {
    const content = anchorContent(ssrc, rtpTimestamp, placeUs - this.startedAtUs);
    this.#append(RECORD_ANCHOR, 0, stream, atUs, content);
  }

  /**
   * Everything that arrived before `atUs` is appended already. Later records with an earlier time
   * are given this one, so that what readers were told stays true.
   */
  tick(atUs: number): void {
    if (!this.#append(RECORD_TICK, 0, NO_STREAM, atUs, NO_CONTENT)) return;
    this.#tickUs = Math.max(this.#tickUs, this.#latestTimeOf(atUs));
  }

  /** Hands what was appended to the system in one write. A failure is reported by `onFailure`. */
  flush(): void {
    if (this.#block.isEmpty || this.#failure !== undefined || this.#closed) return;
    try {
      this.#writeBlock();
      if (!this.#hasEnded) this.#segments.rotate(this.#block, this.#latestUs);
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Flushes; resolves when everything appended before this call is on the medium. Calls that come
   * while a sync runs share the next one. Rejects with `disk-failed`.
   */
  sync(): Promise<void> {
    if (this.#ending !== undefined) return this.#ending.then(() => this.#throwIfFailed());
    this.flush();
    return this.#sync.run();
  }

  /**
   * Ends the journal: everything is on the medium, and its files are closed, when this resolves.
   * Idempotent. Never rejects: after a failure (see `failure`) it saves what it can, and the end
   * it resolves with is that of what is whole.
   */
  end(reason: JournalEndReason, atUs: number): Promise<JournalEnd> {
    this.#ending ??= this.#finish(reason, atUs);
    return this.#ending;
  }

  /** Whether it was taken: not any more after the end or a failure. */
  #append(type: number, flags: number, stream: number, atUs: number, content: Uint8Array): boolean {
    if (this.#failure !== undefined || this.#closed) return false;
    const block = this.#block;
    const bytes = content.byteLength;
    if (!block.fits(bytes)) {
      this.flush();
      if (this.#hasFailed()) return false;
      if (!block.fits(bytes)) block.grow(bytes);
    }
    const timeUs = this.#latestTimeOf(atUs);
    if (timeUs > this.#latestUs) this.#latestUs = timeUs;
    block.append(type, flags, stream, timeUs, content);
    return true;
  }

  #latestTimeOf(atUs: number): number {
    const timeUs = Math.floor(atUs - this.startedAtUs);
    if (!(timeUs > this.#tickUs)) return this.#tickUs;
    return timeUs > MAX_TIME_US ? MAX_TIME_US : timeUs;
  }

  #writeBlock(): void {
    this.#segments.write(this.#block);
    this.#flushedUs = this.#latestUs;
  }

  async #syncSegments(): Promise<void> {
    this.#throwIfFailed();
    try {
      await this.#segments.sync();
    } catch (error) {
      this.#fail(error);
      this.#throwIfFailed();
    }
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    const code = systemCode(error) ?? 'EIO';
    this.#failure = code;
    void this.#options.reserve?.release();
    queueMicrotask(() => {
      this.#options.onFailure(code);
    });
  }

  #throwIfFailed(): void {
    if (this.#failure === undefined) return;
    throw new TapedeckError('disk-failed', `journal cannot be written: ${this.#failure}`);
  }

  /** A method, as the compiler does not see that a flush changes the field. */
  #hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  async #finish(reason: JournalEndReason, atUs: number): Promise<JournalEnd> {
    if (!this.#hasFailed()) {
      if (!this.#block.fits(ENDED_ROOM_BYTES)) this.flush();
      this.#appendEnded(reason, this.#latestTimeOf(atUs));
      this.flush();
      this.#closed = true;
      await this.#sync.run().catch(() => undefined);
    }
    this.#closed = true;
    // Not "else": the flush or the sync above may have been the one that failed.
    if (this.#hasFailed()) await this.#salvage();
    await this.#segments.close();
    return {
      endedAtMs: this.startedAtMs + this.#flushedUs / 1000,
      durationMs: this.#flushedUs / 1000,
    };
  }

  #appendEnded(reason: JournalEndReason, timeUs: number): void {
    if (this.#hasEnded) return;
    this.#latestUs = Math.max(this.#latestUs, timeUs);
    const content = endedContent(reason, this.#startedWallUs + this.#latestUs);
    if (!this.#block.fits(content.byteLength)) this.#block.grow(content.byteLength);
    this.#block.append(RECORD_ENDED, 0, NO_STREAM, this.#latestUs, content);
    this.#hasEnded = true;
  }

  /**
   * After a failed write: tries once more over what it left, with the reserve's space. The block
   * has grown by `ended`, so nothing of the failed write stays behind it.
   */
  async #salvage(): Promise<void> {
    await this.#options.reserve?.release();
    await this.#sync.settled();
    try {
      this.#appendEnded('disk-failed', this.#latestUs);
      // Empty if `ended` was written and only the sync of it failed.
      if (!this.#block.isEmpty) this.#writeBlock();
    } catch {
      await this.#segments.cutTail();
    }
    await this.#segments.trySync();
  }
}
