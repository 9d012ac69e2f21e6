import type {
  AudioFormat,
  MediaDirection,
  MediaSecurity,
  RemoteMedia,
  SecurityPolicy,
} from '../../core/media-format.ts';
import { defect, parsed, type Parsed } from '../../core/result.ts';
import { isIpv6 } from '../sip/host.ts';
import type { SdpMedia } from './description.ts';
import { packetTimeOf } from './formats.ts';
import type { EventPayload } from './telephone-events.ts';

/** Why an offer or answer gives no audio; all of them are answered with 488. */
export type NegotiationDefect =
  /** No audio line with a port. */
  | 'no-audio'
  /** Audio only in profiles that are not spoken here, or not wanted: encrypted ones, or plain ones. */
  | 'unsupported-protocol'
  | 'no-common-codec'
  /** Encrypted, without a key that can be used. */
  | 'no-usable-key'
  /** No address, or a name, or the other address family than ours. */
  | 'bad-media-address'
  /** An answer without the line that was offered. */
  | 'wrong-media-count';

/** `RemoteMedia` but for what signalling alone knows. */
export type AgreedMedia = Omit<RemoteMedia, 'alternativeSources'>;

/**
 * The `m=` lines of a session, which stay for its whole life (RFC 3264 §8): a later offer repeats
 * them in this order, all but the audio line with port 0.
 */
export type SessionShape = {
  readonly lines: readonly Pick<SdpMedia, 'type' | 'protocol' | 'formats'>[];
  readonly audioIndex: number;
  /** Payload types keep their meaning (RFC 3264 §8.3.2): those of formats, … */
  readonly formats: readonly AudioFormat[];
  /** … and of telephone-event, one a clock rate; empty if it was not agreed. */
  readonly telephoneEvents: readonly EventPayload[];
};

const MAX_PORT = 65_535;

/** RTP without encryption; AVPF only adds feedback, which may stay unused (RFC 4585 §4). */
const PLAIN_PROTOCOLS: readonly string[] = ['RTP/AVP', 'RTP/AVPF'];
/** The same encrypted, with keys in the description (RFC 4568). */
const SECURE_PROTOCOLS: readonly string[] = ['RTP/SAVP', 'RTP/SAVPF'];

export function isSecure(line: Pick<SdpMedia, 'protocol'>): boolean {
  return SECURE_PROTOCOLS.includes(line.protocol.toUpperCase());
}

/** Which line of a description is the audio that can be spoken: an encrypted one if there is the choice. */
export function findAudio(
  media: readonly SdpMedia[],
  policy: SecurityPolicy,
): Parsed<number, NegotiationDefect> {
  const live = media.filter((line) => line.type === 'audio' && line.port !== 0);
  const secure = policy === 'plain' ? [] : live.filter(isSecure);
  const usable =
    secure.find((line) => line.crypto.length > 0) ??
    (policy === 'require'
      ? undefined
      : live.find((line) => PLAIN_PROTOCOLS.includes(line.protocol.toUpperCase())));
  if (usable !== undefined) return parsed(media.indexOf(usable));
  if (live.length === 0) return defect('no-audio');
  return defect(secure.length > 0 ? 'no-usable-key' : 'unsupported-protocol');
}

/** What the far side's line means for us, once the rest is known. */
export function agree(
  line: SdpMedia,
  agreed: {
    readonly format: AudioFormat;
    readonly telephoneEvent: EventPayload | undefined;
    /** Ours. */
    readonly direction: MediaDirection;
    readonly security: MediaSecurity | undefined;
  },
  ourAddress: string,
): Parsed<AgreedMedia, NegotiationDefect> {
  const { format, telephoneEvent, direction, security } = agreed;
  const address = line.address;
  if (address === undefined) return defect('bad-media-address');
  const held = isUnspecified(address);
  if (!held && isIpv6(address) !== isIpv6(ourAddress)) return defect('bad-media-address');
  const defaultRtcpPort = line.port < MAX_PORT ? line.port + 1 : line.port;
  const eventRateHz = telephoneEvent?.clockRateHz ?? format.clockRateHz;
  return parsed({
    rtp: { address, port: line.port },
    rtcp: {
      address: line.rtcp?.address ?? address,
      port: line.rtcp?.port ?? defaultRtcpPort,
    },
    format,
    auxiliary: {
      telephoneEvent: telephoneEvent?.payloadType,
      ...(eventRateHz === format.clockRateHz ? {} : { telephoneEventClockRateHz: eventRateHz }),
      comfortNoise: comfortNoiseOf(line, format.clockRateHz),
    },
    direction,
    packetTimeMs: packetTimeOf(line, format),
    ...(security === undefined ? {} : { security }),
  });
}

/**
 * Our direction against a description's: its mirror, and no more than `wanted`. An address of
 * `0.0.0.0` asks for silence towards its sender (RFC 3264 §8.4).
 */
export function ourDirection(line: SdpMedia, wanted: MediaDirection): MediaDirection {
  const held = line.address !== undefined && isUnspecified(line.address);
  const maySend = receives(line.direction) && sends(wanted) && !held;
  const mayReceive = sends(line.direction) && receives(wanted);
  if (maySend) return mayReceive ? 'sendrecv' : 'sendonly';
  return mayReceive ? 'recvonly' : 'inactive';
}

function sends(direction: MediaDirection): boolean {
  return direction === 'sendrecv' || direction === 'sendonly';
}

function receives(direction: MediaDirection): boolean {
  return direction === 'sendrecv' || direction === 'recvonly';
}

/** The hold of RFC 2543: media is to go nowhere. */
export function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function comfortNoiseOf(line: SdpMedia, clockRateHz: number): number | undefined {
  return line.payloads.find(
    (payload) => payload.encoding === 'CN' && payload.clockRateHz === clockRateHz,
  )?.payloadType;
}
