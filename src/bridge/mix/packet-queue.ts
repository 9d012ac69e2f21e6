import { PacketBuffer } from '../../protocols/rtp/packet-buffer.ts';
import { sequenceDistance, timestampDistance } from '../../protocols/rtp/arithmetic.ts';
import type { RtpHeaderReader } from '../../protocols/rtp/header.ts';

/** More than half a second of packets of 10 ms; a power of two. */
const SLOTS = 64;
/** Beyond this jump the sender has restarted its numbering (RFC 3550 appendix A.1). */
const RESTART_PACKETS = 1_000;
/** The longest payload: 20 ms of stereo L16 at 48 kHz. */
const MAX_PAYLOAD_BYTES = 4_096;
/** Memory of a slot grows by whole pieces, so that codecs of varying packets do not ask for it often. */
const PIECE_BYTES = 256;
/** So that numbers before the first one are not negative. */
const FIRST_ROUND = 0x1_0000;
const FIRST_ERA = 0x1_0000_0000;

/** One for all queues of a thread: a payload is in it from `seek` to the next one. */
const PAYLOAD = new PacketBuffer(MAX_PAYLOAD_BYTES);

/**
 * Packets of one stream, put in as they come and taken in the order of their numbers. Bounded: a packet
 * too far ahead pushes out the oldest. Makes no object for a packet of a steady stream.
 */
export class PacketQueue {
  /** Of the packet that `seek` found. */
  timestamp = 0;
  arrivalUs = 0;
  isAudio = false;
  payload: Uint8Array = PAYLOAD.view(0);
  /** Numbers between the packet taken last and the one found. */
  missing = 0;
  /** Packets in it. */
  size = 0;

  readonly #numbers = new Float64Array(SLOTS).fill(-1);
  readonly #timestamps = new Float64Array(SLOTS);
  readonly #arrivals = new Float64Array(SLOTS);
  readonly #audio = new Uint8Array(SLOTS);
  readonly #lengths = new Uint16Array(SLOTS);
  readonly #payloads: (Uint8Array | undefined)[] = [];
  #hasBegun = false;
  /** Nothing was taken yet: an earlier packet may still come first. */
  #isFresh = true;
  #ssrc = 0;
  #next = 0;
  #highest = 0;
  #highestTimestamp = 0;
  #found = -1;

  /** Copies the packet. False for one that came too late or twice, or is longer than any. */
  put(header: RtpHeaderReader, data: Uint8Array, isAudio: boolean, arrivalUs: number): boolean {
    const { sequenceNumber, timestamp, ssrc, payloadBytes } = header;
    if (payloadBytes > MAX_PAYLOAD_BYTES) return false;
    let step = sequenceDistance(this.#highest & 0xffff, sequenceNumber);
    if (!this.#hasBegun || ssrc !== this.#ssrc || Math.abs(step) > RESTART_PACKETS) {
      this.#begin(ssrc, sequenceNumber, timestamp);
      step = 0;
    }
    const number = this.#highest + step;
    if (number < this.#next) {
      if (!this.#isFresh || this.#highest - number >= SLOTS) return false;
      this.#next = number;
    }
    const extended =
      this.#highestTimestamp + timestampDistance(this.#highestTimestamp % FIRST_ERA, timestamp);
    if (step > 0) {
      this.#highest = number;
      this.#highestTimestamp = extended;
      while (number - this.#next >= SLOTS) this.#drop(this.#next++);
    }
    const slot = number % SLOTS;
    if (this.#numbers[slot] === number) return false;
    this.#numbers[slot] = number;
    this.#timestamps[slot] = extended;
    this.#arrivals[slot] = arrivalUs;
    this.#audio[slot] = isAudio ? 1 : 0;
    this.#keep(slot, data, header.payloadOffset, payloadBytes);
    this.size += 1;
    return true;
  }

  /** Finds the first packet: its fields are valid until the next call of `seek`. */
  seek(): boolean {
    if (this.size === 0) return false;
    let number = this.#next;
    while (this.#numbers[number % SLOTS] !== number) number += 1;
    const slot = number % SLOTS;
    this.#found = number;
    this.missing = number - this.#next;
    this.timestamp = this.#timestamps[slot] ?? 0;
    this.arrivalUs = this.#arrivals[slot] ?? 0;
    this.isAudio = this.#audio[slot] === 1;
    const length = this.#lengths[slot] ?? 0;
    const from = this.#payloads[slot];
    for (let at = 0; at < length; at += 1) PAYLOAD.bytes[at] = from?.[at] ?? 0;
    this.payload = PAYLOAD.view(length);
    return true;
  }

  /** Removes the packet that `seek` found; what is missing before it is given up. */
  take(): void {
    this.#drop(this.#found);
    this.#next = this.#found + 1;
    this.#isFresh = false;
  }

  /** Ticks from the timestamp of the first packet to that of the latest. */
  get spanTicks(): number {
    return this.seek() ? this.#highestTimestamp - this.timestamp : 0;
  }

  /** Gives up what is missing as well: the next packet to come may be any. */
  clear(): void {
    this.#numbers.fill(-1);
    this.size = 0;
    this.#hasBegun = false;
  }

  #begin(ssrc: number, sequenceNumber: number, timestamp: number): void {
    this.clear();
    this.#hasBegun = true;
    this.#isFresh = true;
    this.#ssrc = ssrc;
    this.#highest = FIRST_ROUND + sequenceNumber;
    this.#next = this.#highest;
    this.#highestTimestamp = FIRST_ERA + timestamp;
  }

  #drop(number: number): void {
    const slot = number % SLOTS;
    if (this.#numbers[slot] !== number) return;
    this.#numbers[slot] = -1;
    this.size -= 1;
  }

  #keep(slot: number, data: Uint8Array, offset: number, bytes: number): void {
    let kept = this.#payloads[slot];
    if (kept === undefined || kept.length < bytes) {
      kept = new Uint8Array(Math.ceil(bytes / PIECE_BYTES) * PIECE_BYTES);
      this.#payloads[slot] = kept;
    }
    for (let at = 0; at < bytes; at += 1) kept[at] = data[offset + at] ?? 0;
    this.#lengths[slot] = bytes;
  }
}
