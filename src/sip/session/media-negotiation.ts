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
import type { LocalOrigin } from '../../protocols/sdp/write-sdp.ts';

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
  #lastText: string | undefined;
  #shape: SessionShape | undefined;
  #offer: LocalOffer | undefined;

  constructor(options: MediaNegotiationOptions) {
    this.#options = options;
  }

  /** Our offer; the next `readAnswer` belongs to it. */
  offer(): Uint8Array {
    const offer = this.#versioned((origin) =>
      createOffer(this.#options.local, origin, { shape: this.#shape }),
    );
    this.#offer = offer;
    return bytesOf(offer.text);
  }

  /** Answers with the first of our formats that the offer has. */
  answer(
    offer: Uint8Array,
  ): { readonly body: Uint8Array; readonly remote: RemoteMedia } | 'malformed' | 'unsupported' {
    const description = parseSdp(offer);
    if (!description.ok) return 'malformed';
    const { local } = this.#options;
    const preferred = this.#preferred(description.value);
    const agreed = this.#versioned((origin) => {
      const answer = answerOffer(description.value, local, origin, { preferred });
      return answer.ok ? answer.value : undefined;
    });
    if (agreed === undefined) return 'unsupported';
    this.#shape = agreed.shape;
    return { body: bytesOf(agreed.text), remote: this.#remote(agreed.media) };
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

  /** Writes with a new version only when something else differs from what was written last (RFC 3264 §8). */
  #versioned<T extends { readonly text: string } | undefined>(
    write: (origin: LocalOrigin) => T,
  ): T {
    const { address, sessionId } = this.#options;
    const same = write({ address, sessionId, sessionVersion: this.#version });
    if (same === undefined || same.text === this.#lastText) return same;
    const changed = write({ address, sessionId, sessionVersion: this.#version + 1 });
    this.#version += 1;
    this.#lastText = changed?.text;
    return changed;
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
