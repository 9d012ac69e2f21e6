import { describe, expect, test } from 'vitest';
import type { PlannedStream } from './testing/journal-generator.ts';
import { talk } from './testing/packets.ts';
import { jobWith, render, UNMIXED_JOB } from './testing/render-setup.ts';
import { heardTones, spoken, type ToneTimes } from './testing/spoken.ts';

const LENGTH_MS = 8000;
const AMPLITUDE = 6000;

type Speaker = {
  readonly id: string;
  readonly hz: number;
  readonly tonesMs: ToneTimes;
  readonly joinedMs?: number;
  readonly leftMs?: number;
};

/** One stream for each; tones are at times of the call. */
function streamsOf(speakers: readonly Speaker[]): PlannedStream[] {
  return speakers.map(({ id, hz, tonesMs, joinedMs = 0, leftMs }, index) => ({
    participantId: id,
    joinedUs: joinedMs * 1000,
    ...(leftMs !== undefined && { leftUs: leftMs * 1000 }),
    packets: talk(
      { ssrc: index + 1, startUs: joinedMs * 1000 },
      spoken({
        frequencyHz: hz,
        amplitude: AMPLITUDE,
        lengthMs: (leftMs ?? LENGTH_MS) - joinedMs,
        tonesMs: tonesMs.map(([from, to]) => [from - joinedMs, to - joinedMs]),
      }),
    ),
  }));
}

const ALL_HZ = [400, 650, 900, 1150, 1400, 1650];

/** Each planned tone is on its channel at its times, within 1 dB; no other tone is on it. */
function expectTones(channel: Int16Array, planned: readonly Speaker[]): void {
  for (const hz of ALL_HZ) {
    const tones = planned.filter((speaker) => speaker.hz === hz).flatMap((each) => each.tonesMs);
    const heard = heardTones(channel, { frequencyHz: hz, amplitude: AMPLITUDE });
    expect(heard.spans).toHaveLength(tones.length);
    expect(heard.worstDb).toBeLessThan(1);
    heard.spans.forEach((span, at) => {
      expect(Math.abs(span.startMs - (tones[at]?.[0] ?? NaN))).toBeLessThan(5);
      expect(Math.abs(span.endMs - (tones[at]?.[1] ?? NaN))).toBeLessThan(5);
    });
  }
}

describe('an unmixed recording', () => {
  test('has each speaker on a channel of his own, in the order in which they first speak', async () => {
    const first: Speaker = { id: 'a', hz: 400, tonesMs: [[3000, 4000]] };
    const second: Speaker = {
      id: 'b',
      hz: 650,
      tonesMs: [
        [1000, 1500],
        [5000, 6000],
      ],
    };
    const { chunk, channels } = await render(
      { streams: streamsOf([first, second]), endUs: LENGTH_MS * 1000 },
      UNMIXED_JOB,
    );
    expect(chunk).toMatchObject({
      channels: 2,
      bitRate: 512_000,
      durationMs: LENGTH_MS,
      participants: [
        { participantId: 'a', channel: 1 },
        { participantId: 'b', channel: 0 },
      ],
    });
    expect(chunk.sizeBytes).toBe(44 + LENGTH_MS * 16 * 4);
    expectTones(channels[0]!, [second]);
    expectTones(channels[1]!, [first]);
  });

  test('keeps what somebody sent before his first word', async () => {
    const samples = spoken({
      frequencyHz: 400,
      amplitude: 6000,
      lengthMs: 6000,
      tonesMs: [[4000, 5000]],
    });
    // A click, too short to be speech.
    samples.fill(0x20, 8000, 8040);
    const { channels } = await render(
      {
        streams: [{ participantId: 'a', packets: talk({ ssrc: 1, startUs: 0 }, samples) }],
        endUs: 6_000_000,
      },
      UNMIXED_JOB,
    );
    expect(channels[0]!.slice(16_000, 16_080).some((sample) => Math.abs(sample) > 3000)).toBe(true);
  });

  test('gives five channels to five speakers, and lists the sixth without one', async () => {
    const speakers = ALL_HZ.map((hz, index): Speaker => {
      const fromMs = 500 + 700 * index;
      return { id: `p${index}`, hz, tonesMs: [[fromMs, fromMs + 600]] };
    });
    const { chunk, channels, bytes } = await render(
      { streams: streamsOf(speakers), endUs: LENGTH_MS * 1000 },
      UNMIXED_JOB,
    );
    expect(chunk.channels).toBe(5);
    expect(chunk.participants).toEqual([
      ...[0, 1, 2, 3, 4].map((channel) => ({ participantId: `p${channel}`, channel })),
      { participantId: 'p5' },
    ]);
    expect(bytes.length).toBe(68 + LENGTH_MS * 16 * 10);
    channels.forEach((channel, index) => expectTones(channel, [speakers[index]!]));
  });

  test('puts those beyond the limit on the last channel if the plan says so', async () => {
    const speakers = ALL_HZ.slice(0, 4).map((hz, index): Speaker => {
      const fromMs = 500 + 700 * index;
      return { id: `p${index}`, hz, tonesMs: [[fromMs, fromMs + 600]] };
    });
    const { chunk, channels } = await render(
      { streams: streamsOf(speakers), endUs: LENGTH_MS * 1000 },
      jobWith({ channels: { limit: 2, pinned: [], overflow: 'last-channel' } }, UNMIXED_JOB),
    );
    expect(chunk.participants.map(({ channel }) => channel)).toEqual([0, 1, 1, 1]);
    expectTones(channels[0]!, speakers.slice(0, 1));
    expectTones(channels[1]!, speakers.slice(1));
  });

  test('leaves the channels that are pinned to those they are pinned to, also if they never come', async () => {
    const speakers: Speaker[] = [
      { id: 'a', hz: 400, tonesMs: [[1000, 2000]] },
      { id: 'b', hz: 650, tonesMs: [[3000, 4000]] },
      { id: 'c', hz: 900, tonesMs: [] },
    ];
    const pinned = [
      { participantId: 'absent', channel: 0 },
      { participantId: 'b', channel: 3 },
      { participantId: 'c', channel: 2 },
    ];
    const { chunk, channels } = await render(
      { streams: streamsOf(speakers), endUs: LENGTH_MS * 1000 },
      jobWith({ channels: { limit: 5, pinned, overflow: 'leave-out' } }, UNMIXED_JOB),
    );
    expect(chunk.channels).toBe(4);
    expect(chunk.participants).toEqual([
      { participantId: 'a', channel: 1 },
      { participantId: 'b', channel: 3 },
      { participantId: 'c', channel: 2 },
    ]);
    expect(channels[0]).toEqual(new Int16Array(LENGTH_MS * 16));
    expectTones(channels[1]!, [speakers[0]!]);
    expect(channels[2]).toEqual(new Int16Array(LENGTH_MS * 16));
    expectTones(channels[3]!, [speakers[1]!]);
  });

  test('keeps the channel of somebody who leaves and comes again', async () => {
    const speakers: Speaker[] = [
      { id: 'a', hz: 400, tonesMs: [[500, 1000]], leftMs: 2000 },
      { id: 'b', hz: 650, tonesMs: [[2500, 3000]] },
      { id: 'a', hz: 900, tonesMs: [[5000, 6000]], joinedMs: 4000 },
    ];
    const { chunk, channels } = await render(
      { streams: streamsOf(speakers), endUs: LENGTH_MS * 1000 },
      UNMIXED_JOB,
    );
    expect(chunk.participants).toEqual([
      { participantId: 'a', channel: 0 },
      { participantId: 'b', channel: 1 },
    ]);
    expectTones(channels[0]!, [speakers[0]!, speakers[2]!]);
    expectTones(channels[1]!, [speakers[1]!]);
  });

  test('has no channel for somebody who never speaks, and none of what the server played', async () => {
    const [quiet, prompt] = streamsOf([
      { id: 'a', hz: 400, tonesMs: [] },
      { id: 'server', hz: 650, tonesMs: [[1000, 3000]] },
    ]);
    const { chunk, samples } = await render(
      { streams: [quiet!, { ...prompt!, played: true }], endUs: LENGTH_MS * 1000 },
      UNMIXED_JOB,
    );
    expect(chunk.channels).toBe(1);
    expect(chunk.participants).toEqual([{ participantId: 'a' }]);
    expect(samples).toEqual(new Int16Array(LENGTH_MS * 16));
  });
});

test('a mixed recording has what the server played', async () => {
  const [prompt] = streamsOf([{ id: 'server', hz: 650, tonesMs: [[1000, 3000]] }]);
  const { chunk, samples } = await render({
    streams: [{ ...prompt!, played: true }],
    endUs: LENGTH_MS * 1000,
  });
  expect(chunk.participants).toEqual([]);
  expectTones(samples, [{ id: 'server', hz: 650, tonesMs: [[1000, 3000]] }]);
});
