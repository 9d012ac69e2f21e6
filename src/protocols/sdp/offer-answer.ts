/**
 * Offer and answer for calls with one audio stream (RFC 3264), plain or with SRTP keys in the descriptions
 * (RFC 4568). Comfort noise is never announced, for silence that is sent can be recorded, but what the far
 * side lists is reported. RTCP on the RTP port (`a=rtcp-mux`) is refused by leaving it out.
 */
import type {
  AudioFormat,
  LocalMedia,
  MediaDirection,
  MediaSecurity,
  SrtpSuite,
} from '../../core/media-format.ts';
import { defect, parsed, type Parsed } from '../../core/result.ts';
import {
  agree,
  findAudio,
  isSecure,
  ourDirection,
  type AgreedMedia,
  type NegotiationDefect,
  type SessionShape,
} from './agreement.ts';
import type { SdpCrypto } from './crypto.ts';
import type { SdpMedia, SessionDescription } from './description.ts';
import {
  chooseFormat,
  DEFAULT_PACKET_TIME_MS,
  formatsOf,
  isSameFormat,
  type FormatKind,
} from './formats.ts';
import { eventFor, eventsOf, freePayloadType, offeredEvents } from './telephone-events.ts';
import { writeSdp, type LocalOrigin } from './write-sdp.ts';

export type OfferOptions = {
  /** Default `sendrecv`. */
  readonly direction?: MediaDirection;
  /** Of the session as agreed before; the first offer of a session has none. */
  readonly shape?: SessionShape | undefined;
  /** Default `DEFAULT_PACKET_TIME_MS`. */
  readonly packetTimeMs?: number;
  /** Our keys, a line each, the best first; with them the offer is for SRTP. Default none. */
  readonly crypto?: readonly SdpCrypto[];
};

/** An offer on its way, as `readAnswer` needs it. */
export type LocalOffer = {
  readonly text: string;
  readonly local: LocalMedia;
  readonly address: string;
  readonly direction: MediaDirection;
  readonly shape: SessionShape;
  /** Secret. */
  readonly crypto: readonly SdpCrypto[];
};

export type Agreement = { readonly media: AgreedMedia; readonly shape: SessionShape };

export function createOffer(
  local: LocalMedia,
  origin: LocalOrigin,
  options: OfferOptions = {},
): LocalOffer {
  const { direction = 'sendrecv', packetTimeMs = DEFAULT_PACKET_TIME_MS, crypto = [] } = options;
  const { shape: before } = options;
  const protocol = crypto.length > 0 ? 'RTP/SAVP' : 'RTP/AVP';
  const lines = before?.lines ?? [{ type: 'audio', protocol, formats: [] }];
  const audioIndex = before?.audioIndex ?? 0;
  const formats = renumbered(local.formats, before);
  // Once the far side has left them out, they stay out.
  const keys = before === undefined || before.telephoneEvents.length > 0;
  const telephoneEvents = keys ? offeredEvents(formats, before?.telephoneEvents ?? []) : [];
  const shape: SessionShape = {
    lines: lines.map((line, index) =>
      index === audioIndex && isSecure(line) !== crypto.length > 0 ? { ...line, protocol } : line,
    ),
    audioIndex,
    formats,
    telephoneEvents,
  };
  const audio = { local, formats, telephoneEvents, direction, packetTimeMs, crypto };
  const text = writeSdp(shape, audio, origin);
  return { text, local: { ...local, formats }, address: origin.address, direction, shape, crypto };
}

const FIRST_DYNAMIC = 96;

/** Our formats under the numbers that the session knows; new ones get numbers that mean nothing yet. */
function renumbered(
  formats: readonly AudioFormat[],
  shape: SessionShape | undefined,
): readonly AudioFormat[] {
  if (shape === undefined) return formats;
  const known = shape.formats;
  const taken = new Set(
    [...known, ...shape.telephoneEvents, ...formats].map(({ payloadType }) => payloadType),
  );
  const meansOther = (payloadType: number): boolean =>
    [...known, ...shape.telephoneEvents].some((used) => used.payloadType === payloadType);
  return formats.flatMap((format) => {
    const before = known.find((one) => isSameFormat(one, format));
    if (before !== undefined) return [before];
    if (!meansOther(format.payloadType)) return [format];
    const payloadType = freePayloadType(taken, FIRST_DYNAMIC);
    if (payloadType === undefined) return [];
    taken.add(payloadType);
    return [{ ...format, payloadType }];
  });
}

export type AnswerOptions = {
  /** Taken if both sides have it: the codec of the call's other leg. Default the offer's order. */
  readonly preferred?: FormatKind | undefined;
  /** The most that we want. Default `sendrecv`. */
  readonly direction?: MediaDirection;
  /**
   * Our key and salt for a line with this suite and the far side's. Asked again for the same it gives the
   * same. Without it encrypted offers are refused.
   */
  readonly keySaltFor?: (suite: SrtpSuite, remoteKeySalt: Uint8Array) => Uint8Array;
};

/** Answers with one format, so that both sides know which one will be sent. */
export function answerOffer(
  offer: SessionDescription,
  local: LocalMedia,
  origin: LocalOrigin,
  options: AnswerOptions = {},
): Parsed<Agreement & { readonly text: string }, NegotiationDefect> {
  const { keySaltFor } = options;
  const policy = local.security ?? 'allow';
  const found = findAudio(offer.media, keySaltFor === undefined ? 'plain' : policy);
  if (!found.ok) return found;
  const line = offer.media[found.value];
  if (line === undefined) return defect('no-audio');
  const format = chooseFormat(line, local.formats, options.preferred);
  if (format === undefined) return defect('no-common-codec');
  const direction = ourDirection(line, options.direction ?? 'sendrecv');
  const telephoneEvents = eventsOf(line);
  const telephoneEvent = eventFor(telephoneEvents, format);
  // The first that can be taken (RFC 4568 §5.1.2).
  const taken = isSecure(line) ? line.crypto[0] : undefined;
  const security =
    taken === undefined || keySaltFor === undefined
      ? undefined
      : secured(taken, keySaltFor(taken.suite, taken.keySalt), taken.keySalt);
  const media = agree(line, { format, telephoneEvent, direction, security }, origin.address);
  if (!media.ok) return media;
  const shape: SessionShape = {
    lines: offer.media.map(({ type, protocol, formats }) => ({ type, protocol, formats })),
    audioIndex: found.value,
    formats: formatsOf(line, local.formats),
    telephoneEvents,
  };
  const text = writeSdp(
    shape,
    {
      local,
      formats: [format],
      telephoneEvents: telephoneEvent === undefined ? [] : [telephoneEvent],
      direction,
      packetTimeMs: media.value.packetTimeMs,
      crypto:
        taken === undefined || security === undefined
          ? []
          : [{ ...taken, keySalt: security.localKeySalt }],
    },
    origin,
  );
  return parsed({ text, media: media.value, shape });
}

/** Reads the answer to our offer. Lines that were offered dead stay dead whatever it says. */
export function readAnswer(
  offer: LocalOffer,
  answer: SessionDescription,
): Parsed<Agreement, NegotiationDefect> {
  const line = answer.media[offer.shape.audioIndex];
  if (line === undefined) return defect('wrong-media-count');
  const encrypted = offer.crypto.length > 0;
  const found = findAudio([line], encrypted ? 'require' : 'plain');
  if (!found.ok) return found;
  const format = chooseFormat(line, offer.local.formats);
  if (format === undefined) return defect('no-common-codec');
  const security = encrypted ? takenOf(offer, line) : undefined;
  if (encrypted && security === undefined) return defect('no-usable-key');
  const telephoneEvent = eventFor(eventsOf(line), format);
  const direction = ourDirection(line, offer.direction);
  const media = agree(line, { format, telephoneEvent, direction, security }, offer.address);
  if (!media.ok) return media;
  const telephoneEvents = telephoneEvent === undefined ? [] : offer.shape.telephoneEvents;
  return parsed({ media: media.value, shape: { ...offer.shape, telephoneEvents } });
}

/** The line of ours that the answer took, by its tag. */
function takenOf(offer: LocalOffer, line: SdpMedia): MediaSecurity | undefined {
  for (const theirs of line.crypto) {
    const ours = offer.crypto.find(
      ({ tag, suite }) => tag === theirs.tag && suite === theirs.suite,
    );
    if (ours !== undefined) return secured(ours, ours.keySalt, theirs.keySalt);
  }
  return undefined;
}

function secured(
  { suite }: Pick<SdpCrypto, 'suite'>,
  localKeySalt: Uint8Array,
  remoteKeySalt: Uint8Array,
): MediaSecurity {
  return { suite, localKeySalt, remoteKeySalt };
}
