import type { AudioFormat } from '../../../src/core/media-format.ts';
import { loadCodecs, type Codecs } from '../../../src/media/codecs.ts';
import { sine } from '../../../src/media/tone/sine.ts';

export const PACKET_MS = 20;
/** Packets of a tone that are sent over and over: a second, of whole periods. */
const ROUND_PACKETS = 50;
/** Encoders swing in for so long. */
const SWING_PACKETS = 50;
const FROM_HZ = 300;
const MOST_STEP_HZ = 50;
const BAND_HZ = 2_900;
/** About −30 dB: fifty of them are not much too loud together. */
const AMPLITUDE = 1_200;
/** What is looked at of what somebody heard. */
const HEARD_PACKETS = 40;
const TOLERANCE_DB = 1.5;
/** The own tone is this far below the others. */
const ABSENT_DB = -25;

/** Frequencies of so many participants, in whole Hz. */
export function tonesOf(participants: number): readonly number[] {
  const step = Math.min(MOST_STEP_HZ, Math.floor(BAND_HZ / participants));
  return Array.from({ length: participants }, (_, index) => FROM_HZ + index * step);
}

/** Says a tone in packets of a format, and tells which tones are in what came back. */
export class ConferenceTones {
  readonly #codecs: Codecs;
  readonly #format: AudioFormat;
  readonly #tonesHz: readonly number[];

  private constructor(codecs: Codecs, format: AudioFormat, tonesHz: readonly number[]) {
    this.#codecs = codecs;
    this.#format = format;
    this.#tonesHz = tonesHz;
  }

  static async open(format: AudioFormat, participants: number): Promise<ConferenceTones> {
    return new ConferenceTones(await loadCodecs(), format, tonesOf(participants));
  }

  /** A second of the tone of one participant. */
  packetsOf(participant: number): readonly Uint8Array[] {
    const encoder = this.#codecs.encoder(this.#format, { packetTimeMs: PACKET_MS });
    if (encoder === undefined) throw new Error(`no encoder of ${this.#format.codec}`);
    const { sampleRateHz } = encoder;
    const count = (sampleRateHz * PACKET_MS) / 1000;
    const tone = {
      frequencyHz: this.#tonesHz[participant] ?? 0,
      amplitude: AMPLITUDE,
      phase: participant * participant,
    };
    const payload = new Uint8Array(4 * count);
    const packets: Uint8Array[] = [];
    for (let number = 0; number < SWING_PACKETS + ROUND_PACKETS; number += 1) {
      const bytes = encoder.encode(sine(tone, sampleRateHz, count, number * count), payload);
      if (number >= SWING_PACKETS) packets.push(payload.slice(0, bytes));
    }
    encoder.close();
    return packets;
  }

  /** Why the last packets of what a participant heard are not all tones but the own one; `undefined` if they are. */
  complaintOf(participant: number, payloads: readonly Uint8Array[]): string | undefined {
    const decoder = this.#codecs.decoder(this.#format);
    if (decoder === undefined || payloads.length < HEARD_PACKETS) return 'too little was heard';
    const { sampleRateHz } = decoder;
    const into = new Int16Array(5_760);
    const pieces = payloads.map((payload) => into.slice(0, decoder.decode(payload, into)));
    decoder.close();
    const heard = pieces.flatMap((piece) => [...piece]).slice(-HEARD_PACKETS * (sampleRateHz / 50));
    const levels = this.#tonesHz.map((hz) => 20 * Math.log10(levelOf(heard, hz, sampleRateHz)));
    const others = levels.filter((_, index) => index !== participant).sort((a, b) => a - b);
    const median = others[others.length >> 1] ?? Number.NaN;
    const wrong = levels.findIndex((level, index) =>
      index === participant
        ? level > median + ABSENT_DB
        : Math.abs(level - median) > TOLERANCE_DB || level < 20,
    );
    if (wrong < 0) return undefined;
    const offDb = ((levels[wrong] ?? Number.NaN) - median).toFixed(1);
    return `${participant} hears ${wrong === participant ? 'itself' : wrong} at ${offDb} dB`;
  }
}

function levelOf(samples: readonly number[], hz: number, rateHz: number): number {
  let real = 0;
  let imaginary = 0;
  let weights = 0;
  samples.forEach((sample, at) => {
    // Hann: other tones leave next to nothing.
    const weight = 1 - Math.cos((2 * Math.PI * (at + 0.5)) / samples.length);
    const phase = (2 * Math.PI * hz * at) / rateHz;
    real += weight * sample * Math.cos(phase);
    imaginary += weight * sample * Math.sin(phase);
    weights += weight;
  });
  return (2 * Math.hypot(real, imaginary)) / weights;
}
