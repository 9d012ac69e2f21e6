import type { AudioFormat, LocalMedia, MediaDirection } from '../../core/media-format.ts';
import { isIpv6 } from '../sip/host.ts';
import type { SessionShape } from './agreement.ts';
import { formatCrypto, type SdpCrypto } from './crypto.ts';
import { formatLines } from './formats.ts';
import type { EventPayload } from './telephone-events.ts';

/** Who we are in a description. */
export type LocalOrigin = {
  /** Decimal digits, the same for all descriptions of a session (RFC 8866 §5.2). */
  readonly sessionId: string;
  /** One more whenever the description changes, and only then (RFC 3264 §8). */
  readonly sessionVersion: number;
  /** What `o=` and `c=` carry: the external address, or the one that the socket is bound to. */
  readonly address: string;
};

export type WrittenAudio = {
  readonly local: LocalMedia;
  readonly formats: readonly AudioFormat[];
  readonly direction: MediaDirection;
  readonly packetTimeMs: number;
  readonly telephoneEvents: readonly EventPayload[];
  /** Our keys; empty for plain RTP. */
  readonly crypto: readonly SdpCrypto[];
};

/** The text of a description with one live audio line; every other line has port 0. */
export function writeSdp(shape: SessionShape, audio: WrittenAudio, origin: LocalOrigin): string {
  const where = `IN ${isIpv6(origin.address) ? 'IP6' : 'IP4'} ${origin.address}`;
  const lines = [
    'v=0',
    `o=- ${origin.sessionId} ${origin.sessionVersion} ${where}`,
    's=-',
    `c=${where}`,
    't=0 0',
  ];
  for (const [index, line] of shape.lines.entries()) {
    if (index === shape.audioIndex) lines.push(...audioLines(line.protocol, audio));
    else lines.push(`m=${line.type} 0 ${line.protocol} ${line.formats.join(' ')}`);
  }
  return `${lines.join('\r\n')}\r\n`;
}

function audioLines(protocol: string, audio: WrittenAudio): string[] {
  const { local, formats, telephoneEvents, direction, packetTimeMs, crypto } = audio;
  const payloadTypes = [...formats, ...telephoneEvents].map(({ payloadType }) => payloadType);
  const lines = [
    `m=audio ${local.rtp.port} ${protocol} ${payloadTypes.join(' ')}`,
    ...crypto.map((line) => `a=crypto:${formatCrypto(line)}`),
    ...formats.flatMap(formatLines),
  ];
  for (const { payloadType, clockRateHz } of telephoneEvents) {
    lines.push(`a=rtpmap:${payloadType} telephone-event/${clockRateHz}`);
    // Events 0–15: the keys of a telephone (RFC 4733 §3.2).
    lines.push(`a=fmtp:${payloadType} 0-15`);
  }
  lines.push(`a=ptime:${packetTimeMs}`);
  if (local.rtcp.port !== local.rtp.port + 1) lines.push(`a=rtcp:${local.rtcp.port}`);
  lines.push(`a=${direction}`);
  return lines;
}
