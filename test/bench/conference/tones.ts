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
/** A look at what somebody heard: short, as no voice keeps its pace for long while its delay is adapted. */
const LOOK_PACKETS = 13;
const LOOKS = 3;
/** By so much at most a voice is slower or faster while its delay is adapted, and a little more. */
const MOST_DETUNED = 0.0075;
const SEARCH_STEP_HZ = 2;
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
    const packets = LOOKS * LOOK_PACKETS;
    if (decoder === undefined || payloads.length < packets) return 'too little was heard';
    const { sampleRateHz } = decoder;
    const into = new Int16Array(5_760);
    const pieces = payloads.map((payload) => into.slice(0, decoder.decode(payload, into)));
    decoder.close();
    const looks = Array.from({ length: LOOKS }, (_, look) => {
      const from = pieces.length - packets + look * LOOK_PACKETS;
      return weighted(pieces.slice(from, from + LOOK_PACKETS).flatMap((piece) => [...piece]));
    });
    const levels = this.#tonesHz.map((hz) => levelNear(looks, hz, sampleRateHz));
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

/** In dB, at its strongest: in the look in which it kept its pace, whatever pace it was. */
function levelNear(looks: readonly Float64Array[], hz: number, rateHz: number): number {
  const reachHz = Math.ceil((hz * MOST_DETUNED) / SEARCH_STEP_HZ) * SEARCH_STEP_HZ;
  let highest = 0;
  for (const look of looks) {
    for (let offHz = -reachHz; offHz <= reachHz; offHz += SEARCH_STEP_HZ) {
      highest = Math.max(highest, magnitudeOf(look, hz + offHz, rateHz));
    }
  }
  return 20 * Math.log10(highest);
}

/** Weighted by Hann, of sum 2: other tones leave next to nothing. */
function weighted(samples: readonly number[]): Float64Array {
  const { length } = samples;
  return Float64Array.from(
    samples,
    (sample, at) => (2 * sample * (1 - Math.cos((2 * Math.PI * (at + 0.5)) / length))) / length,
  );
}

/** Goertzel's recurrence. */
function magnitudeOf(samples: Float64Array, hz: number, rateHz: number): number {
  const factor = 2 * Math.cos((2 * Math.PI * hz) / rateHz);
  let before = 0;
  let latest = 0;
  for (const sample of samples) {
    const next = sample + factor * latest - before;
    before = latest;
    latest = next;
  }
  return Math.sqrt(Math.max(0, latest * latest + before * before - factor * latest * before));
}
