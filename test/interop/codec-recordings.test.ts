import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sine } from '../../src/media/tone/sine.ts';
import {
  encodedTalk,
  packetsOf,
  TEST_FORMATS,
  type TestFormat,
} from '../../src/render/testing/encoded-talk.ts';
import type { PlannedPacket } from '../../src/render/testing/packets.ts';
import { jobWith, render, UNMIXED_JOB } from '../../src/render/testing/render-setup.ts';
import { heardTones } from '../../src/render/testing/spoken.ts';

const LENGTH_MS = 5000;
const AMPLITUDE = 7000;
/** Tone and its beginning; each lasts for half a second. */
const VOICES = [
  { format: 'PCMU', hz: 500, fromMs: 500 },
  { format: 'G722', hz: 6000, fromMs: 1500 },
  { format: 'opus', hz: 5000, fromMs: 2500 },
  { format: 'PCMA', hz: 1300, fromMs: 3500 },
] as const;
/** What ffmpeg is told to encode, to bytes without a container. */
const RAW = {
  PCMU: ['-ar', '8000', '-f', 'mulaw'],
  PCMA: ['-ar', '8000', '-f', 'alaw'],
  G722: ['-ar', '16000', '-f', 'g722'],
} as const;
/** 20 ms of any of them. */
const PACKET_BYTES = 160;

let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-codecs-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** Samples at 16 kHz → packets; but for Opus, which ffmpeg writes in containers only, it encodes. */
function packets(format: TestFormat, ssrc: number, samples: Int16Array): readonly PlannedPacket[] {
  const plan = { format, ssrc, startUs: 0 };
  if (format !== 'PCMU' && format !== 'PCMA' && format !== 'G722') {
    return encodedTalk(plan, samples);
  }
  const input = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  const bytes = ffmpeg(['-f', 's16le', '-ar', '16000', '-i', '-', ...RAW[format], '-'], input);
  const count = Math.floor(bytes.length / PACKET_BYTES);
  const payloads = Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * PACKET_BYTES, (index + 1) * PACKET_BYTES),
  );
  return packetsOf(plan, 20, payloads);
}

function ffmpeg(options: readonly string[], input?: Uint8Array): Buffer {
  const run = spawnSync('ffmpeg', ['-v', 'error', ...options], {
    maxBuffer: 2 ** 26,
    ...(input !== undefined && { input }),
  });
  expect(run.stderr.toString()).toBe('');
  return run.stdout;
}

function probed(file: string): { readonly channels: number; readonly durationMs: number } {
  const { stdout } = spawnSync(
    'ffprobe',
    ['-v', 'error', '-of', 'json', '-show_entries', 'stream=channels,duration,sample_rate', file],
    { encoding: 'utf8' },
  );
  const [stream] = (
    JSON.parse(stdout) as {
      readonly streams: readonly {
        readonly channels: number;
        readonly duration: string;
        readonly sample_rate: string;
      }[];
    }
  ).streams;
  expect(stream?.sample_rate).toBe('16000');
  return { channels: stream?.channels ?? 0, durationMs: Number(stream?.duration) * 1000 };
}

test.each(['mixed', 'unmixed'] as const)(
  'a %s recording of four codecs, most of them encoded by ffmpeg, is read by it as planned',
  async (channels) => {
    const streams = VOICES.map(({ format, hz, fromMs }, index) => {
      const samples = new Int16Array(LENGTH_MS * 16);
      samples.set(sine({ frequencyHz: hz, amplitude: AMPLITUDE }, 16_000, 8000), fromMs * 16);
      return {
        participantId: format,
        format: TEST_FORMATS[format],
        packets: packets(format, index + 1, samples),
      };
    });
    const pinned = VOICES.map(({ format }, channel) => ({ participantId: format, channel }));
    const plan = { limit: 5, pinned, overflow: 'leave-out' } as const;
    const { bytes } = await render(
      { streams, endUs: LENGTH_MS * 1000 },
      jobWith({ format: { container: 'wav', channels }, channels: plan }, UNMIXED_JOB),
    );
    const file = join(directory, `${channels}.wav`);
    await writeFile(file, bytes);
    const count = channels === 'mixed' ? 1 : VOICES.length;
    expect(probed(file)).toEqual({ channels: count, durationMs: LENGTH_MS });
    for (let channel = 0; channel < count; channel += 1) {
      const only = ['-af', `pan=mono|c0=c${channel}`, '-f', 's16le', '-'];
      const raw = ffmpeg(['-i', file, ...only]);
      const heard = new Int16Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
      VOICES.forEach(({ hz, fromMs }, voice) => {
        const { spans } = heardTones(heard, { frequencyHz: hz, amplitude: AMPLITUDE });
        const isHere = channels === 'mixed' || voice === channel;
        expect(spans).toHaveLength(isHere ? 1 : 0);
        for (const { startMs, endMs } of spans) {
          expect(Math.abs(startMs - fromMs)).toBeLessThan(6);
          expect(Math.abs(endMs - fromMs - 500)).toBeLessThan(6);
        }
      });
    }
  },
);
