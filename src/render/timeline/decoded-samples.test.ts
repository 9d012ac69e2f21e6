import { createEncoder } from 'libopus-wasm';
import { describe, expect, test } from 'vitest';
import { sine } from '../../media/tone/sine.ts';
import { encodedTalk, packetsOf, TEST_FORMATS, type TestFormat } from '../testing/encoded-talk.ts';
import { impair, seeded, type PlannedPacket } from '../testing/packets.ts';
import { renderTracks } from '../testing/tracks-setup.ts';

const LENGTH_MS = 4000;
const VOIP = 2048;
const TONE = sine({ frequencyHz: 600, amplitude: 9000 }, 16_000, LENGTH_MS * 16);

/** The file's only channel. */
async function heard(format: TestFormat, packets: readonly PlannedPacket[]): Promise<Int16Array> {
  const { channels } = await renderTracks({
    streams: [packets],
    formats: [TEST_FORMATS[format]],
    endUs: LENGTH_MS * 1000,
  });
  return channels[0]!;
}

/** Mean magnitude of a part. */
function loudness(samples: Int16Array, fromMs: number, toMs: number): number {
  const part = samples.subarray(fromMs * 16, toMs * 16);
  return part.reduce((sum, sample) => sum + Math.abs(sample), 0) / part.length;
}

/** Where in the file (ms) the packet with an index stands whose sound comes by `delayMs` late. */
function partOf(index: number, delayMs: number): readonly [number, number] {
  return [index * 20 - delayMs, (index + 1) * 20 - delayMs];
}

describe.each([
  ['G722', 22 / 16],
  ['L16', 0],
  ['opus', 6.5],
] as const)('a stream of %s', (format, delayMs) => {
  const packets = encodedTalk({ format, ssrc: 1, startUs: 0 }, TONE);

  test('is silent where a packet is missing, and nowhere else', async () => {
    const lost = [60, 61, 62, 100];
    const samples = await heard(
      format,
      packets.filter((_, index) => !lost.includes(index)),
    );
    for (let index = 1; index < packets.length - 1; index += 1) {
      const [fromMs, toMs] = partOf(index, delayMs);
      const level = loudness(samples, fromMs + 0.2, toMs - 0.2);
      if (lost.includes(index)) expect(level).toBe(0);
      else expect(level).toBeGreaterThan(4000);
    }
  });

  test('is the same in whatever order and how often its packets came', async () => {
    const network = { loss: 0, jitterUs: 200_000, reordered: 0.3, duplicated: 0.3 };
    const bad = impair(packets.slice(1), network, seeded(5));
    const [actual, expected] = [
      await heard(format, [packets[0]!, ...bad]),
      await heard(format, packets),
    ];
    // The last of them had not arrived when the recording ended.
    const end = (LENGTH_MS - 300) * 16;
    expect(actual.subarray(0, end)).toEqual(expected.subarray(0, end));
  });

  test('is decoded alike from any sample of the file on', async () => {
    const plan = {
      streams: [
        impair(packets, { loss: 0.1, jitterUs: 30_000, reordered: 0.1, duplicated: 0 }, seeded(2)),
      ],
      formats: [TEST_FORMATS[format]],
      endUs: LENGTH_MS * 1000,
    };
    const whole = await renderTracks(plan);
    for (const start of [1, 5003, 20_000]) {
      const part = await renderTracks(plan, start);
      expect(part.channels[0]).toEqual(whole.channels[0]!.slice(2 * start));
    }
  });
});

describe('a stream of Opus', () => {
  const voip = { sampleRate: 16_000, channels: 1, application: VOIP, bitrate: 24_000 } as const;

  /** Frames of 20 ms of the tone. */
  async function frames(
    options: Parameters<typeof createEncoder>[0],
    tone = TONE,
  ): Promise<Uint8Array[]> {
    const encoder = await createEncoder({ ...voip, frameSize: 320, ...options });
    const made: Uint8Array[] = [];
    for (let at = 0; at + 320 <= tone.length; at += 320) {
      made.push(encoder.encode(tone.subarray(at, at + 320)).slice());
    }
    encoder.free();
    return made;
  }

  const plan = { format: 'opus', ssrc: 1, startUs: 0 } as const;

  test('has what the next packet tells of a lost one, and nothing that a decoder invents', async () => {
    // Speech coding, which alone has it, and does not take a tone for speech for long.
    const narrow = { maxBandwidth: 1101 } as const;
    const told = packetsOf(plan, 20, await frames({ ...narrow, fec: true, packetLossPercent: 30 }));
    const plain = packetsOf(plan, 20, await frames(narrow));
    const without = (all: readonly PlannedPacket[]): PlannedPacket[] =>
      all.filter((_, index) => index !== 15 && index !== 25 && index !== 26);
    const fromNext = await heard('opus', without(told));
    expect(loudness(fromNext, ...partOf(15, 6.5))).toBeGreaterThan(4000);
    expect(loudness(fromNext, ...partOf(25, 6.5))).toBe(0);
    expect(loudness(fromNext, ...partOf(26, 6.5))).toBeGreaterThan(4000);
    const silent = await heard('opus', without(plain));
    for (const index of [15, 25, 26]) expect(loudness(silent, ...partOf(index, 6.5))).toBe(0);
  });

  test('goes on with its voice after a loss, without a jump of level', async () => {
    const packets = packetsOf(plan, 20, await frames({}));
    const samples = await heard(
      'opus',
      packets.filter((_, index) => index < 60 || index > 64),
    );
    const level = loudness(samples, 1300, 1340) / loudness(samples, 3000, 3040);
    expect(Math.abs(level - 1)).toBeLessThan(0.1);
  });

  test('is silent while its sender sends nothing, or that nothing is heard', async () => {
    const tone = TONE.slice();
    tone.fill(0, 1000 * 16, 3000 * 16);
    const payloads = await frames({ dtx: true }, tone);
    const packets = packetsOf(plan, 20, payloads);
    const isQuiet = payloads.map(({ length }) => length <= 2);
    expect(isQuiet.filter((quiet) => quiet).length).toBeGreaterThan(50);
    const all = await heard('opus', packets);
    // As a sender leaves them out: numbers go on, timestamps jump.
    const sent = packets
      .filter((_, index) => isQuiet[index] === false)
      .map((packet, index) => ({ ...packet, sequence: index }));
    const some = await heard('opus', sent);
    const first = isQuiet.indexOf(true);
    const [fromMs] = partOf(first, 6.5);
    for (const samples of [all, some]) {
      expect(loudness(samples, fromMs, fromMs + 20)).toBe(0);
      expect(loudness(samples, 3100, 3900)).toBeGreaterThan(4000);
    }
  });

  test('may have packets of any length, each in its place', async () => {
    const parts = [40, 160, 320, 80, 640, 320, 960, 40];
    const encoders = new Map(
      await Promise.all(
        [...new Set(parts)].map(
          async (frameSize) =>
            [
              frameSize,
              await createEncoder({ ...voip, application: 2051, bitrate: 64_000, frameSize }),
            ] as const,
        ),
      ),
    );
    const packets: PlannedPacket[] = [];
    let at = 0;
    for (let turn = 0; at + 960 <= TONE.length; turn += 1) {
      const samples = parts[turn % parts.length]!;
      const payload = encoders
        .get(samples)!
        .encode(TONE.subarray(at, at + samples))
        .slice();
      packets.push({
        ssrc: 1,
        sequence: turn,
        timestamp: at * 3,
        payloadType: 111,
        arrivalUs: at * 62.5,
        payload,
      });
      at += samples;
    }
    const samples = await heard('opus', packets);
    for (let ms = 20; ms < 3900; ms += 5)
      expect(loudness(samples, ms, ms + 5)).toBeGreaterThan(1000);
  });
});
