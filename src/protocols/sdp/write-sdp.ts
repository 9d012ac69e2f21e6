import type { AudioFormat, LocalMedia, MediaDirection } from '../../core/media-format.ts';
import { isIpv6 } from '../sip/host.ts';
import type { SessionShape } from './agreement.ts';

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
    if (index === shape.audioIndex) lines.push(...audioLines(line.protocol, shape, audio));
    else lines.push(`m=${line.type} 0 ${line.protocol} ${line.formats.join(' ')}`);
  }
  return `${lines.join('\r\n')}\r\n`;
}

function audioLines(protocol: string, shape: SessionShape, audio: WrittenAudio): string[] {
  const { local, formats, direction, packetTimeMs } = audio;
  const event = shape.telephoneEvent;
  const payloadTypes = formats.map((format) => format.payloadType);
  if (event !== undefined) payloadTypes.push(event);
  const lines = [
    `m=audio ${local.rtp.port} ${protocol} ${payloadTypes.join(' ')}`,
    ...formats.map((f) => `a=rtpmap:${f.payloadType} ${f.codec}/${f.clockRateHz}`),
  ];
  if (event !== undefined) {
    lines.push(`a=rtpmap:${event} telephone-event/${formats[0]?.clockRateHz ?? 8_000}`);
    // Events 0–15: the keys of a telephone (RFC 4733 §3.2).
    lines.push(`a=fmtp:${event} 0-15`);
  }
  lines.push(`a=ptime:${packetTimeMs}`);
  if (local.rtcp.port !== local.rtp.port + 1) lines.push(`a=rtcp:${local.rtcp.port}`);
  lines.push(`a=${direction}`);
  return lines;
}
