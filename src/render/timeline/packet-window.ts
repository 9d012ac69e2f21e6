import { addCodes } from '../../media/mix/mix.ts';
import { payloadSamples, type StreamFormat } from './stream-format.ts';

/** 1.9 s of packets of 20 ms. */
const INITIAL_SLOTS = 96;
const INITIAL_CELL_BYTES = 160;
/** Beyond this a sender is not one that speaks G.711 to us … */
const MAX_STORE_BYTES = 262_144;
/** … or L16, of which a second is four times as much. */
const MAX_LARGE_STORE_BYTES: number = 4 * MAX_STORE_BYTES;
/** Memory that a pause at the start of a span took is given back after this many easy blocks: 10 s. */
const EASY_BLOCKS = 40;
const EMPTY = -1;
/** In place of a length: rendered and forgotten, but still known as a duplicate. */
const RELEASED = -1;

/**
 * The payloads of one span that are not rendered yet: one slot per sequence number, in memory that
 * is reused. Positions are samples of the sender's clock, counted from the span's first packet.
 */
export class PacketWindow {
  readonly #format: StreamFormat;
  #slots = 0;
  #cellBytes = 0;
  #codes = new Uint8Array(0);
  #sequences = new Int32Array(0);
  #starts = new Float64Array(0);
  #arrivalsUs = new Float64Array(0);
  #counts = new Int16Array(0);
  /** Everything before this is rendered, or too old to come. */
  #low = 0;
  /** One behind the newest. */
  #high = 0;
  /** Calls of `release` in a row after which the initial memory would have been enough. */
  #easyBlocks = 0;

  constructor(format: StreamFormat) {
    this.#format = format;
  }

  get isEmpty(): boolean {
    return this.#low === this.#high;
  }

  /** Behind the last sample of the newest packet; `undefined` if none waits. */
  get end(): number | undefined {
    if (this.isEmpty) return undefined;
    const slot = this.#slotOf(this.#high - 1);
    return (this.#starts[slot] ?? 0) + this.#samplesIn(slot);
  }

  /** Whether the sequence number (unwrapped) was stored, and not so long ago that it is forgotten. */
  has(sequence: number): boolean {
    return this.#slots > 0 && this.#sequences[this.#slotOf(sequence)] === sequence;
  }

  /**
   * Copies a payload, `codes[from…from+count)`. The caller has made sure with `has` that it is new.
   * @param sequence unwrapped, not negative.
   * @returns false if there is no room, or its turn is over.
   */
  put(
    sequence: number,
    start: number,
    arrivalUs: number,
    codes: Uint8Array,
    from: number,
    count: number,
  ): boolean {
    if (this.isEmpty) this.#low = this.#high = sequence;
    const low = Math.min(this.#low, sequence);
    const high = Math.max(this.#high, sequence + 1);
    if (!this.#makeRoom(high - low, count)) return false;
    this.#low = low;
    this.#high = high;
    const slot = this.#slotOf(sequence);
    this.#sequences[slot] = sequence;
    this.#starts[slot] = start;
    this.#arrivalsUs[slot] = arrivalUs;
    this.#counts[slot] = count;
    this.#codes.set(codes.subarray(from, from + count), slot * this.#cellBytes);
    return true;
  }

  /** Drops packets that arrived later than `limitUs(start)`; returns how many. */
  dropLate(limitUs: (start: number) => number): number {
    let dropped = 0;
    for (let sequence = this.#low; sequence < this.#high; sequence += 1) {
      const slot = this.#slotOf(sequence);
      if (this.#sequences[slot] !== sequence || this.#counts[slot] === RELEASED) continue;
      if ((this.#arrivalsUs[slot] ?? 0) <= limitUs(this.#starts[slot] ?? 0)) continue;
      this.#counts[slot] = RELEASED;
      dropped += 1;
    }
    return dropped;
  }

  /**
   * The packet with the least number above `sequence`, if it begins before `limit` and is not released;
   * −1 if there is none.
   */
  next(sequence: number, limit: number): number {
    for (let next = Math.max(this.#low, sequence + 1); next < this.#high; next += 1) {
      const slot = this.#slotOf(next);
      if (this.#sequences[slot] !== next || this.#counts[slot] === RELEASED) continue;
      return (this.#starts[slot] ?? 0) < limit ? next : -1;
    }
    return -1;
  }

  /** Position of the first sample of a packet that waits. */
  start(sequence: number): number {
    return this.#starts[this.#slotOf(sequence)] ?? 0;
  }

  /** Of a packet that waits; valid until the window changes. */
  payload(sequence: number): Uint8Array {
    const slot = this.#slotOf(sequence);
    const at = slot * this.#cellBytes;
    return this.#codes.subarray(at, at + (this.#counts[slot] ?? 0));
  }

  /**
   * Adds the samples at positions `start…start+count` to `sum` from `at` on; gaps add nothing. For codecs
   * of one sample a byte.
   */
  addTo(sum: Int32Array, at: number, start: number, count: number, table: Int16Array): void {
    const end = start + count;
    let done = start;
    for (let sequence = this.#low; sequence < this.#high; sequence += 1) {
      const slot = this.#slotOf(sequence);
      const length = this.#counts[slot] ?? 0;
      if (this.#sequences[slot] !== sequence || length === RELEASED) continue;
      const first = this.#starts[slot] ?? 0;
      if (first >= end) break;
      // A packet that overlaps the one before it (a sender's mistake) begins behind it.
      const from = first < done ? done : first;
      const to = first + length < end ? first + length : end;
      if (from >= to) continue;
      const cell = slot * this.#cellBytes - first;
      addCodes(sum, at + from - start, table, this.#codes, cell + from, cell + to);
      done = to;
    }
  }

  /** Forgets packets that end at or before `position`. They are still known as duplicates. */
  release(position: number): void {
    let low = this.#low;
    for (let sequence = this.#low; sequence < this.#high; sequence += 1) {
      const slot = this.#slotOf(sequence);
      if (this.#sequences[slot] !== sequence) continue;
      if (this.#counts[slot] !== RELEASED) {
        if ((this.#starts[slot] ?? 0) + this.#samplesIn(slot) > position) break;
        this.#counts[slot] = RELEASED;
      }
      low = sequence + 1;
    }
    this.#low = low;
    this.#settle();
  }

  #settle(): void {
    const waiting = this.#high - this.#low;
    const isEasy = this.#slots > INITIAL_SLOTS && waiting < (INITIAL_SLOTS * 3) / 4;
    this.#easyBlocks = isEasy ? this.#easyBlocks + 1 : 0;
    if (this.#easyBlocks < EASY_BLOCKS) return;
    this.#easyBlocks = 0;
    this.#allocate(INITIAL_SLOTS, this.#cellBytes);
  }

  /** Gives the memory back while nothing waits; the next packet takes it again. */
  shrink(): void {
    if (this.isEmpty && this.#slots > 0) this.#allocate(0, 0);
  }

  /** Of the packet in a slot; 0 if it is released. */
  #samplesIn(slot: number): number {
    const count = Math.max(0, this.#counts[slot] ?? 0);
    return payloadSamples(this.#format, this.#codes, slot * this.#cellBytes, count);
  }

  #slotOf(sequence: number): number {
    return sequence % this.#slots;
  }

  #makeRoom(span: number, count: number): boolean {
    let slots = this.#slots === 0 ? INITIAL_SLOTS : this.#slots;
    let cellBytes = this.#slots === 0 ? INITIAL_CELL_BYTES : this.#cellBytes;
    while (slots < span) slots += slots >> 1;
    if (cellBytes < count) cellBytes = (count + 7) & ~7;
    if (slots === this.#slots && cellBytes === this.#cellBytes) return true;
    const most = this.#format.table === undefined ? MAX_LARGE_STORE_BYTES : MAX_STORE_BYTES;
    if (slots * cellBytes > most) return false;
    this.#allocate(slots, cellBytes);
    return true;
  }

  /** New memory with what waits in it. */
  #allocate(slots: number, cellBytes: number): void {
    const before = {
      slots: this.#slots,
      cellBytes: this.#cellBytes,
      codes: this.#codes,
      sequences: this.#sequences,
      starts: this.#starts,
      arrivalsUs: this.#arrivalsUs,
      counts: this.#counts,
    };
    this.#slots = slots;
    this.#cellBytes = cellBytes;
    this.#codes = new Uint8Array(slots * cellBytes);
    this.#sequences = new Int32Array(slots).fill(EMPTY);
    this.#starts = new Float64Array(slots);
    this.#arrivalsUs = new Float64Array(slots);
    this.#counts = new Int16Array(slots);
    for (let old = 0; old < before.slots; old += 1) {
      const sequence = before.sequences[old] ?? EMPTY;
      if (sequence < this.#low || sequence >= this.#high) continue;
      const slot = this.#slotOf(sequence);
      const count = before.counts[old] ?? 0;
      const cell = old * before.cellBytes;
      this.#sequences[slot] = sequence;
      this.#starts[slot] = before.starts[old] ?? 0;
      this.#arrivalsUs[slot] = before.arrivalsUs[old] ?? 0;
      this.#counts[slot] = count;
      if (count > 0) this.#codes.set(before.codes.subarray(cell, cell + count), slot * cellBytes);
    }
  }
}
