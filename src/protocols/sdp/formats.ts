/** Audio formats as descriptions name them: which payload is which, and what a line says of them. */
import type { AudioFormat } from '../../core/media-format.ts';
import type { SdpMedia, SdpPayload } from './description.ts';

/** What tells formats apart; payload types are of one session only. */
export type FormatKind = Pick<AudioFormat, 'codec' | 'clockRateHz'>;

export function isSameFormat(one: FormatKind, other: FormatKind): boolean {
  return one.codec === other.codec && one.clockRateHz === other.clockRateHz;
}

/** Opus is always written with two channels, whatever is sent (RFC 7587 §7); all else is mono here. */
export function isPayloadOf(format: FormatKind, payload: SdpPayload): boolean {
  return (
    format.codec.toUpperCase() === payload.encoding &&
    format.clockRateHz === payload.clockRateHz &&
    (format.codec === 'opus' ? payload.channels <= 2 : payload.channels === 1)
  );
}

/** The formats of `known` that the line has, in the line's order and numbering. */
export function formatsOf(line: SdpMedia, known: readonly AudioFormat[]): readonly AudioFormat[] {
  return line.payloads.flatMap((payload) => {
    const format = known.find((ours) => isPayloadOf(ours, payload));
    return format === undefined ? [] : [{ ...format, payloadType: payload.payloadType }];
  });
}

/** The first payload of the line that is one of our formats; `preferred` before all others. */
export function chooseFormat(
  line: SdpMedia,
  formats: readonly AudioFormat[],
  preferred?: FormatKind,
): AudioFormat | undefined {
  const common = formatsOf(line, formats);
  return (
    common.find((format) => preferred !== undefined && isSameFormat(format, preferred)) ?? common[0]
  );
}

/** `a=rtpmap` and `a=fmtp` of a format. */
export function formatLines(format: AudioFormat): readonly string[] {
  const { codec, payloadType, clockRateHz } = format;
  if (codec !== 'opus') return [`a=rtpmap:${payloadType} ${codec}/${clockRateHz}`];
  return [
    `a=rtpmap:${payloadType} ${codec}/${clockRateHz}/2`,
    // What is lost of what we hear can be had from the packet behind it.
    `a=fmtp:${payloadType} useinbandfec=1`,
  ];
}

export const DEFAULT_PACKET_TIME_MS = 20;
const MIN_PACKET_TIME_MS = 10;
/** 60 ms of G.711 is the longest that is common; more is more than the far side's jitter buffer wants. */
const MAX_PACKET_TIME_MS = 60;
/** A frame of Opus has one of these lengths (RFC 6716 §2.1.4). */
const OPUS_PACKET_TIMES_MS: readonly number[] = [60, 40, 20, 10];
/** What of samples fits into a datagram that is not to be cut in pieces on the way. */
const MAX_LINEAR_BYTES = 1_280;

/**
 * Milliseconds of audio in our packets, as the line asks. Whole tens only: what else is asked for is not
 * worth a codec's odd frame.
 */
export function packetTimeOf(line: SdpMedia, format: FormatKind): number {
  const asked = line.packetTimeMs ?? DEFAULT_PACKET_TIME_MS;
  const most = Math.min(line.maxPacketTimeMs ?? MAX_PACKET_TIME_MS, longestPacketMs(format));
  const tens = Math.floor(Math.min(asked, most) / 10) * 10;
  const packetTimeMs = Math.max(tens, MIN_PACKET_TIME_MS);
  if (format.codec !== 'opus') return packetTimeMs;
  return OPUS_PACKET_TIMES_MS.find((length) => length <= packetTimeMs) ?? MIN_PACKET_TIME_MS;
}

function longestPacketMs({ codec, clockRateHz }: FormatKind): number {
  if (codec !== 'L16') return MAX_PACKET_TIME_MS;
  return Math.min(MAX_PACKET_TIME_MS, (MAX_LINEAR_BYTES / 2 / clockRateHz) * 1000);
}
