import type {
  AudioFormat,
  CodecName,
  MediaDirection,
  RemoteMedia,
} from '../../core/media-format.ts';
import { defect, parsed, type Parsed } from '../../core/result.ts';
import { isIpv6 } from '../sip/host.ts';
import type { SdpMedia, SdpPayload } from './description.ts';

/** Why an offer or answer gives no audio; all of them are answered with 488. */
export type NegotiationDefect =
  /** No audio line with a port. */
  | 'no-audio'
  /** Audio only in profiles that are not spoken here, such as SRTP. */
  | 'unsupported-protocol'
  | 'no-common-codec'
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
  /** Payload type of telephone-event, kept in later offers; `undefined` if it was not agreed. */
  readonly telephoneEvent: number | undefined;
};

export const DEFAULT_PACKET_TIME_MS = 20;
const MIN_PACKET_TIME_MS = 10;
/** 60 ms of G.711 is the longest that is common; more is more than the far side's jitter buffer wants. */
const MAX_PACKET_TIME_MS = 60;
const MAX_PORT = 65_535;

/** RTP without encryption; AVPF only adds feedback, which may stay unused (RFC 4585 §4). */
const SPOKEN_PROTOCOLS: readonly string[] = ['RTP/AVP', 'RTP/AVPF'];

/** Which line of a description is the audio that can be spoken. */
export function findAudio(media: readonly SdpMedia[]): Parsed<number, NegotiationDefect> {
  const isLive = (line: SdpMedia): boolean => line.type === 'audio' && line.port !== 0;
  const index = media.findIndex(
    (line) => isLive(line) && SPOKEN_PROTOCOLS.includes(line.protocol.toUpperCase()),
  );
  if (index >= 0) return parsed(index);
  return defect(media.some(isLive) ? 'unsupported-protocol' : 'no-audio');
}

/** The first payload of the line that is one of our formats; `preferred` before all others. */
export function chooseFormat(
  line: SdpMedia,
  formats: readonly AudioFormat[],
  preferred?: CodecName,
): AudioFormat | undefined {
  const common = line.payloads.flatMap((payload) => {
    const format = formats.find((ours) => isSame(ours, payload));
    return format === undefined ? [] : [{ ...format, payloadType: payload.payloadType }];
  });
  return common.find((format) => format.codec === preferred) ?? common[0];
}

function isSame(format: AudioFormat, payload: SdpPayload): boolean {
  return (
    format.codec === payload.encoding &&
    format.clockRateHz === payload.clockRateHz &&
    payload.channels === 1
  );
}

/** What the far side's line means for us, once format and our own direction are known. */
export function agree(
  line: SdpMedia,
  format: AudioFormat,
  direction: MediaDirection,
  ourAddress: string,
): Parsed<AgreedMedia, NegotiationDefect> {
  const address = line.address;
  if (address === undefined) return defect('bad-media-address');
  const held = isUnspecified(address);
  if (!held && isIpv6(address) !== isIpv6(ourAddress)) return defect('bad-media-address');
  const defaultRtcpPort = line.port < MAX_PORT ? line.port + 1 : line.port;
  return parsed({
    rtp: { address, port: line.port },
    rtcp: {
      address: line.rtcp?.address ?? address,
      port: line.rtcp?.port ?? defaultRtcpPort,
    },
    format,
    auxiliary: {
      telephoneEvent: payloadOf(line, 'TELEPHONE-EVENT', format.clockRateHz),
      comfortNoise: payloadOf(line, 'CN', format.clockRateHz),
    },
    direction,
    packetTimeMs: packetTimeOf(line),
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

function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function payloadOf(line: SdpMedia, encoding: string, clockRateHz: number): number | undefined {
  return line.payloads.find(
    (payload) => payload.encoding === encoding && payload.clockRateHz === clockRateHz,
  )?.payloadType;
}

/** Whole tens only: what else is asked for is not worth a codec's odd frame. */
function packetTimeOf(line: SdpMedia): number {
  const asked = line.packetTimeMs ?? DEFAULT_PACKET_TIME_MS;
  const most = Math.min(line.maxPacketTimeMs ?? MAX_PACKET_TIME_MS, MAX_PACKET_TIME_MS);
  const tens = Math.floor(Math.min(asked, most) / 10) * 10;
  return Math.max(tens, MIN_PACKET_TIME_MS);
}
