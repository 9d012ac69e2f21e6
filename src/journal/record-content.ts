import type { JournalEndReason } from '../core/ports/media.ts';
import { MAX_RECORD_CONTENT_BYTES, NO_PAYLOAD_TYPE } from './format.ts';
import type { JournalStream } from './journal-stream.ts';

/** Contents of the records that come seldom (docs/journal-format.md), each in bytes of its own. */

/** Throws a `RangeError` if the texts do not fit into a record. */
export function joinedContent(stream: JournalStream): Uint8Array {
  const texts = [stream.legId, stream.participantId, stream.codec].map((text) => Buffer.from(text));
  const bytes = texts.reduce((sum, text) => sum + 2 + text.length, 8);
  if (bytes > MAX_RECORD_CONTENT_BYTES) throw new RangeError('stream description is too long');
  const content = new Uint8Array(bytes);
  const view = new DataView(content.buffer);
  view.setUint32(0, stream.clockRateHz, true);
  view.setUint8(4, stream.payloadType);
  view.setUint8(5, stream.auxiliary.telephoneEvent ?? NO_PAYLOAD_TYPE);
  view.setUint8(6, stream.auxiliary.comfortNoise ?? NO_PAYLOAD_TYPE);
  let at = 8;
  for (const text of texts) {
    view.setUint16(at, text.length, true);
    content.set(text, at + 2);
    at += 2 + text.length;
  }
  return content;
}

/** @param durationMs clamped to what 16 bits hold. */
export function toneContent(eventCode: number, durationMs: number): Uint8Array {
  const content = new DataView(new ArrayBuffer(4));
  content.setUint8(0, eventCode);
  content.setUint16(2, Math.min(0xffff, Math.max(0, durationMs)), true);
  return new Uint8Array(content.buffer);
}

/** @param placeUs since the journal's start; may be negative. */
export function anchorContent(ssrc: number, rtpTimestamp: number, placeUs: number): Uint8Array {
  const content = new DataView(new ArrayBuffer(16));
  content.setUint32(0, ssrc, true);
  content.setUint32(4, rtpTimestamp, true);
  content.setBigInt64(8, BigInt(Math.round(placeUs)), true);
  return new Uint8Array(content.buffer);
}

/** @param endedWallUs wall clock, µs since 1970. */
export function endedContent(reason: JournalEndReason, endedWallUs: number): Uint8Array {
  const text = Buffer.from(reason);
  const content = new Uint8Array(10 + text.length);
  const view = new DataView(content.buffer);
  view.setBigUint64(0, BigInt(endedWallUs), true);
  view.setUint16(8, text.length, true);
  content.set(text, 10);
  return content;
}
