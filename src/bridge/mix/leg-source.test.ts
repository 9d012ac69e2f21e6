import { describe, expect, test } from 'vitest';
import type { AudioFormat } from '../../core/media-format.ts';
import { MOST_PACKET_BYTES } from '../../media/codecs.ts';
import { RtpHeaderReader } from '../../protocols/rtp/header.ts';
import { PAYLOAD_KIND } from '../leg-media.ts';
import { levelOf, sine } from '../testing/sounding-phone.ts';
import { CODECS, packet, seededRandom } from '../testing/two-party-call.ts';
import { FRAME_US } from './frame.ts';
import { LegSource } from './leg-source.ts';

const PCMU: AudioFormat = { codec: 'PCMU', payloadType: 0, clockRateHz: 8000 };
const G722: AudioFormat = { codec: 'G722', payloadType: 9, clockRateHz: 8000 };
const OPUS: AudioFormat = { codec: 'opus', payloadType: 111, clockRateHz: 48_000 };
const L16: AudioFormat = { codec: 'L16', payloadType: 97, clockRateHz: 16_000 };
const L16_48: AudioFormat = { codec: 'L16', payloadType: 97, clockRateHz: 48_000 };

const TONE_HZ = 437;
const AMPLITUDE = 6000;

type Arrival = {
  readonly atUs: number;
  readonly datagram: Uint8Array;
  readonly kind: (typeof PAYLOAD_KIND)['audio' | 'telephoneEvent' | 'comfortNoise'];
};

type Sending = {
  readonly format: AudioFormat;
  readonly seconds: number;
  /** Default: the tone. */
  readonly voice?: (seconds: number) => number;
  /** Arrivals of packet `number`, in µs after it was sent; none: it is lost. Default: at once. */
  readonly network?: (number: number) => readonly number[];
  /** By how much the sender's clock is faster, in parts per million. */
  readonly ppm?: number;
  /** Instead of audio. */
  readonly kindOf?: (number: number) => Arrival['kind'] | 'nothing';
};

function arrivals(sending: Sending): Arrival[] {
  const {
    format,
    seconds,
    network = () => [0],
    ppm = 0,
    kindOf = () => PAYLOAD_KIND.audio,
  } = sending;
  const encoder = CODECS.encoder(format, { packetTimeMs: 20 });
  if (encoder === undefined) throw new Error('no such codec');
  const voice = sending.voice ?? sine(TONE_HZ, AMPLITUDE);
  const count = encoder.sampleRateHz / 50;
  const payload = new Uint8Array(MOST_PACKET_BYTES);
  const all: Arrival[] = [];
  let sequenceNumber = 65_000;
  for (let number = 0; number < seconds * 50; number += 1) {
    const samples = Int16Array.from({ length: count }, (_, at) =>
      voice((number * count + at) / encoder.sampleRateHz),
    );
    const bytes = encoder.encode(samples, payload);
    const kind = kindOf(number);
    if (kind === 'nothing') continue;
    const datagram = packet({
      sequenceNumber: sequenceNumber++ & 0xffff,
      // Wraps after a second.
      timestamp: (0xffff_ffff - format.clockRateHz + number * (format.clockRateHz / 50)) >>> 0,
      payload: payload.slice(0, bytes),
    });
    const sentUs = 1_000_000 + (number * FRAME_US) / (1 + ppm / 1_000_000);
    for (const delayUs of network(number)) all.push({ atUs: sentUs + delayUs, datagram, kind });
  }
  encoder.close();
  return all.toSorted((a, b) => a.atUs - b.atUs);
}

/** What is heard of it, frame by frame; silence where the source is not active. */
function hear(sending: Sending) {
  let wakes = 0;
  const source = LegSource.open(sending.format, CODECS, () => (wakes += 1));
  if (source === undefined) throw new Error('no such codec');
  const header = new RtpHeaderReader();
  const frames: Int16Array[] = [];
  const active: boolean[] = [];
  const waiting = arrivals(sending);
  const endUs = 1_000_000 + sending.seconds * 1_000_000;
  for (let frameUs = 1_000_000; frameUs < endUs; frameUs += FRAME_US) {
    while ((waiting[0]?.atUs ?? Infinity) <= frameUs) {
      const arrival = waiting.shift();
      if (arrival === undefined || !header.read(arrival.datagram)) break;
      source.packet(arrival.kind, header, arrival.datagram, arrival.atUs);
    }
    source.pull(frameUs, frameUs);
    active.push(source.isActive);
    frames.push(source.isActive ? source.frame.slice() : new Int16Array(source.frame.length));
  }
  source.close();
  const samples = new Int16Array(frames.length * source.frame.length);
  frames.forEach((frame, index) => {
    samples.set(frame, index * frame.length);
  });
  return { samples, active, rateHz: source.rateHz, wakes, source };
}

/** Levels of the tone in windows of 20 ms, relative to what was said. */
function levels(samples: Int16Array, rateHz: number): number[] {
  const count = rateHz / 50;
  return Array.from({ length: samples.length / count }, (_, window) => {
    return (
      levelOf(samples.subarray(window * count, (window + 1) * count), TONE_HZ, rateHz) / AMPLITUDE
    );
  });
}

/** Of each frame at 16 kHz: root of the mean square. */
function loudness(samples: Int16Array): number[] {
  return Array.from({ length: samples.length / 320 }, (_, frame) => {
    const part = samples.subarray(frame * 320, (frame + 1) * 320);
    return Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0) / 320);
  });
}

const random = seededRandom();

describe('a source', () => {
  test.each([
    ['PCMU', PCMU],
    ['G.722', G722],
    ['Opus', OPUS],
    ['L16', L16],
    ['L16 of 48 kHz', L16_48],
  ] as const)(
    'gives out %s steadily, whatever order and number packets come in',
    (_name, format) => {
      // Up to 25 ms late, so that neighbours change places; every seventh comes twice.
      const { samples, active, rateHz, wakes } = hear({
        format,
        seconds: 6,
        network: (number) => {
          const delayUs = Math.floor(random.fraction() * 25_000);
          return number % 7 === 0 ? [delayUs, delayUs + 5_000] : [delayUs];
        },
      });
      expect(active.slice(4)).not.toContain(false);
      expect(wakes).toBe(1);
      // The delay has settled after a second.
      const settled = levels(samples, rateHz).slice(60);
      expect(Math.min(...settled)).toBeGreaterThan(0.9);
      expect(Math.max(...settled)).toBeLessThan(1.1);
    },
  );

  test.each([
    ['PCMU', PCMU, 0.6],
    ['G.722', G722, 0.6],
  ] as const)('makes up for lost packets of %s', (_name, format, least) => {
    const { samples, rateHz } = hear({
      format,
      seconds: 6,
      network: (number) => (number % 10 === 5 ? [] : [0]),
    });
    const settled = levels(samples, rateHz).slice(20);
    expect(Math.min(...settled)).toBeGreaterThan(least);
  });

  test('hears of Opus what a packet tells of the lost one before it', () => {
    // A voice: a buzz that swells four times a second. libopus repeats nothing that it takes for noise.
    const voice = (seconds: number): number =>
      (1.2 + Math.sin(8 * Math.PI * seconds)) *
      [1, 2, 3, 4, 5, 6, 7, 8].reduce(
        (sum, harmonic) =>
          sum + (2500 / harmonic) * Math.sin(2 * Math.PI * 140 * harmonic * seconds),
        0,
      );
    const whole = hear({ format: OPUS, seconds: 6, voice });
    const torn = hear({
      format: OPUS,
      seconds: 6,
      voice,
      network: (number) => (number % 10 === 5 ? [] : [0]),
    });
    const told = loudness(torn.samples);
    // A frame late, as the source waits for 20 ms.
    const shares = loudness(whole.samples).flatMap((level, frame) =>
      frame > 30 && frame % 10 === 6 ? [(told[frame] ?? 0) / level] : [],
    );
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    expect(mean).toBeGreaterThan(0.75);
    expect(mean).toBeLessThan(1.25);
  });

  test('is silent while its sender is, and comes back at once, without noise in between', () => {
    const { samples, active, rateHz, wakes } = hear({
      format: PCMU,
      seconds: 4,
      kindOf: (number) =>
        number === 50
          ? PAYLOAD_KIND.comfortNoise
          : number > 50 && number < 150
            ? 'nothing'
            : PAYLOAD_KIND.audio,
    });
    expect(wakes).toBe(2);
    expect(active.slice(56, 150)).not.toContain(true);
    const all = levels(samples, rateHz);
    expect(Math.max(...all.slice(55, 150))).toBe(0);
    expect(Math.min(...all.slice(154))).toBeGreaterThan(0.95);
    expect(Math.min(...all.slice(3, 49))).toBeGreaterThan(0.95);
  });

  test('is silent while keys are told, and is not confused by their numbers', () => {
    const { samples, rateHz } = hear({
      format: PCMU,
      seconds: 4,
      kindOf: (number) =>
        number >= 60 && number < 70 ? PAYLOAD_KIND.telephoneEvent : PAYLOAD_KIND.audio,
    });
    const all = levels(samples, rateHz);
    expect(Math.max(...all.slice(63, 69))).toBeLessThan(0.05);
    expect(Math.min(...all.slice(76))).toBeGreaterThan(0.95);
  });

  test('hears no more than a tenth of a second of what was held up by the network', () => {
    // Nothing for half a second, then all at once.
    const { samples, active, rateHz } = hear({
      format: PCMU,
      seconds: 6,
      network: (number) => (number >= 50 && number < 75 ? [(75 - number) * 20_000] : [0]),
    });
    expect(active[70]).toBe(false);
    expect(active[80]).toBe(true);
    expect(Math.min(...levels(samples, rateHz).slice(260))).toBeGreaterThan(0.95);
  });
});

describe('a phone whose clock is not ours', () => {
  test.each([200, -200])('by %d ppm is heard without a hole for ten minutes', (ppm) => {
    const { samples, active, rateHz } = hear({ format: PCMU, seconds: 600, ppm });
    // A fast clock has sent everything a little before the end.
    expect(active.slice(2, -15)).not.toContain(false);
    const all = levels(samples, rateHz).slice(5, -15);
    expect(Math.min(...all)).toBeGreaterThan(0.97);
    expect(Math.max(...all)).toBeLessThan(1.03);
    // Neither is time lost or won: the tone of the end is where the sender is, but for the delay.
    const turns = phaseTurns(samples, rateHz);
    const driftMs = (turns / TONE_HZ) * 1000;
    expect(Math.abs(driftMs - (600 * ppm) / 1000)).toBeLessThan(25);
  });
});

/** By how many periods the tone is ahead of a steady one of our clock, between beginning and end. */
function phaseTurns(samples: Int16Array, rateHz: number): number {
  const count = rateHz / 50;
  let before = NaN;
  let first = NaN;
  let turns = 0;
  for (let from = 5 * count; from + 15 * count <= samples.length; from += count) {
    let sin = 0;
    let cos = 0;
    for (let at = from; at < from + count; at += 1) {
      const phase = (2 * Math.PI * TONE_HZ * at) / rateHz;
      sin += (samples[at] ?? 0) * Math.sin(phase);
      cos += (samples[at] ?? 0) * Math.cos(phase);
    }
    const phase = Math.atan2(cos, sin) / (2 * Math.PI);
    if (phase + turns - before > 0.5) turns -= 1;
    else if (phase + turns - before < -0.5) turns += 1;
    before = phase + turns;
    if (Number.isNaN(first)) first = before;
  }
  return before - first;
}

/**
 * Samples say when they were said, in ms; the thread stands still from 1 s to `untilMs`, receives then what has come,
 * and makes up for at most 25 frames.
 * @returns of each frame that was made, by its number: how much later it was due than it was said, in ms.
 */
function lagsAround(untilMs: number): Map<number, number> {
  const header = new RtpHeaderReader();
  const source = LegSource.open(L16, CODECS, () => undefined);
  if (source === undefined) throw new Error('no such codec');
  const all = arrivals({ format: L16, seconds: 8, voice: (seconds) => seconds * 1000 });
  let next = 0;
  const lagsMs = new Map<number, number>();
  const pull = (number: number, nowUs: number): void => {
    const frameUs = 1_010_000 + number * FRAME_US;
    source.pull(frameUs, nowUs);
    if (source.isActive) lagsMs.set(number, 10 + number * 20 - (source.frame[0] ?? 0));
  };
  const receive = (nowUs: number): void => {
    for (; (all[next]?.atUs ?? Infinity) <= nowUs; next += 1) {
      const { datagram } = all[next] ?? {};
      if (datagram === undefined || !header.read(datagram)) throw new Error('no packet');
      source.packet(PAYLOAD_KIND.audio, header, datagram, nowUs);
    }
  };
  const stands = { from: 50, to: untilMs / 20 };
  for (let number = 0; number < 390; number += 1) {
    if (number >= stands.from && number < stands.to) continue;
    const nowUs = 1_010_000 + number * FRAME_US;
    receive(nowUs);
    if (number === stands.to) {
      const end = Math.min(stands.from + 25, stands.to);
      for (let late = stands.from; late < end; late += 1) pull(late, nowUs);
      if (end < stands.to) source.skip();
    }
    pull(number, nowUs);
  }
  source.close();
  return lagsMs;
}

describe('a source whose thread stood still', () => {
  test('for less than half a second is heard without a gap, and no later than before', () => {
    const lagsMs = lagsAround(1_480);
    const before = lagsMs.get(45) ?? NaN;
    for (let number = 45; number < 385; number += 1) {
      expect(Math.abs((lagsMs.get(number) ?? NaN) - before)).toBeLessThanOrEqual(1);
    }
  });

  test('for longer is not heard later than before', () => {
    const lagsMs = lagsAround(2_500);
    const [before = NaN, after = NaN] = [lagsMs.get(45), lagsMs.get(200)];
    expect(Math.abs(after - before)).toBeLessThanOrEqual(20);
    expect(after).toBeLessThan(60);
  });
});
