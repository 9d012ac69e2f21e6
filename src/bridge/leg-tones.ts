import { TapedeckError } from '../core/error.ts';
import type { RemoteMedia } from '../core/media-format.ts';
import { OncePerPress, type ToneWay } from '../core/once-per-press.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Tone } from '../core/tone.ts';
import type { Codecs } from '../media/codecs.ts';
import type { RtpHeaderReader } from '../protocols/rtp/header.ts';
import { AudibleTones } from './audible-tones.ts';
import { InBandTones, looksInBand, type InBandMode } from './in-band-tones.ts';
import { isSameFormat } from './leg-media.ts';
import type { LegSender } from './leg-sender.ts';
import { ToneReceiver, type ReceivedTone } from './tone-receiver.ts';
import { ToneSender } from './tone-sender.ts';

export type LegTonesOptions = {
  readonly clock: Clock;
  readonly codecs: Codecs;
  /** Whether keys are looked for in the sound of G.711. */
  readonly inBandTones: InBandMode;
};

/** Keys of one leg, both ways: by events, or as sound. */
export class LegTones {
  readonly #clock: Clock;
  readonly #codecs: Codecs;
  readonly #mode: InBandMode;
  readonly #onTone: (tone: ReceivedTone) => void;
  readonly #sender: LegSender;
  readonly #toneSender: ToneSender;
  readonly #receiver = new ToneReceiver((tone) => {
    this.#hear('rtp', tone);
  });
  readonly #presses = new OncePerPress();
  #media: RemoteMedia | undefined;
  #inBand: InBandTones | undefined;

  /** @param onTone once for each press of a key. */
  constructor(sender: LegSender, options: LegTonesOptions, onTone: (tone: ReceivedTone) => void) {
    this.#sender = sender;
    this.#clock = options.clock;
    this.#codecs = options.codecs;
    this.#mode = options.inBandTones;
    this.#onTone = onTone;
    this.#toneSender = new ToneSender(sender, options.clock, new AudibleTones(options.codecs));
  }

  /** Returns who is to be given each packet of audio, if anybody. */
  setMedia(media: RemoteMedia): InBandTones | undefined {
    const before = this.#media;
    this.#media = media;
    this.#receiver.setClockRate(media.format.clockRateHz);
    if (before !== undefined && isSameFormat(before, media)) return this.#inBand;
    this.#inBand?.close();
    this.#inBand = looksInBand(this.#mode, media)
      ? InBandTones.of(this.#codecs, media, (tone) => {
          this.#hear('in-band', tone);
        })
      : undefined;
    return this.#inBand;
  }

  /** A telephone-event that `header` describes. */
  event(header: RtpHeaderReader, data: Uint8Array, arrivalUs: number): void {
    const { ssrc, timestamp, marker, payloadOffset, payloadBytes } = header;
    this.#receiver.packet(ssrc, timestamp, marker, data, payloadOffset, payloadBytes, arrivalUs);
  }

  /** Several times a second. */
  tend(nowUs: number): void {
    this.#receiver.tend(nowUs);
    this.#inBand?.tend(nowUs);
  }

  /** As `Leg.sendTones`. */
  send(tones: readonly Tone[]): Promise<void> {
    if (this.#media !== undefined && !this.#sender.canSend) {
      const message = 'the participant takes no media at present';
      return Promise.reject(new TapedeckError('call-state-conflict', message));
    }
    return this.#toneSender.send(tones);
  }

  /** Keys that are pressed are over, and no more are sent. Idempotent. */
  close(): void {
    this.#receiver.flush();
    this.#inBand?.close();
    this.#inBand = undefined;
    this.#toneSender.close();
  }

  #hear(way: ToneWay, tone: ReceivedTone): void {
    const nowMs = this.#clock.monotonicUs() / 1000;
    if (this.#mode === 'off' || this.#presses.isNew(way, tone.tone, nowMs)) this.#onTone(tone);
  }
}
