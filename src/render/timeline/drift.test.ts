import { describe, expect, test } from 'vitest';
import { encodeG711 } from '../../media/g711/g711.ts';
import { sine } from '../../media/tone/sine.ts';
import { findTone } from '../../media/tone/tone-meter.ts';
import { impair, seeded, talk, type PlannedPacket } from '../testing/packets.ts';
import {
  encodedTalk,
  rateOf,
  TEST_CODECS,
  TEST_FORMATS,
  type TestFormat,
} from '../testing/encoded-talk.ts';
import { renderTracks } from '../testing/tracks-setup.ts';
import { runTimeline } from '../testing/timeline-setup.ts';

const HOURS_US = 2 * 3600 * 1_000_000;

/**
 * A sender whose clock is off, with one packet of 20 ms every 100 ms so that hours are cheap: quiet,
 * but for a tone of half a second that is spoken at `toneUs` of true time.
 */
function sender(ssrc: number, hz: number, driftPpm: number, toneUs: number): PlannedPacket[] {
  const pace = 1 + driftPpm / 1_000_000;
  const quiet = new Uint8Array(160).fill(0xff);
  const packets: PlannedPacket[] = [];
  for (let timestamp = 0; ; timestamp += timestamp * 125 >= (toneUs - 500_000) * pace ? 160 : 800) {
    const arrivalUs = (timestamp * 125) / pace;
    if (arrivalUs >= HOURS_US) return packets;
    // By its own clock, the tone begins at this sample.
    const from = Math.round((toneUs * pace) / 125);
    const payload =
      timestamp + 160 > from && timestamp < from + 4000 ? tonePacket(hz, timestamp - from) : quiet;
    packets.push({ ssrc, sequence: packets.length, timestamp, payloadType: 0, arrivalUs, payload });
  }
}

/** The part of a tone of 4,000 samples that begins `at` samples after its first. */
function tonePacket(hz: number, at: number): Uint8Array {
  const samples = sine({ frequencyHz: hz, amplitude: 8000 }, 8000, 160, at);
  samples.forEach((_, index) => {
    if (at + index < 0 || at + index >= 4000) samples[index] = 0;
  });
  const codes = new Uint8Array(160);
  encodeG711('PCMU', samples, codes);
  return codes;
}

/** As `sender`, of another codec, whose packets build on each other. */
function codedSender(
  format: TestFormat,
  ssrc: number,
  hz: number,
  driftPpm: number,
  toneUs: number,
): PlannedPacket[] {
  const { codec, clockRateHz, payloadType } = TEST_FORMATS[format];
  const encoder = TEST_CODECS.encoder({ codec, clockRateHz }, { packetTimeMs: 20 })!;
  const rateHz = rateOf(format);
  const perPacket = rateHz / 50;
  const pace = 1 + driftPpm / 1_000_000;
  const into = new Uint8Array(1000);
  const quiet = into.slice(0, encoder.encode(new Int16Array(perPacket), into));
  const packets: PlannedPacket[] = [];
  const from = Math.round((toneUs * pace * rateHz) / 1_000_000);
  const isNear = (at: number): boolean => at > from - rateHz / 2;
  const tonePart = (at: number): Uint8Array => {
    const samples = sine({ frequencyHz: hz, amplitude: 8000 }, rateHz, perPacket, at - from);
    samples.forEach((_, index) => {
      if (at + index < from || at + index >= from + rateHz / 2) samples[index] = 0;
    });
    return into.slice(0, encoder.encode(samples, into));
  };
  for (let at = 0; ; at += isNear(at) ? perPacket : 5 * perPacket) {
    const arrivalUs = (at * 1_000_000) / rateHz / pace;
    if (arrivalUs >= HOURS_US) break;
    const payload = isNear(at) ? tonePart(at) : quiet;
    const timestamp = (at * clockRateHz) / rateHz;
    packets.push({ ssrc, sequence: packets.length, timestamp, payloadType, arrivalUs, payload });
  }
  encoder.close();
  return packets;
}

/**
 * Signal to noise of a tone in a part of 0.25 s: what is left when the best tone of a frequency is taken
 * away. While a stream follows its clock, it is heard 500 ppm higher or lower.
 */
function toneSnrDb(samples: Int16Array, at: number, frequencyHz: number): number {
  const part = samples.subarray(at, at + 4000);
  const ratios = [-500, -250, 0, 250, 500].map((ppm) => {
    const step = (2 * Math.PI * frequencyHz * (1 + ppm / 1_000_000)) / 16_000;
    let [cc, ss, cs, xc, xs, xx] = [0, 0, 0, 0, 0, 0];
    part.forEach((sample, index) => {
      const [c, s] = [Math.cos(step * index), Math.sin(step * index)];
      cc += c * c;
      ss += s * s;
      cs += c * s;
      xc += sample * c;
      xs += sample * s;
      xx += sample * sample;
    });
    const determinant = cc * ss - cs * cs;
    const [a, b] = [(xc * ss - xs * cs) / determinant, (xs * cc - xc * cs) / determinant];
    const signal = a * xc + b * xs;
    return 10 * Math.log10(signal / (xx - signal));
  });
  return Math.max(...ratios);
}

describe('clocks that drift', () => {
  test('by ±100 ppm agree within 20 ms after two hours, with jitter and loss, channel by channel', async () => {
    const toneUs = HOURS_US - 2_000_000;
    const network = { loss: 0.05, jitterUs: 40_000, reordered: 0, duplicated: 0.01 };
    const random = seeded(1);
    const { channels, timeline } = await renderTracks(
      {
        streams: [
          impair(sender(1, 440, 100, toneUs), network, random),
          impair(sender(2, 1000, -100, toneUs), network, random),
          sender(3, 2000, 0, toneUs),
        ],
        endUs: HOURS_US,
      },
      (HOURS_US - 4_000_000) / 125,
    );
    expect(timeline.latePackets).toBe(0);
    expect(channels).toHaveLength(3);
    channels.forEach((samples, channel) => {
      [440, 1000, 2000].forEach((frequencyHz, speaker) => {
        const search = { frequencyHz, threshold: 4000, bridgeMs: 200 };
        const spans = findTone(samples, 16_000, search);
        expect(spans).toHaveLength(speaker === channel ? 1 : 0);
        for (const { startMs } of spans) expect(Math.abs(startMs - 2000)).toBeLessThan(10);
      });
    });
  });

  test('keep their distances exactly while the error is under 10 ms', () => {
    // 80 ppm for two minutes: 9.6 ms.
    const codes = Uint8Array.from({ length: 120 * 8000 }, (_, at) => (at * 7919) >> 3);
    const { mix } = runTimeline({
      streams: [talk({ ssrc: 1, startUs: 0, driftPpm: -80 }, codes)],
      endUs: 120_000_000,
    });
    const same = runTimeline({
      streams: [talk({ ssrc: 1, startUs: 0 }, codes)],
      endUs: 120_000_000,
    });
    const differs = (sample: number, at: number): boolean => sample !== same.mix[at];
    expect(mix.subarray(0, 119 * 8000).findIndex(differs)).toBe(-1);
  });

  test.each([400, -400])('are followed without clicks at %i ppm', (driftPpm) => {
    const samples = sine({ frequencyHz: 1000, amplitude: 8000 }, 8000, 90 * 8000);
    const codes = new Uint8Array(samples.length);
    encodeG711('PCMU', samples, codes);
    const { mix } = runTimeline({
      streams: [talk({ ssrc: 1, startUs: 0, driftPpm }, codes)],
      endUs: 80_000_000,
    });
    // Steps between neighbours never exceed those of the tone by more than G.711's own noise.
    const steepest = 8000 * 2 * Math.sin(Math.PI / 8) + 600;
    let widest = 0;
    for (let at = 1; at < mix.length - 8000; at += 1) {
      widest = Math.max(widest, Math.abs(mix[at]! - mix[at - 1]!));
    }
    expect(widest).toBeLessThan(steepest);
    // The sender's 80 s of samples last 80 s × (1 ∓ 400 ppm), and stand where they were spoken.
    const crossings = mix.subarray(0, 79 * 8000).reduce((count, sample, at) => {
      return count + (at > 0 && sample >= 0 && mix[at - 1]! < 0 ? 1 : 0);
    }, 0);
    expect(Math.abs(crossings - 79_000 * (1 + driftPpm / 1_000_000))).toBeLessThan(10);
  });

  test('a place that was more than 20 ms wrong is put right', () => {
    const codes = Uint8Array.from({ length: 60 * 8000 }, (_, at) => (at * 7919) >> 3);
    const packets = talk({ ssrc: 1, startUs: 0 }, codes).map((packet, index) =>
      index < 60 ? { ...packet, arrivalUs: packet.arrivalUs + 25_000 } : packet,
    );
    const { mix } = runTimeline({ streams: [packets], endUs: 60_000_000 });
    const right = runTimeline({
      streams: [talk({ ssrc: 1, startUs: 0 }, codes)],
      endUs: 60_000_000,
    });
    // 25 ms too late in the beginning; at the end within 1 ms, by whole samples.
    const firstHeard = mix.findIndex((sample) => Math.abs(sample) > 1000);
    expect(Math.abs(firstHeard - 200)).toBeLessThan(20);
    const tail = mix.subarray(59 * 8000);
    const shifts = Array.from({ length: 9 }, (_, shift) =>
      tail.every((sample, at) => sample === right.mix[59 * 8000 + at - shift]),
    );
    expect(shifts).toContain(true);
  });

  test('by ±100 ppm agree within 20 ms after two hours, G.722 and PCMU', async () => {
    const toneUs = HOURS_US - 2_000_000;
    const network = { loss: 0, jitterUs: 40_000, reordered: 0, duplicated: 0.01 };
    const random = seeded(4);
    const hz = [440, 1000];
    const { channels, timeline } = await renderTracks(
      {
        streams: [
          impair(codedSender('G722', 1, 440, 100, toneUs), network, random),
          impair(sender(2, 1000, -100, toneUs), network, random),
        ],
        formats: [TEST_FORMATS.G722, TEST_FORMATS.PCMU],
        endUs: HOURS_US,
      },
      (HOURS_US - 4_000_000) / 125,
    );
    expect(timeline.latePackets).toBe(0);
    const starts = channels.map((samples, channel) => {
      const search = { frequencyHz: hz[channel]!, threshold: 4000, bridgeMs: 200 };
      const spans = findTone(samples, 16_000, search);
      expect(spans).toHaveLength(1);
      return spans[0]!.startMs;
    });
    for (const startMs of starts) expect(Math.abs(startMs - 2000)).toBeLessThan(10);
  });

  test.each([
    ['L16', 1000],
    ['L16', 5000],
    ['L16-8', 3000],
  ] as const)('are followed without noise at 16 kHz: %s, %i Hz', async (format, frequencyHz) => {
    const rateHz = rateOf(format);
    const samples = sine({ frequencyHz, amplitude: 12_000 }, rateHz, 60 * rateHz);
    const { channels } = await renderTracks({
      streams: [encodedTalk({ format, ssrc: 1, startUs: 0, driftPpm: 400 }, samples)],
      formats: [TEST_FORMATS[format]],
      endUs: 58_000_000,
    });
    const noisiest = Array.from({ length: 220 }, (_, block) =>
      // By blocks of the timeline, in each of which the pace is steady; at their edges the filter looks on.
      toneSnrDb(channels[0]!, 4000 * (block + 4), frequencyHz),
    );
    expect(Math.min(...noisiest)).toBeGreaterThan(60);
    // It did move: 58 s by 400 ppm are 23 ms.
    const plain = sine({ frequencyHz, amplitude: 12_000 }, 16_000, 16_000);
    expect(channels[0]!.subarray(50 * 16_000, 51 * 16_000)).not.toEqual(plain);
  });
});
