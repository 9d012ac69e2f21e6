import { dirname, join } from 'node:path';
import { systemCode, TapedeckError } from '../core/error.ts';
import type { RecordingId } from '../core/ids.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Disk, DiskFile } from '../core/ports/disk.ts';
import type { JournalEnd, JournalEndReason } from '../core/ports/media.ts';
import { BlockBuffer } from './block-buffer.ts';
import type { DiskReserve } from './disk-reserve.ts';
import {
  DEFAULT_SEGMENT_BYTES,
  FLAG_PLAYED,
  MAX_RECORD_CONTENT_BYTES,
  MAX_TIME_US,
  NO_PAYLOAD_TYPE,
  NO_STREAM,
  RECORD_ANCHOR,
  RECORD_CONTINUED,
  RECORD_ENDED,
  RECORD_JOINED,
  RECORD_LEFT,
  RECORD_PACKET,
  RECORD_PAUSED,
  RECORD_RESUMED,
  RECORD_TICK,
  RECORD_TONE,
  segmentName,
} from './format.ts';
import type { JournalStream } from './journal-stream.ts';
import { encodeHeader } from './segment-header.ts';

export const DEFAULT_JOURNAL_BUFFER_BYTES = 8192;

/** `ended` with its longest reason. */
const ENDED_ROOM_BYTES = 64;

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

  readonly #startedWallUs: number;
  readonly #options: JournalOptions;
  readonly #segmentBytes: number;
  readonly #block: BlockBuffer;
  #file: DiskFile;
  #segment = 0;
  #position: number;
  #crc: number;
  /** Segments that are full but not synced yet. */
  readonly #retired: DiskFile[] = [];
  #next: DiskFile | undefined;
  #openingNext: Promise<void> | undefined;
  #openNextAt: number;
  #tickUs = 0;
  #latestUs = 0;
  #flushedUs = 0;
  #flushedBlocks = 0;
  #syncedBlocks = 0;
  #syncing: Promise<void> | undefined;
  #queuedSync: Promise<void> | undefined;
  #failure: string | undefined;
  /** `ended` is in the block or in the file. */
  #hasEnded = false;
  #closed = false;
  #ending: Promise<JournalEnd> | undefined;

  private constructor(
    options: JournalOptions,
    file: DiskFile,
    header: Uint8Array,
    started: { readonly wallUs: number; readonly monotonicUs: number },
  ) {
    this.#options = options;
    this.recordingId = options.recordingId;
    this.#segmentBytes = options.segmentBytes ?? DEFAULT_SEGMENT_BYTES;
    this.#openNextAt = this.#segmentBytes - this.#segmentBytes / 8;
    this.#block = new BlockBuffer(options.bufferBytes ?? DEFAULT_JOURNAL_BUFFER_BYTES);
    this.#file = file;
    this.#position = header.byteLength;
    this.#crc = headerCrc(header);
    this.#startedWallUs = started.wallUs;
    this.startedAtMs = started.wallUs / 1000;
    this.startedAtUs = started.monotonicUs;
  }

  /**
   * Begins a journal; resolves when its header and its directory entries are durable. Rejects with
   * `disk-failed`, also when the directory holds a journal already.
   */
  static async open(options: JournalOptions): Promise<JournalWriter> {
    const { disk, directory, clock } = options;
    const started = {
      wallUs: Math.round(clock.nowMs() * 1000),
      monotonicUs: Math.floor(clock.monotonicUs()),
    };
    let file: DiskFile | undefined;
    try {
      const header = encodeHeader({
        segment: 0,
        previousCrc: 0,
        previousBytes: 0,
        startedWallUs: started.wallUs,
        startedMonotonicUs: started.monotonicUs,
        recordingId: options.recordingId,
        nodeId: options.nodeId,
      });
      await disk.makeDirectory(directory);
      file = await disk.open(join(directory, segmentName(0)), 'create');
      await file.write(header, 0);
      await file.sync();
      await disk.syncDirectory(directory);
      await disk.syncDirectory(dirname(directory));
      return new JournalWriter(options, file, header, started);
    } catch (error) {
      await file?.close().catch(() => undefined);
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
   * The datagram of a packet, RTP header included; copied before this returns.
   * @param atUs when it arrived, or was sent if `played`.
   */
  packet(stream: number, atUs: number, datagram: Uint8Array, played = false): void {
    const bytes = datagram.byteLength;
    // Larger than any UDP datagram can be.
    if (bytes > MAX_RECORD_CONTENT_BYTES) return;
    const at = this.#append(RECORD_PACKET, played ? FLAG_PLAYED : 0, stream, atUs, bytes);
    if (at >= 0) this.#block.bytes.set(datagram, at);
  }

  /** Comes before the first record that uses the stream's number. */
  joined(stream: JournalStream, atUs: number): void {
    const legId = Buffer.from(stream.legId);
    const participantId = Buffer.from(stream.participantId);
    const codec = Buffer.from(stream.codec);
    const bytes = 8 + 6 + legId.length + participantId.length + codec.length;
    if (bytes > MAX_RECORD_CONTENT_BYTES) throw new RangeError('stream description is too long');
    const flags = stream.played ? FLAG_PLAYED : 0;
    let at = this.#append(RECORD_JOINED, flags, stream.stream, atUs, bytes);
    if (at < 0) return;
    const { view } = this.#block;
    view.setUint32(at, stream.clockRateHz, true);
    view.setUint8(at + 4, stream.payloadType);
    view.setUint8(at + 5, stream.auxiliary.telephoneEvent ?? NO_PAYLOAD_TYPE);
    view.setUint8(at + 6, stream.auxiliary.comfortNoise ?? NO_PAYLOAD_TYPE);
    view.setUint8(at + 7, 0);
    at += 8;
    for (const text of [legId, participantId, codec]) {
      view.setUint16(at, text.length, true);
      this.#block.bytes.set(text, at + 2);
      at += 2 + text.length;
    }
  }

  left(stream: number, atUs: number): void {
    this.#append(RECORD_LEFT, 0, stream, atUs, 0);
  }

  /** The gate is closed: the caller appends no packet until `resumed`. */
  paused(atUs: number): void {
    this.#append(RECORD_PAUSED, 0, NO_STREAM, atUs, 0);
  }

  resumed(atUs: number): void {
    this.#append(RECORD_RESUMED, 0, NO_STREAM, atUs, 0);
  }

  /**
   * A tone that was detected on a stream.
   * @param eventCode telephone-event of RFC 4733 §3.2: 0–9, 10 `*`, 11 `#`, 12–15 A–D.
   */
  tone(stream: number, atUs: number, eventCode: number, durationMs: number): void {
    const at = this.#append(RECORD_TONE, 0, stream, atUs, 4);
    if (at < 0) return;
    this.#block.view.setUint8(at, eventCode);
    this.#block.view.setUint8(at + 1, 0);
    this.#block.view.setUint16(at + 2, Math.min(0xffff, Math.max(0, durationMs)), true);
  }

  /**
   * Where a stream stands although the packets that fixed its place were not written (a pause):
   * a packet of `ssrc` with `rtpTimestamp` belongs at `placeUs`.
   * @param placeUs on `Clock.monotonicUs`; may lie before the journal's start.
   */
  anchor(stream: number, atUs: number, ssrc: number, rtpTimestamp: number, placeUs: number): void {
    const at = this.#append(RECORD_ANCHOR, 0, stream, atUs, 16);
    if (at < 0) return;
    const { view } = this.#block;
    view.setUint32(at, ssrc, true);
    view.setUint32(at + 4, rtpTimestamp, true);
    view.setBigInt64(at + 8, BigInt(Math.round(placeUs - this.startedAtUs)), true);
  }

  /**
   * Everything that arrived before `atUs` is appended already. Later records with an earlier time
   * are given this one, so that what readers were told stays true.
   */
  tick(atUs: number): void {
    const at = this.#append(RECORD_TICK, 0, NO_STREAM, atUs, 0);
    if (at >= 0) this.#tickUs = Math.max(this.#tickUs, this.#latestTimeOf(atUs));
  }

  /** Hands what was appended to the system in one write. A failure is reported by `onFailure`. */
  flush(): void {
    if (this.#block.isEmpty || this.#failure !== undefined || this.#closed) return;
    try {
      this.#writeBlock();
      if (this.#hasEnded) return;
      this.#openNextAhead();
      if (this.#next !== undefined && this.#position >= this.#segmentBytes) {
        this.#switchTo(this.#next);
      }
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
    return this.#syncFlushed();
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

  /** Offset in the block for the content, or −1 when nothing is accepted any more. */
  #append(type: number, flags: number, stream: number, atUs: number, bytes: number): number {
    if (this.#failure !== undefined || this.#closed) return -1;
    const block = this.#block;
    if (!block.fits(bytes)) {
      this.flush();
      if (this.#hasFailed()) return -1;
      if (!block.fits(bytes)) block.grow(bytes);
    }
    const timeUs = this.#latestTimeOf(atUs);
    if (timeUs > this.#latestUs) this.#latestUs = timeUs;
    return block.begin(type, flags, stream, timeUs, bytes);
  }

  #latestTimeOf(atUs: number): number {
    const timeUs = Math.floor(atUs - this.startedAtUs);
    if (!(timeUs > this.#tickUs)) return this.#tickUs;
    return timeUs > MAX_TIME_US ? MAX_TIME_US : timeUs;
  }

  #writeBlock(): void {
    const sealed = this.#block.seal(this.#crc);
    this.#file.writeSync(sealed, this.#position);
    this.#position += sealed.byteLength;
    this.#crc = this.#block.sealedCrc;
    this.#flushedUs = this.#latestUs;
    this.#flushedBlocks += 1;
    this.#block.clear();
  }

  /** Creating a file waits for the disk, so the next segment is there before it is needed. */
  #openNextAhead(): void {
    if (this.#position < this.#openNextAt || this.#openingNext !== undefined) return;
    const { disk, directory } = this.#options;
    this.#openingNext = this.#openNext(join(directory, segmentName(this.#segment + 1)), disk);
  }

  async #openNext(path: string, disk: Disk): Promise<void> {
    let file: DiskFile | undefined;
    try {
      await disk.remove(path); // left by a try that failed half-way
      file = await disk.open(path, 'create');
      await disk.syncDirectory(dirname(path));
      this.#next = file;
    } catch {
      await file?.close().catch(() => undefined);
      await disk.remove(path).catch(() => undefined);
      // The size of a segment is a wish: go on with this one, and try again a little later.
      this.#openNextAt = this.#position + this.#segmentBytes / 8;
      this.#openingNext = undefined;
    }
  }

  /** Header first: should a write fail, the old segment can still take `ended`. */
  #switchTo(next: DiskFile): void {
    this.#block.begin(RECORD_CONTINUED, 0, NO_STREAM, this.#latestUs, 0);
    const sealed = this.#block.seal(this.#crc);
    const header = encodeHeader({
      segment: this.#segment + 1,
      previousCrc: this.#block.sealedCrc,
      previousBytes: this.#position + sealed.byteLength,
      startedWallUs: this.#startedWallUs,
      startedMonotonicUs: this.startedAtUs,
      recordingId: this.#options.recordingId,
      nodeId: this.#options.nodeId,
    });
    try {
      next.writeSync(header, 0);
      this.#file.writeSync(sealed, this.#position);
    } finally {
      this.#block.clear();
    }
    this.#retired.push(this.#file);
    this.#file = next;
    this.#segment += 1;
    this.#position = header.byteLength;
    this.#crc = headerCrc(header);
    this.#flushedBlocks += 1;
    this.#next = undefined;
    this.#openingNext = undefined;
    this.#openNextAt = this.#segmentBytes - this.#segmentBytes / 8;
  }

  #syncFlushed(): Promise<void> {
    // First, as the one that waits may start a few turns after the one that ran has ended.
    if (this.#queuedSync !== undefined) return this.#queuedSync;
    if (this.#syncing === undefined) return this.#startSync();
    this.#queuedSync = this.#syncing
      .catch(() => undefined)
      .then(() => {
        this.#queuedSync = undefined;
        return this.#startSync();
      });
    return this.#queuedSync;
  }

  #startSync(): Promise<void> {
    this.#syncing = this.#syncFiles().finally(() => {
      this.#syncing = undefined;
    });
    return this.#syncing;
  }

  async #syncFiles(): Promise<void> {
    this.#throwIfFailed();
    const blocks = this.#flushedBlocks;
    if (blocks === this.#syncedBlocks) return;
    try {
      for (let full = this.#retired[0]; full !== undefined; full = this.#retired[0]) {
        await full.sync();
        await full.close();
        this.#retired.shift();
      }
      // Not taken before the loop: the segment may have changed meanwhile, and been closed by it.
      await this.#file.sync();
    } catch (error) {
      this.#fail(error);
      this.#throwIfFailed();
    }
    this.#syncedBlocks = blocks;
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
      await this.#syncFlushed().catch(() => undefined);
    }
    this.#closed = true;
    // Not "else": the flush or the sync above may have been the one that failed.
    if (this.#hasFailed()) await this.#salvage();
    await this.#openingNext;
    await this.#discardNext();
    for (const file of [...this.#retired, this.#file]) await file.close().catch(() => undefined);
    return {
      endedAtMs: this.startedAtMs + this.#flushedUs / 1000,
      durationMs: this.#flushedUs / 1000,
    };
  }

  #appendEnded(reason: JournalEndReason, timeUs: number): void {
    if (this.#hasEnded) return;
    const text = Buffer.from(reason);
    const bytes = 10 + text.length;
    if (!this.#block.fits(bytes)) this.#block.grow(bytes);
    this.#latestUs = Math.max(this.#latestUs, timeUs);
    const at = this.#block.begin(RECORD_ENDED, 0, NO_STREAM, this.#latestUs, bytes);
    const { view } = this.#block;
    view.setBigUint64(at, BigInt(this.#startedWallUs + this.#latestUs), true);
    view.setUint16(at + 8, text.length, true);
    this.#block.bytes.set(text, at + 10);
    this.#hasEnded = true;
  }

  /**
   * After a failed write: tries once more over what it left, with the reserve's space. The block
   * has grown by `ended`, so nothing of the failed write stays behind it.
   */
  async #salvage(): Promise<void> {
    await this.#options.reserve?.release();
    await this.#syncing?.catch(() => undefined);
    try {
      this.#appendEnded('disk-failed', this.#latestUs);
      // Empty if `ended` was written and only the sync of it failed.
      if (!this.#block.isEmpty) this.#writeBlock();
    } catch {
      await this.#file.truncate(this.#position).catch(() => undefined);
    }
    for (const file of [...this.#retired, this.#file]) await file.sync().catch(() => undefined);
  }

  /** Closes and removes a segment that was opened ahead and not used. */
  async #discardNext(): Promise<void> {
    const next = this.#next;
    if (next === undefined) return;
    this.#next = undefined;
    await next.close().catch(() => undefined);
    const { disk, directory } = this.#options;
    await disk.remove(join(directory, segmentName(this.#segment + 1))).catch(() => undefined);
  }
}

function headerCrc(header: Uint8Array): number {
  return new DataView(header.buffer, header.byteOffset).getUint32(header.byteLength - 4, true);
}
