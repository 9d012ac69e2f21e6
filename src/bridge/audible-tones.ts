import type { AudioFormat } from '../core/media-format.ts';
import type { Tone } from '../core/tone.ts';
import type { AudioEncoder } from '../media/codec.ts';
import type { Codecs } from '../media/codecs.ts';
import { DtmfGenerator } from '../media/dtmf/dtmf-generator.ts';
import { MAX_FRAME_BYTES, type LegSender } from './leg-sender.ts';

/** Of a frame that tells of a key. */
export const TONE_STEP_MS = 20;

/** Keys as sound in a leg's own format, for legs that agreed on no telephone-events. */
export class AudibleTones {
  readonly #codecs: Codecs;
  #format: AudioFormat | undefined;
  #encoder: AudioEncoder | undefined;
  #generator: DtmfGenerator | undefined;
  #samples = new Int16Array(0);
  readonly #payload = new Uint8Array(MAX_FRAME_BYTES);

  constructor(codecs: Codecs) {
    this.#codecs = codecs;
  }

  /** Sends `TONE_STEP_MS` of a key that began with `isFirst`, or of the silence behind it. */
  sendStep(sender: LegSender, tone: Tone | undefined, isFirst: boolean, nowUs: number): void {
    const { format } = sender;
    if (isFirst && format !== undefined) this.#use(format);
    const generator = this.#generator;
    const encoder = this.#encoder;
    if (format === undefined || generator === undefined || encoder === undefined) return;
    if (tone === undefined) generator.stop();
    else if (isFirst) generator.start(tone);
    generator.fill(this.#samples, this.#samples.length);
    const bytes = encoder.encode(this.#samples, this.#payload);
    const ticks = (format.clockRateHz * TONE_STEP_MS) / 1000;
    sender.ownFrame(this.#payload, bytes, ticks, isFirst, nowUs);
  }

  /** Idempotent. */
  close(): void {
    this.#encoder?.close();
    this.#encoder = undefined;
    this.#generator = undefined;
    this.#format = undefined;
  }

  #use(format: AudioFormat): void {
    const before = this.#format;
    if (before?.codec === format.codec && before.clockRateHz === format.clockRateHz) return;
    this.close();
    const encoder = this.#codecs.encoder(format, { packetTimeMs: TONE_STEP_MS });
    if (encoder === undefined) return;
    this.#format = format;
    this.#encoder = encoder;
    this.#generator = new DtmfGenerator(encoder.sampleRateHz);
    this.#samples = new Int16Array((encoder.sampleRateHz * TONE_STEP_MS) / 1000);
  }
}
