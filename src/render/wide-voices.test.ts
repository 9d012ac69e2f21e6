import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { g711Samples } from '../media/g711/g711.ts';
import { HalfBandUpsampler } from '../media/resample/half-band-upsampler.ts';
import { sine } from '../media/tone/sine.ts';
import { VoiceActivity } from '../media/voice/voice-activity.ts';
import { encodedTalk, rateOf, TEST_FORMATS, type TestFormat } from './testing/encoded-talk.ts';
import type { PlannedStream } from './testing/journal-generator.ts';
import { render, renderAll, UNMIXED_JOB } from './testing/render-setup.ts';
import { heardTones, type ToneTimes } from './testing/spoken.ts';

const LENGTH_MS = 12_000;
const AMPLITUDE = 7000;

type Speaker = {
  readonly id: string;
  readonly format: TestFormat;
  readonly hz: number;
  readonly tonesMs: ToneTimes;
  readonly joinedMs?: number;
  readonly leftMs?: number;
};

function streamOf(speaker: Speaker, index: number): PlannedStream {
  const { id, format, hz, tonesMs, joinedMs = 0, leftMs = LENGTH_MS } = speaker;
  const perMs = rateOf(format) / 1000;
  const samples = new Int16Array((leftMs - joinedMs) * perMs);
  for (const [fromMs, toMs] of tonesMs) {
    const count = (toMs - fromMs) * perMs;
    const tone = sine({ frequencyHz: hz, amplitude: AMPLITUDE }, perMs * 1000, count);
    samples.set(tone, (fromMs - joinedMs) * perMs);
  }
  const startUs = joinedMs * 1000;
  return {
    participantId: id,
    format: TEST_FORMATS[format],
    joinedUs: startUs,
    ...(leftMs < LENGTH_MS && { leftUs: leftMs * 1000 }),
    packets: encodedTalk({ format, ssrc: index + 1, startUs }, samples),
  };
}

/** Each tone of those named is on the channel, and nobody else's. */
function expectTones(channel: Int16Array, all: readonly Speaker[], ids: readonly string[]): void {
  for (const { id, hz, tonesMs } of all) {
    const expected = ids.includes(id) ? tonesMs : [];
    const { spans } = heardTones(channel, { frequencyHz: hz, amplitude: AMPLITUDE });
    expect(spans).toHaveLength(expected.length);
    spans.forEach(({ startMs, endMs }, at) => {
      expect(Math.abs(startMs - expected[at]![0])).toBeLessThan(6);
      expect(Math.abs(endMs - expected[at]![1])).toBeLessThan(6);
    });
  }
}

describe('an unmixed recording of six participants of four codecs', () => {
  const speakers: readonly Speaker[] = [
    { id: 'a', format: 'opus', hz: 400, tonesMs: [[4000, 4500]] },
    { id: 'b', format: 'G722', hz: 650, tonesMs: [[1000, 1500]] },
    { id: 'c', format: 'PCMU', hz: 900, tonesMs: [[2000, 2500]] },
    { id: 'd', format: 'PCMA', hz: 1150, tonesMs: [[3000, 3500]] },
    { id: 'e', format: 'L16', hz: 1400, tonesMs: [[6000, 6500]], joinedMs: 5000 },
    { id: 'f', format: 'opus', hz: 1650, tonesMs: [[8000, 8500]] },
  ];

  test('has each on a channel by first speech, a late one too, but the sixth', async () => {
    const { chunk, channels } = await render(
      { streams: speakers.map(streamOf), endUs: LENGTH_MS * 1000 },
      UNMIXED_JOB,
    );
    expect(chunk.participants).toEqual([
      { participantId: 'a', channel: 3 },
      { participantId: 'b', channel: 0 },
      { participantId: 'c', channel: 1 },
      { participantId: 'd', channel: 2 },
      { participantId: 'f' },
      { participantId: 'e', channel: 4 },
    ]);
    ['b', 'c', 'd', 'a', 'e'].forEach((id, channel) => {
      expectTones(channels[channel]!, speakers, [id]);
    });
  });

  test('has somebody who comes back with another codec on the same channel', async () => {
    const both: Speaker[] = [
      { id: 'a', format: 'PCMU', hz: 400, tonesMs: [[1000, 1500]], leftMs: 4000 },
      { id: 'b', format: 'G722', hz: 650, tonesMs: [[2000, 2500]] },
      { id: 'a', format: 'opus', hz: 900, tonesMs: [[6000, 6500]], joinedMs: 5000 },
    ];
    const plan = { streams: both.map(streamOf), endUs: LENGTH_MS * 1000 };
    const { chunk, channels } = await render(plan, UNMIXED_JOB);
    expect(chunk.channels).toBe(2);
    expectTones(channels[0]!, both, ['a']);
    expectTones(channels[1]!, both, ['b']);
  });

  test('has no voice from a pause, and goes on in step after it', async () => {
    const pauses = [{ fromUs: 2_200_000, toUs: 5_500_000 }];
    const rendered = await renderAll(
      { streams: speakers.map(streamOf), endUs: LENGTH_MS * 1000, pauses },
      UNMIXED_JOB,
    );
    expect(rendered).toHaveLength(1);
    const { chunk, channels } = rendered[0]!;
    expect(chunk.durationMs).toBe(LENGTH_MS - 3300);
    const cut = speakers.flatMap((speaker) => {
      const [fromMs, toMs] = speaker.tonesMs[0]!;
      if (fromMs >= 5500) return { ...speaker, tonesMs: [[fromMs - 3300, toMs - 3300]] as const };
      return {
        ...speaker,
        tonesMs: fromMs >= 2200 ? [] : ([[fromMs, Math.min(toMs, 2200)]] as const),
      };
    });
    ['b', 'c', 'e', 'f'].forEach((id, channel) => {
      expectTones(channels[channel]!, cut, [id]);
    });
  });
});

/** A recorded voice of ten seconds at 16 kHz, silence before `fromMs`. */
function voice(name: string, fromMs: number): Int16Array {
  const path = new URL(`../../test/fixtures/voice/${name}.ulaw`, import.meta.url);
  const table = g711Samples('PCMU');
  const narrow = Int32Array.from(readFileSync(path), (code) => table[code]!);
  const wide = new Int16Array(2 * narrow.length);
  const upsampler = new HalfBandUpsampler();
  upsampler.flush(wide, upsampler.process(narrow, 0, narrow.length, wide, 0));
  const samples = new Int16Array(10 * 16_000);
  samples.set(wide.subarray(0, samples.length - fromMs * 16), fromMs * 16);
  return samples;
}

test('whoever speaks first is recognised in wide-band codecs too; a beep is no speech', async () => {
  const stream = (
    id: string,
    format: TestFormat,
    ssrc: number,
    samples: Int16Array,
  ): PlannedStream => ({
    participantId: id,
    format: TEST_FORMATS[format],
    packets: encodedTalk({ format, ssrc, startUs: 0 }, samples),
  });
  const [rendered] = await renderAll(
    {
      streams: [
        stream('beeps', 'L16', 1, sine({ frequencyHz: 440, amplitude: 6000 }, 16_000, 160_000)),
        stream('later', 'G722', 2, voice('english-man', 5000)),
        stream('sooner', 'opus', 3, voice('german-man-slow', 1000)),
      ],
      endUs: 10_000_000,
    },
    UNMIXED_JOB,
    { newDetector: () => new VoiceActivity() },
  );
  expect(rendered!.chunk.participants).toEqual([
    { participantId: 'beeps', channel: 2 },
    { participantId: 'later', channel: 1 },
    { participantId: 'sooner', channel: 0 },
  ]);
});
