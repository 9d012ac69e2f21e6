import { defect, parsed, type Parsed } from '../../core/result.ts';
import { RTCP_TYPE, type ReportBlock, type RtcpPacket } from './packet.ts';

export type RtcpDefect = 'too-short' | 'wrong-version' | 'wrong-length' | 'not-a-report';

const HEADER_BYTES = 4;
const SENDER_INFO_BYTES = 20;
const REPORT_BLOCK_BYTES = 24;
const CNAME_ITEM = 1;

/**
 * Reads a compound packet (RFC 3550 §6.1). It is taken whole or not at all: all lengths must add
 * up, and the first packet must be a report (appendix A.2). Accepts any bytes; never throws.
 */
export function parseRtcp(datagram: Uint8Array): Parsed<readonly RtcpPacket[], RtcpDefect> {
  if (datagram.byteLength < HEADER_BYTES + 4) return defect('too-short');
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const firstType = view.getUint8(1);
  if (firstType !== RTCP_TYPE.senderReport && firstType !== RTCP_TYPE.receiverReport) {
    return defect('not-a-report');
  }
  const packets: RtcpPacket[] = [];
  let offset = 0;
  while (offset < view.byteLength) {
    if (offset + HEADER_BYTES > view.byteLength) return defect('wrong-length');
    const first = view.getUint8(offset);
    if (first >> 6 !== 2) return defect('wrong-version');
    const end = offset + HEADER_BYTES + view.getUint16(offset + 2) * 4;
    if (end > view.byteLength) return defect('wrong-length');
    let bodyEnd = end;
    if ((first & 0x20) !== 0) {
      // Only the last packet may be padded; the last byte counts the padding.
      const padding = view.getUint8(end - 1);
      if (end !== view.byteLength || padding === 0) return defect('wrong-length');
      bodyEnd = end - padding;
      if (bodyEnd < offset + HEADER_BYTES) return defect('wrong-length');
    }
    const packet = parseOne(view, offset, bodyEnd, first & 0x1f);
    if (packet === undefined) return defect('wrong-length');
    packets.push(packet);
    offset = end;
  }
  return parsed(packets);
}

function parseOne(
  view: DataView,
  start: number,
  end: number,
  count: number,
): RtcpPacket | undefined {
  const body = start + HEADER_BYTES;
  const packetType = view.getUint8(start + 1);
  switch (packetType) {
    case RTCP_TYPE.senderReport: {
      if (body + 4 + SENDER_INFO_BYTES + count * REPORT_BLOCK_BYTES > end) return undefined;
      return {
        type: 'sender-report',
        ssrc: view.getUint32(body),
        sender: {
          ntpSeconds: view.getUint32(body + 4),
          ntpFraction: view.getUint32(body + 8),
          rtpTimestamp: view.getUint32(body + 12),
          packetCount: view.getUint32(body + 16),
          octetCount: view.getUint32(body + 20),
        },
        reports: parseBlocks(view, body + 4 + SENDER_INFO_BYTES, count),
      };
    }
    case RTCP_TYPE.receiverReport: {
      if (body + 4 + count * REPORT_BLOCK_BYTES > end) return undefined;
      return {
        type: 'receiver-report',
        ssrc: view.getUint32(body),
        reports: parseBlocks(view, body + 4, count),
      };
    }
    case RTCP_TYPE.sourceDescription:
      return parseNames(view, body, end, count);
    case RTCP_TYPE.goodbye: {
      if (body + count * 4 > end) return undefined;
      const ssrcs = Array.from({ length: count }, (_, index) => view.getUint32(body + index * 4));
      return { type: 'goodbye', ssrcs };
    }
    default:
      return { type: 'other', packetType };
  }
}

function parseBlocks(view: DataView, start: number, count: number): ReportBlock[] {
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * REPORT_BLOCK_BYTES;
    return {
      ssrc: view.getUint32(at),
      fractionLost: view.getUint8(at + 4),
      // 24 bits with sign.
      cumulativeLost: (view.getUint32(at + 4) << 8) >> 8,
      extendedHighestSequence: view.getUint32(at + 8),
      jitterTicks: view.getUint32(at + 12),
      lastSenderReport: view.getUint32(at + 16),
      delaySinceLastSenderReport: view.getUint32(at + 20),
    };
  });
}

/** RFC 3550 §6.5: chunks of a source and its items, each chunk padded to 32 bits. */
function parseNames(
  view: DataView,
  start: number,
  end: number,
  count: number,
): RtcpPacket | undefined {
  const names: { ssrc: number; cname: string }[] = [];
  let offset = start;
  for (let chunk = 0; chunk < count; chunk += 1) {
    if (offset + 4 > end) return undefined;
    const ssrc = view.getUint32(offset);
    offset += 4;
    for (;;) {
      if (offset >= end) return undefined;
      const item = view.getUint8(offset);
      if (item === 0) break;
      if (offset + 2 > end) return undefined;
      const length = view.getUint8(offset + 1);
      if (offset + 2 + length > end) return undefined;
      if (item === CNAME_ITEM) {
        const text = new Uint8Array(view.buffer, view.byteOffset + offset + 2, length);
        names.push({ ssrc, cname: new TextDecoder().decode(text) });
      }
      offset += 2 + length;
    }
    // The null byte that ends the items, then padding up to the next word.
    offset = start + (((offset - start) >> 2) + 1) * 4;
  }
  return { type: 'source-description', names };
}
