import { RTCP_TYPE, type ReportBlock, type RtcpPacket } from './packet.ts';

/** Packets that can be built; those of type `other` are only read. */
export type BuildableRtcp = Exclude<RtcpPacket, { readonly type: 'other' }>;

/** Counts in a header have 5 bits (RFC 3550 §6.4.1). */
export const MAX_RTCP_COUNT = 31;
const CNAME_ITEM = 1;
const MAX_CNAME_BYTES = 255;

/**
 * A compound packet. The caller puts a report first and a CNAME beside it, as RFC 3550 §6.1 asks.
 * Lists longer than 31 and names longer than 255 bytes are cut.
 */
export function buildRtcp(packets: readonly BuildableRtcp[]): Uint8Array {
  const parts = packets.map(buildOne);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function buildOne(packet: BuildableRtcp): Uint8Array {
  switch (packet.type) {
    case 'sender-report': {
      const reports = packet.reports.slice(0, MAX_RTCP_COUNT);
      const view = open(RTCP_TYPE.senderReport, reports.length, 24 + reports.length * 24);
      view.setUint32(4, packet.ssrc);
      view.setUint32(8, packet.sender.ntpSeconds);
      view.setUint32(12, packet.sender.ntpFraction);
      view.setUint32(16, packet.sender.rtpTimestamp);
      view.setUint32(20, packet.sender.packetCount);
      view.setUint32(24, packet.sender.octetCount);
      writeBlocks(view, 28, reports);
      return bytesOf(view);
    }
    case 'receiver-report': {
      const reports = packet.reports.slice(0, MAX_RTCP_COUNT);
      const view = open(RTCP_TYPE.receiverReport, reports.length, 4 + reports.length * 24);
      view.setUint32(4, packet.ssrc);
      writeBlocks(view, 8, reports);
      return bytesOf(view);
    }
    case 'source-description':
      return buildNames(packet.names.slice(0, MAX_RTCP_COUNT));
    case 'goodbye': {
      const ssrcs = packet.ssrcs.slice(0, MAX_RTCP_COUNT);
      const view = open(RTCP_TYPE.goodbye, ssrcs.length, ssrcs.length * 4);
      ssrcs.forEach((ssrc, index) => {
        view.setUint32(4 + index * 4, ssrc);
      });
      return bytesOf(view);
    }
  }
}

/** A packet of `bodyBytes`, a multiple of 4, with its header filled in. */
function open(packetType: number, count: number, bodyBytes: number): DataView {
  const view = new DataView(new ArrayBuffer(4 + bodyBytes));
  view.setUint8(0, 0x80 | count);
  view.setUint8(1, packetType);
  view.setUint16(2, bodyBytes / 4);
  return view;
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function writeBlocks(view: DataView, start: number, reports: readonly ReportBlock[]): void {
  reports.forEach((report, index) => {
    const at = start + index * 24;
    view.setUint32(at, report.ssrc);
    view.setUint32(at + 4, (report.fractionLost << 24) | (report.cumulativeLost & 0xff_ffff));
    view.setUint32(at + 8, report.extendedHighestSequence);
    view.setUint32(at + 12, report.jitterTicks);
    view.setUint32(at + 16, report.lastSenderReport);
    view.setUint32(at + 20, report.delaySinceLastSenderReport);
  });
}

function buildNames(
  names: readonly { readonly ssrc: number; readonly cname: string }[],
): Uint8Array {
  const chunks = names.map(({ ssrc, cname }) => {
    const text = new TextEncoder().encode(cname).subarray(0, MAX_CNAME_BYTES);
    // SSRC, item type, item length, text, and at least one null byte, padded to 32 bits.
    const chunk = new Uint8Array(Math.ceil((4 + 2 + text.length + 1) / 4) * 4);
    new DataView(chunk.buffer).setUint32(0, ssrc);
    chunk[4] = CNAME_ITEM;
    chunk[5] = text.length;
    chunk.set(text, 6);
    return chunk;
  });
  const view = open(
    RTCP_TYPE.sourceDescription,
    chunks.length,
    chunks.reduce((sum, chunk) => sum + chunk.length, 0),
  );
  const bytes = bytesOf(view);
  let offset = 4;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
