/**
 * Offer and answer for calls with one audio stream (RFC 3264). Comfort noise is never announced,
 * for silence that is sent can be recorded, but what the far side lists is reported. RTCP on the
 * RTP port (`a=rtcp-mux`) and encryption are refused by leaving them out.
 */
import type { CodecName, LocalMedia, MediaDirection } from '../../core/media-format.ts';
import { defect, parsed, type Parsed } from '../../core/result.ts';
import {
  agree,
  chooseFormat,
  DEFAULT_PACKET_TIME_MS,
  findAudio,
  ourDirection,
  type AgreedMedia,
  type NegotiationDefect,
  type SessionShape,
} from './agreement.ts';
import type { SessionDescription } from './description.ts';
import { writeSdp, type LocalOrigin } from './write-sdp.ts';

/** The usual number; any free dynamic one would do. */
const TELEPHONE_EVENT_PAYLOAD_TYPE = 101;

export type OfferOptions = {
  /** Default `sendrecv`. */
  readonly direction?: MediaDirection;
  /** Of the session as agreed before; the first offer of a session has none. */
  readonly shape?: SessionShape | undefined;
  /** Default `DEFAULT_PACKET_TIME_MS`. */
  readonly packetTimeMs?: number;
};

/** An offer on its way, as `readAnswer` needs it. */
export type LocalOffer = {
  readonly text: string;
  readonly local: LocalMedia;
  readonly address: string;
  readonly direction: MediaDirection;
  readonly shape: SessionShape;
};

export type Agreement = { readonly media: AgreedMedia; readonly shape: SessionShape };

export function createOffer(
  local: LocalMedia,
  origin: LocalOrigin,
  options: OfferOptions = {},
): LocalOffer {
  const direction = options.direction ?? 'sendrecv';
  const packetTimeMs = options.packetTimeMs ?? DEFAULT_PACKET_TIME_MS;
  const shape = options.shape ?? {
    lines: [{ type: 'audio', protocol: 'RTP/AVP', formats: [] }],
    audioIndex: 0,
    telephoneEvent: freePayloadType(local),
  };
  const audio = { local, formats: local.formats, direction, packetTimeMs };
  const text = writeSdp(shape, audio, origin);
  return { text, local, address: origin.address, direction, shape };
}

function freePayloadType(local: LocalMedia): number {
  const taken = new Set(local.formats.map((format) => format.payloadType));
  let free = TELEPHONE_EVENT_PAYLOAD_TYPE;
  while (taken.has(free)) free += 1;
  return free;
}

export type AnswerOptions = {
  /** Taken if both sides have it: the codec of the call's other leg. Default the offer's order. */
  readonly preferred?: CodecName | undefined;
  /** The most that we want. Default `sendrecv`. */
  readonly direction?: MediaDirection;
};

/** Answers with one format, so that both sides know which one will be sent. */
export function answerOffer(
  offer: SessionDescription,
  local: LocalMedia,
  origin: LocalOrigin,
  options: AnswerOptions = {},
): Parsed<Agreement & { readonly text: string }, NegotiationDefect> {
  const found = findAudio(offer.media);
  if (!found.ok) return found;
  const line = offer.media[found.value];
  if (line === undefined) return defect('no-audio');
  const format = chooseFormat(line, local.formats, options.preferred);
  if (format === undefined) return defect('no-common-codec');
  const direction = ourDirection(line, options.direction ?? 'sendrecv');
  const media = agree(line, format, direction, origin.address);
  if (!media.ok) return media;
  const shape = {
    lines: offer.media.map(({ type, protocol, formats }) => ({ type, protocol, formats })),
    audioIndex: found.value,
    telephoneEvent: media.value.auxiliary.telephoneEvent,
  };
  const { packetTimeMs } = media.value;
  const text = writeSdp(shape, { local, formats: [format], direction, packetTimeMs }, origin);
  return parsed({ text, media: media.value, shape });
}

/** Reads the answer to our offer. Lines that were offered dead stay dead whatever it says. */
export function readAnswer(
  offer: LocalOffer,
  answer: SessionDescription,
): Parsed<Agreement, NegotiationDefect> {
  const line = answer.media[offer.shape.audioIndex];
  if (line === undefined) return defect('wrong-media-count');
  const found = findAudio([line]);
  if (!found.ok) return found;
  const format = chooseFormat(line, offer.local.formats);
  if (format === undefined) return defect('no-common-codec');
  const media = agree(line, format, ourDirection(line, offer.direction), offer.address);
  if (!media.ok) return media;
  const { telephoneEvent } = media.value.auxiliary;
  return parsed({ media: media.value, shape: { ...offer.shape, telephoneEvent } });
}
