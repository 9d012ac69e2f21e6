/**
 * Session descriptions from the network, on sdp-transform. That library is loose: it takes
 * anything, gives numbers or strings as it sees fit, and does not read every `m=` line. So it is
 * shown only the lines that are used here, and all that it returns is checked.
 */
import { parse, type SessionDescription as LooseSession } from 'sdp-transform';
import type { MediaDirection } from '../../core/media-format.ts';
import { defect, parsed, type Parsed } from '../../core/result.ts';
import { canonicalAddress } from '../sip/host.ts';
import { parseCrypto, type SdpCrypto } from './crypto.ts';
import type { SdpMedia, SdpOrigin, SdpPayload, SessionDescription } from './description.ts';

export type SdpDefect =
  'too-long' | 'too-many-media' | 'not-sdp' | 'bad-origin' | 'bad-media-line' | 'unreadable';

/** Browsers' descriptions, the longest in use, have about 10 kB. */
export const MAX_SDP_BYTES = 65_536;
export const MAX_SDP_MEDIA_LINES = 32;

const USED_LINE =
  /^(?:[votsc]=|a=(?:rtpmap:|fmtp:|ptime:|maxptime:|rtcp:|rtcp-mux$|label:|sendrecv$|sendonly$|recvonly$|inactive$))/;
const MEDIA_LINE = /^m=([^ /]+) (\d{1,5})(?:\/\d{1,5})? ([^ ]+)((?: [^ ]+)+)$/;
const CRYPTO_LINE = 'a=crypto:';
/** A line for each suite there is, and some. */
const MAX_CRYPTO_LINES = 32;
const MAX_PORT = 65_535;

/** Accepts any bytes; never throws. */
export function parseSdp(bytes: Uint8Array): Parsed<SessionDescription, SdpDefect> {
  if (bytes.byteLength > MAX_SDP_BYTES) return defect('too-long');
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\r|\n/);
  if (lines[0]?.trimEnd() !== 'v=0') return defect('not-sdp');
  const mediaLines: MediaLine[] = [];
  const used: string[] = [];
  for (const untrimmed of lines) {
    const line = untrimmed.trimEnd();
    if (line.startsWith('m=')) {
      const mediaLine = readMediaLine(line);
      if (mediaLine === undefined) return defect('bad-media-line');
      if (mediaLines.length >= MAX_SDP_MEDIA_LINES) return defect('too-many-media');
      mediaLines.push({ ...mediaLine, crypto: [] });
      // The library sees a line that it cannot fail to read: the real one has been read here.
      used.push('m=audio 9 RTP/AVP 0');
    } else if (line.startsWith(CRYPTO_LINE)) {
      // Of media lines only (RFC 4568 §5), and never shown to a library.
      const cryptos = mediaLines.at(-1)?.crypto;
      const crypto = parseCrypto(line.slice(CRYPTO_LINE.length));
      if (crypto !== undefined && cryptos !== undefined && cryptos.length < MAX_CRYPTO_LINES) {
        cryptos.push(crypto);
      }
    } else if (USED_LINE.test(line)) used.push(line);
  }
  const loose = parseLoosely(used.join('\r\n'));
  if (loose?.media.length !== mediaLines.length) return defect('unreadable');
  const origin = readOrigin(loose.origin);
  if (origin === undefined) return defect('bad-origin');
  const media = mediaLines.map((line, index) => readMedia(line, loose.media[index] ?? {}, loose));
  return parsed({ origin, media });
}

type ReadLine = Pick<SdpMedia, 'type' | 'port' | 'protocol' | 'formats'>;
type MediaLine = ReadLine & { readonly crypto: SdpCrypto[] };

function readMediaLine(line: string): ReadLine | undefined {
  const [, type, portText, protocol, formats] = MEDIA_LINE.exec(line) ?? [];
  const port = integer(portText, MAX_PORT);
  if (type === undefined || port === undefined || protocol === undefined) return undefined;
  return { type, port, protocol, formats: (formats ?? '').trim().split(' ') };
}

/** The library's types promise more than it keeps: every field may be missing or of another type. */
type Loose<T> = T extends undefined
  ? undefined
  : T extends readonly (infer E)[]
    ? readonly Loose<E>[]
    : T extends object
      ? { readonly [K in keyof T]?: Loose<T[K]> | undefined }
      : unknown;
type LooseMedia = Loose<LooseSession['media'][number]>;

function parseLoosely(
  text: string,
): (Loose<LooseSession> & { readonly media: readonly LooseMedia[] }) | undefined {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

function readOrigin(origin: Loose<LooseSession['origin']> | undefined): SdpOrigin | undefined {
  const sessionId = word(origin?.sessionId);
  const sessionVersion = word(origin?.sessionVersion);
  const address = word(origin?.address);
  if (sessionId === undefined || sessionVersion === undefined || address === undefined) {
    return undefined;
  }
  return { username: word(origin?.username) ?? '-', sessionId, sessionVersion, address };
}

function readMedia(line: MediaLine, loose: LooseMedia, session: Loose<LooseSession>): SdpMedia {
  return {
    ...line,
    payloads: readPayloads(line.formats, loose),
    address: readAddress(loose.connection?.ip ?? session.connection?.ip),
    direction: readDirection(loose.direction) ?? readDirection(session.direction) ?? 'sendrecv',
    packetTimeMs: integer(loose.ptime, MAX_PACKET_TIME_MS),
    maxPacketTimeMs: integer(loose.maxptime, MAX_PACKET_TIME_MS),
    rtcp: readRtcp(loose.rtcp),
    rtcpMux: loose.rtcpMux !== undefined,
    label: word(loose.label),
  };
}

/** A bound for the number only; what is sensible is decided in negotiation. */
const MAX_PACKET_TIME_MS = 10_000;

/** RFC 3551 §6, as far as this recorder speaks them. */
const STATIC_ENCODINGS: ReadonlyMap<number, string> = new Map([
  [0, 'PCMU'],
  [8, 'PCMA'],
  [9, 'G722'],
  [13, 'CN'],
]);
const STATIC_CLOCK_RATE_HZ = 8_000;
const MAX_PAYLOAD_TYPE = 127;
const MAX_CLOCK_RATE_HZ = 1_000_000;

function readPayloads(formats: readonly string[], loose: LooseMedia): SdpPayload[] {
  const maps = byPayloadType(loose.rtp);
  const parameters = byPayloadType(loose.fmtp);
  const payloads: SdpPayload[] = [];
  const seen = new Set<number>();
  for (const format of formats) {
    const payloadType = integer(format, MAX_PAYLOAD_TYPE);
    if (payloadType === undefined || seen.has(payloadType)) continue;
    seen.add(payloadType);
    const map = maps.get(payloadType);
    const encoding = map ? word(map.codec) : STATIC_ENCODINGS.get(payloadType);
    const clockRateHz = map ? integer(map.rate, MAX_CLOCK_RATE_HZ) : STATIC_CLOCK_RATE_HZ;
    if (encoding === undefined || clockRateHz === undefined) continue;
    payloads.push({
      payloadType,
      encoding: encoding.toUpperCase(),
      clockRateHz,
      channels: integer(map?.encoding, MAX_CHANNELS) ?? 1,
      parameters: word(parameters.get(payloadType)?.config) ?? '',
    });
  }
  return payloads;
}

const MAX_CHANNELS = 255;

/** The first line for each payload type. */
function byPayloadType<T extends { readonly payload?: unknown }>(
  lines: readonly T[] | undefined,
): ReadonlyMap<number, T> {
  const byType = new Map<number, T>();
  for (const line of lines ?? []) {
    const payloadType = integer(line.payload, MAX_PAYLOAD_TYPE);
    if (payloadType !== undefined && !byType.has(payloadType)) byType.set(payloadType, line);
  }
  return byType;
}

/** Without the TTL of multicast addresses; names are not resolved here. */
function readAddress(text: unknown): string | undefined {
  const address = word(text);
  return address === undefined ? undefined : canonicalAddress(address.replace(/\/.*$/, ''));
}

function readDirection(value: unknown): MediaDirection | undefined {
  switch (value) {
    case 'sendrecv':
    case 'sendonly':
    case 'recvonly':
    case 'inactive':
      return value;
    default:
      return undefined;
  }
}

function readRtcp(rtcp: LooseMedia['rtcp']): SdpMedia['rtcp'] {
  const port = integer(rtcp?.port, MAX_PORT);
  if (port === undefined || port === 0) return undefined;
  return { port, address: readAddress(rtcp?.address) };
}

/** Digits, as number or text, up to `maximum`. */
function integer(value: unknown, maximum: number): number | undefined {
  const text = word(value);
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const number = Number(text);
  return number <= maximum ? number : undefined;
}

/** Text that is not empty; numbers become text. */
function word(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
