import type { AudioFormat, CodecName, LocalMedia, RemoteMedia } from '../../core/media-format.ts';
import type { AgreedMedia, SessionShape } from '../../protocols/sdp/agreement.ts';
import { findAudio } from '../../protocols/sdp/agreement.ts';
import type { SessionDescription } from '../../protocols/sdp/description.ts';
import {
  answerOffer,
  createOffer,
  readAnswer,
  type LocalOffer,
} from '../../protocols/sdp/offer-answer.ts';
import { parseSdp } from '../../protocols/sdp/parse-sdp.ts';

export type MediaNegotiationOptions = {
  readonly local: LocalMedia;
  /** The address that SDP carries. */
  readonly address: string;
  /** `o=` session id, decimal. */
  readonly sessionId: string;
  /** Goes into every `RemoteMedia`. */
  readonly alternativeSources: readonly string[];
};

/** Offers and answers of one session, on the bytes of message bodies (RFC 3264). */
export class MediaNegotiation {
  readonly #options: MediaNegotiationOptions;
  #version = 0;
  #shape: SessionShape | undefined;
  #offer: LocalOffer | undefined;

  constructor(options: MediaNegotiationOptions) {
    this.#options = options;
  }

  /** Our offer; the next `readAnswer` belongs to it. */
  offer(): Uint8Array {
    this.#offer = createOffer(this.#options.local, this.#origin(), { shape: this.#shape });
    return bytesOf(this.#offer.text);
  }

  /** Answers with the first of our formats that the offer has. */
  answer(
    offer: Uint8Array,
  ): { readonly body: Uint8Array; readonly remote: RemoteMedia } | 'malformed' | 'unsupported' {
    const description = parseSdp(offer);
    if (!description.ok) return 'malformed';
    const { local } = this.#options;
    const preferred = this.#preferred(description.value);
    const agreed = answerOffer(description.value, local, this.#origin(), { preferred });
    if (!agreed.ok) return 'unsupported';
    this.#shape = agreed.value.shape;
    return { body: bytesOf(agreed.value.text), remote: this.#remote(agreed.value.media) };
  }

  /** `undefined`: there was no offer of ours, or the body does not answer it. */
  readAnswer(body: Uint8Array): RemoteMedia | undefined {
    if (this.#offer === undefined) return undefined;
    const description = parseSdp(body);
    if (!description.ok) return undefined;
    const agreed = readAnswer(this.#offer, description.value);
    if (!agreed.ok) return undefined;
    this.#shape = agreed.value.shape;
    return this.#remote(agreed.value.media);
  }

  #origin(): { address: string; sessionId: string; sessionVersion: number } {
    this.#version += 1;
    return {
      address: this.#options.address,
      sessionId: this.#options.sessionId,
      sessionVersion: this.#version,
    };
  }

  #preferred(offer: SessionDescription): CodecName | undefined {
    const offered = offeredFormats(offer, this.#options.local.formats);
    return this.#options.local.formats.find((ours) =>
      offered.some((theirs) => theirs.codec === ours.codec),
    )?.codec;
  }

  #remote(media: AgreedMedia): RemoteMedia {
    return { ...media, alternativeSources: this.#options.alternativeSources };
  }
}

/** The formats of `known` that the offer's audio line has, in the offer's order and numbering. */
export function offeredFormats(
  offer: SessionDescription,
  known: readonly AudioFormat[],
): readonly AudioFormat[] {
  const index = findAudio(offer.media);
  if (!index.ok) return [];
  return (offer.media[index.value]?.payloads ?? []).flatMap((payload) => {
    const format = known.find(
      (ours) => ours.codec === payload.encoding && ours.clockRateHz === payload.clockRateHz,
    );
    return format === undefined ? [] : [{ ...format, payloadType: payload.payloadType }];
  });
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
