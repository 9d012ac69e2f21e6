import type {
  AudioFormat,
  LocalMedia,
  MediaSecurity,
  RemoteMedia,
  SecurityPolicy,
  SrtpSuite,
} from '../../core/media-format.ts';
import type { SocketAddress } from '../../core/ports/datagram.ts';
import type { Random } from '../../core/ports/random.ts';
import { strictest, type OfferedSecurity } from '../../core/security-policy.ts';
import {
  findAudio,
  isUnspecified,
  type AgreedMedia,
  type SessionShape,
} from '../../protocols/sdp/agreement.ts';
import { KEY_SALT_BYTES, SRTP_SUITES, type SdpCrypto } from '../../protocols/sdp/crypto.ts';
import type { SessionDescription } from '../../protocols/sdp/description.ts';
import { formatsOf, isSameFormat } from '../../protocols/sdp/formats.ts';
import {
  answerOffer,
  createOffer,
  readAnswer,
  type LocalOffer,
} from '../../protocols/sdp/offer-answer.ts';
import { parseSdp } from '../../protocols/sdp/parse-sdp.ts';
import type { LocalOrigin } from '../../protocols/sdp/write-sdp.ts';

export type MediaNegotiationOptions = {
  readonly local: LocalMedia;
  /** The address that SDP carries. */
  readonly address: string;
  /** `o=` session id, decimal. */
  readonly sessionId: string;
  /** Goes into every `RemoteMedia`. */
  readonly alternativeSources: readonly string[];
  /** For the keys of SRTP. */
  readonly random: Pick<Random, 'bytes'>;
};

/** Offers and answers of one session, on the bytes of message bodies (RFC 3264). */
export class MediaNegotiation {
  readonly #options: MediaNegotiationOptions;
  #local: LocalMedia;
  #address: string;
  #version = 0;
  #lastText: string | undefined;
  #shape: SessionShape | undefined;
  #offer: LocalOffer | undefined;
  /** What the last agreement was about: a codec is not changed without need. */
  #agreed: AgreedMedia | undefined;
  /** Where our media came from then. */
  #socket: SocketAddress | undefined;
  /** Ours with the far side's that it belongs to; also before the answer is sent. */
  #keys: MediaSecurity | undefined;
  #offeredKeys: readonly SdpCrypto[] | undefined;
  #alternativeSources: readonly string[];

  constructor(options: MediaNegotiationOptions) {
    this.#options = options;
    this.#local = options.local;
    this.#address = options.address;
    this.#alternativeSources = options.alternativeSources;
  }

  /** The far side's signalling comes from another address: from the next agreement on its media may too. */
  follow(from: string, to: string): void {
    this.#alternativeSources = this.#alternativeSources.map((one) => (one === from ? to : one));
  }

  /**
   * From the next offer on our media is elsewhere; `address` is what SDP carries. The result takes it
   * back, for an offer that was refused.
   */
  moveTo(local: LocalMedia, address: string): () => void {
    const before = { local: this.#local, address: this.#address };
    this.#local = { ...local, security: strictest(local.security, before.local.security) };
    this.#address = address;
    return () => {
      this.#local = before.local;
      this.#address = before.address;
    };
  }

  /** Our offer; the next `readAnswer` belongs to it. */
  offer(): Uint8Array {
    const local = { ...this.#local, formats: this.#agreedFirst(this.#local.formats) };
    const crypto = this.#keysToOffer();
    const offer = this.#versioned((origin) =>
      createOffer(local, origin, { shape: this.#shape, crypto }),
    );
    this.#offer = offer;
    return bytesOf(offer.text);
  }

  /** Answers with the codec that is in use, or else with the first of our formats that the offer has. */
  answer(
    offer: Uint8Array,
  ): { readonly body: Uint8Array; readonly remote: RemoteMedia } | 'malformed' | 'unsupported' {
    const description = parseSdp(offer);
    if (!description.ok) return 'malformed';
    const local = this.#local;
    const offered = offeredFormats(description.value, local.formats, local.security);
    const preferred = this.#agreedFirst(local.formats).find((ours) =>
      offered.some((theirs) => isSameFormat(ours, theirs)),
    );
    const agreed = this.#versioned((origin) => {
      const answer = answerOffer(description.value, local, origin, {
        preferred,
        keySaltFor: (suite, remoteKeySalt) => this.#keySaltFor(suite, remoteKeySalt),
      });
      return answer.ok ? answer.value : undefined;
    });
    if (agreed === undefined) return 'unsupported';
    this.#shape = agreed.shape;
    return { body: bytesOf(agreed.text), remote: this.#agree(agreed.media) };
  }

  /** `undefined`: there was no offer of ours, or the body does not answer it. */
  readAnswer(body: Uint8Array): RemoteMedia | undefined {
    if (this.#offer === undefined) return undefined;
    const description = parseSdp(body);
    if (!description.ok) return undefined;
    const agreed = readAnswer(this.#offer, description.value);
    if (!agreed.ok) return undefined;
    this.#shape = agreed.value.shape;
    return this.#agree(agreed.value.media);
  }

  /** Writes with a new version only when something else differs from what was written last (RFC 3264 §8). */
  #versioned<T extends { readonly text: string } | undefined>(
    write: (origin: LocalOrigin) => T,
  ): T {
    const { sessionId } = this.#options;
    const address = this.#address;
    const same = write({ address, sessionId, sessionVersion: this.#version });
    if (same === undefined || same.text === this.#lastText) return same;
    const changed = write({ address, sessionId, sessionVersion: this.#version + 1 });
    this.#version += 1;
    this.#lastText = changed?.text;
    return changed;
  }

  #agreedFirst(formats: readonly AudioFormat[]): readonly AudioFormat[] {
    const inUse = this.#agreed?.format;
    if (inUse === undefined) return formats;
    const isInUse = (format: AudioFormat): boolean => isSameFormat(format, inUse);
    return [...formats.filter(isInUse), ...formats.filter((format) => !isInUse(format))];
  }

  /**
   * A key for each suite at first; then the one that is in use, as long as the session is encrypted and
   * our media come from the same socket: another one knows nothing of what was sent with the key.
   */
  #keysToOffer(): readonly SdpCrypto[] {
    const inUse = this.#agreed?.security;
    const { rtp, security: policy } = this.#local;
    const hasMoved = this.#socket?.address !== rtp.address || this.#socket.port !== rtp.port;
    if (inUse !== undefined && !hasMoved) {
      return [{ tag: 1, suite: inUse.suite, keySalt: inUse.localKeySalt }];
    }
    if (policy !== 'require' && inUse === undefined) return [];
    if (hasMoved && this.#socket !== undefined) this.#offeredKeys = undefined;
    this.#offeredKeys ??= SRTP_SUITES.map((suite, index) => ({
      tag: index + 1,
      suite,
      keySalt: this.#newKeySalt(suite),
    }));
    return this.#offeredKeys;
  }

  /** A new key of the far side may be a new phone, which knows nothing of what went before: ours is new too. */
  #keySaltFor(suite: SrtpSuite, remoteKeySalt: Uint8Array): Uint8Array {
    const known = this.#keys;
    if (known?.suite === suite && equalBytes(known.remoteKeySalt, remoteKeySalt)) {
      return known.localKeySalt;
    }
    const localKeySalt = this.#newKeySalt(suite);
    this.#keys = { suite, localKeySalt, remoteKeySalt };
    return localKeySalt;
  }

  #newKeySalt(suite: SrtpSuite): Uint8Array {
    return this.#options.random.bytes(KEY_SALT_BYTES[suite]);
  }

  #agree(said: AgreedMedia): RemoteMedia {
    const media = this.#locate(said);
    this.#agreed = media;
    this.#socket = this.#local.rtp;
    this.#keys = media.security;
    return { ...media, alternativeSources: this.#alternativeSources };
  }

  /** Who holds by `0.0.0.0` has not moved: what they play meanwhile comes from where they were. */
  #locate(media: AgreedMedia): AgreedMedia {
    const before = this.#agreed;
    if (before === undefined || !isUnspecified(media.rtp.address)) return media;
    const { rtp, rtcp } = media;
    const rtcpAddress = isUnspecified(rtcp.address) ? before.rtcp.address : rtcp.address;
    return {
      ...media,
      rtp: { address: before.rtp.address, port: rtp.port },
      rtcp: { address: rtcpAddress, port: rtcp.port },
    };
  }
}

/** The formats of `known` that the offer's audio line has, in the offer's order and numbering. */
export function offeredFormats(
  offer: SessionDescription,
  known: readonly AudioFormat[],
  policy: SecurityPolicy = 'allow',
): readonly AudioFormat[] {
  const index = findAudio(offer.media, policy);
  const line = index.ok ? offer.media[index.value] : undefined;
  return line === undefined ? [] : formatsOf(line, known);
}

/** Which media lines an offer has that could be taken; `undefined` without an offer, or one to be read. */
export function offeredSecurity(body: Uint8Array): OfferedSecurity | undefined {
  const offer = body.byteLength === 0 ? undefined : parseSdp(body);
  if (offer?.ok !== true) return undefined;
  const { media } = offer.value;
  return [
    ...(findAudio(media, 'plain').ok ? (['plain'] as const) : []),
    ...(findAudio(media, 'require').ok ? (['srtp'] as const) : []),
  ];
}

function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
