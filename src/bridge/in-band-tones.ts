import { isG711, type RemoteMedia } from '../core/media-format.ts';
import type { AudioDecoder } from '../media/codec.ts';
import type { Codecs } from '../media/codecs.ts';
import { DtmfDetector } from '../media/dtmf/dtmf-detector.ts';
import { addTimestamp, timestampDistance } from '../protocols/rtp/arithmetic.ts';
import type { ReceivedTone } from './tone-receiver.ts';

/** `auto`: where no telephone-events were agreed on. */
export type InBandMode = 'off' | 'auto' | 'always';

/** Shorter losses are bridged with what was heard before, so that a key is not heard twice. */
const MOST_CONCEALED_MS = 60;
/** After so long without a packet a key that was heard is over. */
const SILENCE_US = 200_000;
/** From the end of a key to the word of it. */
const DETECTION_MS = 40;
/** More than any packet's. */
const MOST_SAMPLES = 4_096;

/** Whether keys are looked for in a leg's sound. */
export function looksInBand(mode: InBandMode, media: RemoteMedia): boolean {
  if (mode === 'off' || !isG711(media.format.codec)) return false;
  return mode === 'always' || media.auxiliary.telephoneEvent === undefined;
}

/** Hears keys in the sound of a leg of G.711. */
export class InBandTones {
  readonly #decoder: AudioDecoder;
  readonly #detector: DtmfDetector;
  readonly #clockRateHz: number;
  readonly #samples = new Int16Array(MOST_SAMPLES);
  #ssrc = -1;
  #expected = 0;
  #lastUs = 0;
  #isIdle = true;

  /** `undefined` for formats that are not decoded. */
  static of(
    codecs: Codecs,
    media: RemoteMedia,
    onTone: (tone: ReceivedTone) => void,
  ): InBandTones | undefined {
    const decoder = codecs.decoder(media.format);
    return decoder && new InBandTones(decoder, media.format.clockRateHz, onTone);
  }

  private constructor(
    decoder: AudioDecoder,
    clockRateHz: number,
    onTone: (tone: ReceivedTone) => void,
  ) {
    this.#decoder = decoder;
    this.#clockRateHz = clockRateHz;
    this.#detector = new DtmfDetector(decoder.sampleRateHz, (tone, durationMs) => {
      const sinceStartMs = durationMs + DETECTION_MS;
      const ticks = Math.round((sinceStartMs * this.#clockRateHz) / 1000);
      const timestamp = addTimestamp(this.#expected, -ticks);
      onTone({ tone, durationMs, ssrc: this.#ssrc, timestamp });
    });
  }

  /** A packet of audio, `bytes` of `data` from `offset` on. What comes late is not heard. */
  packet(
    ssrc: number,
    timestamp: number,
    data: Uint8Array,
    offset: number,
    bytes: number,
    arrivalUs: number,
  ): void {
    const missing = timestampDistance(this.#expected, timestamp);
    const isSameRun = ssrc === this.#ssrc && !this.#isIdle;
    if (isSameRun && missing < 0 && missing > -this.#clockRateHz) return;
    const mostConcealed = (MOST_CONCEALED_MS * this.#clockRateHz) / 1000;
    if (!isSameRun || missing < 0 || missing > mostConcealed) {
      this.#detector.flush();
      this.#ssrc = ssrc;
    } else if (missing > 0) {
      this.#hear(this.#decoder.conceal(missing, this.#samples));
    }
    this.#isIdle = false;
    this.#lastUs = arrivalUs;
    const payload = data.subarray(offset, offset + bytes);
    const count = this.#decoder.decode(payload, this.#samples);
    this.#expected = addTimestamp(timestamp, count);
    this.#hear(count);
  }

  /** Several times a second. */
  tend(nowUs: number): void {
    if (this.#isIdle || nowUs - this.#lastUs < SILENCE_US) return;
    this.#isIdle = true;
    this.#detector.flush();
  }

  /** Idempotent; a key that is pressed is over. */
  close(): void {
    this.#detector.flush();
    this.#decoder.close();
  }

  #hear(count: number): void {
    this.#detector.process(this.#samples, 0, count);
  }
}
