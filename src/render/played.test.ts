import { describe, expect, test } from 'vitest';
import { sine } from '../media/tone/sine.ts';
import { encodedTalk, TEST_FORMATS } from './testing/encoded-talk.ts';
import type { PlannedStream } from './testing/journal-generator.ts';
import { jobWith, render, renderAll, UNMIXED_JOB } from './testing/render-setup.ts';
import { heardTones, type ToneTimes } from './testing/spoken.ts';

const LENGTH_MS = 9000;
const AMPLITUDE = 6000;
const APPLICATION = '28:acs:resource_application';

/** Packets of L16 at 16 kHz, as the server journals what it plays; they go out while it plays only. */
function voice(
  participantId: string,
  frequencyHz: number,
  [fromMs, toMs]: readonly [number, number],
  played: boolean,
): PlannedStream {
  const samples = sine({ frequencyHz, amplitude: AMPLITUDE }, 16_000, (toMs - fromMs) * 16);
  const startUs = fromMs * 1000;
  return {
    participantId,
    format: TEST_FORMATS.L16,
    played,
    joinedUs: startUs,
    leftUs: toMs * 1000 + 1,
    packets: encodedTalk({ format: 'L16', ssrc: frequencyHz, startUs }, samples),
  };
}

const ALICE = voice('alice', 500, [2000, 3000], false);
const BOB = voice('bob', 800, [6500, 7500], false);
const PROMPT = voice(APPLICATION, 1200, [3500, 4500], true);
const BEEP = voice('28:acs:other', 1500, [5000, 5400], true);

function expectTone(samples: Int16Array, frequencyHz: number, timesMs: ToneTimes): void {
  const { spans } = heardTones(samples, { frequencyHz, amplitude: AMPLITUDE });
  expect(spans).toHaveLength(timesMs.length);
  spans.forEach(({ startMs, endMs }, at) => {
    expect(Math.abs(startMs - timesMs[at]![0])).toBeLessThan(5);
    expect(Math.abs(endMs - timesMs[at]![1])).toBeLessThan(5);
  });
}

const OWN_CHANNEL = jobWith(
  { channels: { limit: 5, pinned: [], overflow: 'leave-out', played: 'own-channel' } },
  UNMIXED_JOB,
);

describe('what the server plays', () => {
  test('is in a mixed recording', async () => {
    const { samples, chunk } = await render({
      streams: [ALICE, PROMPT, BEEP],
      endUs: LENGTH_MS * 1000,
    });
    expectTone(samples, 500, [[2000, 3000]]);
    expectTone(samples, 1200, [[3500, 4500]]);
    expectTone(samples, 1500, [[5000, 5400]]);
    expect(chunk.participants).toEqual([{ participantId: 'alice' }]);
  });

  test('is not in an unmixed one', async () => {
    const plan = { streams: [ALICE, PROMPT], endUs: LENGTH_MS * 1000 };
    const { channels, chunk } = await render(plan, UNMIXED_JOB);
    expect(channels).toHaveLength(1);
    expectTone(channels[0]!, 500, [[2000, 3000]]);
    expectTone(channels[0]!, 1200, []);
    expect(chunk.participants).toEqual([{ participantId: 'alice', channel: 0 }]);
  });

  test('can have a channel of its own behind those of the participants', async () => {
    const streams = [ALICE, PROMPT, BOB, BEEP];
    const { channels, chunk } = await render({ streams, endUs: LENGTH_MS * 1000 }, OWN_CHANNEL);
    expect(chunk.channels).toBe(3);
    expectTone(channels[0]!, 500, [[2000, 3000]]);
    expectTone(channels[1]!, 800, [[6500, 7500]]);
    expectTone(channels[2]!, 1200, [[3500, 4500]]);
    expectTone(channels[2]!, 1500, [[5000, 5400]]);
    for (const hz of [1200, 1500]) for (const at of [0, 1]) expectTone(channels[at]!, hz, []);
    expect(chunk.participants).toEqual([
      { participantId: 'alice', channel: 0 },
      { participantId: 'bob', channel: 1 },
      { participantId: APPLICATION, channel: 2 },
      { participantId: '28:acs:other', channel: 2 },
    ]);
  });

  test('has its channel beyond the limit, and leaves the first to whoever speaks', async () => {
    const channels = {
      limit: 1,
      pinned: [],
      overflow: 'leave-out',
      played: 'own-channel',
    } as const;
    const job = jobWith({ channels }, UNMIXED_JOB);
    const alone = await render({ streams: [PROMPT], endUs: LENGTH_MS * 1000 }, job);
    expect(alone.chunk.channels).toBe(2);
    expect(alone.channels[0]).toEqual(new Int16Array(LENGTH_MS * 16));
    expectTone(alone.channels[1]!, 1200, [[3500, 4500]]);
    const both = await render({ streams: [ALICE, PROMPT], endUs: LENGTH_MS * 1000 }, job);
    expect(both.chunk.channels).toBe(2);
    expectTone(both.channels[0]!, 500, [[2000, 3000]]);
    expectTone(both.channels[1]!, 1200, [[3500, 4500]]);
  });

  test('has a channel from the first chunk on in which something is heard of it', async () => {
    const silence: PlannedStream = {
      ...PROMPT,
      joinedUs: 0,
      leftUs: 1_000_000,
      packets: encodedTalk({ format: 'L16', ssrc: 3, startUs: 0 }, new Int16Array(16_000)),
    };
    const chunks = { durationMs: 3000, sizeBytes: 1e9 };
    const rendered = await renderAll(
      { streams: [ALICE, silence, PROMPT, BOB], endUs: LENGTH_MS * 1000 },
      jobWith({ chunks }, OWN_CHANNEL),
    );
    expect(rendered.map(({ chunk }) => chunk.channels)).toEqual([1, 2, 3]);
    expect(rendered.map(({ chunk }) => chunk.participants)).toEqual([
      [{ participantId: 'alice', channel: 0 }],
      [
        { participantId: 'alice', channel: 0 },
        { participantId: APPLICATION, channel: 1 },
      ],
      [{ participantId: 'bob', channel: 1 }],
    ]);
    expectTone(rendered[1]!.channels[1]!, 1200, [[500, 1500]]);
    expect(rendered[2]!.channels[2]).toEqual(new Int16Array(3000 * 16));
  });
});
