import {
  FLAG_PLAYED,
  NO_PAYLOAD_TYPE,
  RECORD_ANCHOR,
  RECORD_CONTINUED,
  RECORD_ENDED,
  RECORD_JOINED,
  RECORD_LEFT,
  RECORD_PACKET,
  RECORD_PAUSED,
  RECORD_PREFIX_BYTES,
  RECORD_RESUMED,
  RECORD_TICK,
  RECORD_TONE,
} from './format.ts';
import type { JournalStream } from './journal-stream.ts';
import type { JournalVisitor } from './journal-visitor.ts';

/** What follows a block: another one, the next segment, or nothing ever. */
export type AfterBlock = 'block' | 'continued' | 'ended';

/** Whether records fill `start…end` exactly. Called before any of them is visited. */
export function recordsFill(view: DataView, start: number, end: number): boolean {
  let at = start;
  while (at + RECORD_PREFIX_BYTES <= end) at += RECORD_PREFIX_BYTES + view.getUint16(at, true);
  return at === end;
}

/** Gives the records of a checked block to the visitor. */
export function visitBlock(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  visitor: JournalVisitor,
): AfterBlock {
  let after: AfterBlock = 'block';
  for (let at = start; at < end;) {
    const content = at + RECORD_PREFIX_BYTES;
    const next = content + view.getUint16(at, true);
    const type = view.getUint8(at + 2);
    const timeUs = view.getUint16(at + 6, true) + view.getUint32(at + 8, true) * 0x10000;
    if (type === RECORD_PACKET) {
      const played = (view.getUint8(at + 3) & FLAG_PLAYED) !== 0;
      visitor.packet(view.getUint16(at + 4, true), timeUs, bytes, content, next, played);
    } else if (type === RECORD_ENDED) {
      after = 'ended';
      visitEnded(bytes, view, content, next, timeUs, visitor);
    } else if (type === RECORD_CONTINUED) {
      after = 'continued';
    } else {
      visitMarker(type, bytes, view, at, next, timeUs, visitor);
    }
    at = next;
  }
  return after;
}

function visitMarker(
  type: number,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  timeUs: number,
  visitor: JournalVisitor,
): void {
  const stream = view.getUint16(at + 4, true);
  const content = at + RECORD_PREFIX_BYTES;
  const contentBytes = end - content;
  if (type === RECORD_TICK) {
    visitor.tick(timeUs);
  } else if (type === RECORD_LEFT) {
    visitor.left(stream, timeUs);
  } else if (type === RECORD_PAUSED) {
    visitor.paused(timeUs);
  } else if (type === RECORD_RESUMED) {
    visitor.resumed(timeUs);
  } else if (type === RECORD_TONE && contentBytes >= 4) {
    visitor.tone(stream, timeUs, view.getUint8(content), view.getUint16(content + 2, true));
  } else if (type === RECORD_ANCHOR && contentBytes >= 16) {
    const ssrc = view.getUint32(content, true);
    const placeUs = Number(view.getBigInt64(content + 8, true));
    visitor.anchor(stream, timeUs, ssrc, view.getUint32(content + 4, true), placeUs);
  } else {
    const joined = type === RECORD_JOINED ? joinedAt(bytes, view, at, end) : undefined;
    if (joined === undefined) visitor.unknown(type, timeUs);
    else visitor.joined(joined, timeUs);
  }
}

function visitEnded(
  bytes: Uint8Array,
  view: DataView,
  content: number,
  end: number,
  timeUs: number,
  visitor: JournalVisitor,
): void {
  const reason = end - content < 10 ? undefined : textAt(bytes, view, content + 8, end);
  if (reason === undefined) visitor.unknown(RECORD_ENDED, timeUs);
  else visitor.ended(timeUs, reason.text, Number(view.getBigUint64(content, true)) / 1000);
}

function joinedAt(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
): JournalStream | undefined {
  const content = at + RECORD_PREFIX_BYTES;
  if (end - content < 8) return undefined;
  const legId = textAt(bytes, view, content + 8, end);
  if (legId === undefined) return undefined;
  const participantId = textAt(bytes, view, legId.end, end);
  if (participantId === undefined) return undefined;
  const codec = textAt(bytes, view, participantId.end, end);
  if (codec === undefined) return undefined;
  return {
    stream: view.getUint16(at + 4, true),
    legId: legId.text,
    participantId: participantId.text,
    codec: codec.text,
    clockRateHz: view.getUint32(content, true),
    payloadType: view.getUint8(content + 4),
    auxiliary: {
      telephoneEvent: payloadTypeAt(view, content + 5),
      comfortNoise: payloadTypeAt(view, content + 6),
    },
    played: (view.getUint8(at + 3) & FLAG_PLAYED) !== 0,
  };
}

function payloadTypeAt(view: DataView, at: number): number | undefined {
  const payloadType = view.getUint8(at);
  return payloadType === NO_PAYLOAD_TYPE ? undefined : payloadType;
}

function textAt(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
): { readonly text: string; readonly end: number } | undefined {
  if (at + 2 > end) return undefined;
  const textEnd = at + 2 + view.getUint16(at, true);
  if (textEnd > end) return undefined;
  return { text: Buffer.from(bytes.subarray(at + 2, textEnd)).toString(), end: textEnd };
}
