import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Mp3Encoder } from '../../src/media/mp3/mp3-encoder.ts';

const RATE_HZ = 16_000;
/** Around the true place, so that an error in either direction is found: 2 ms are 32. */
const SEARCH_SAMPLES = 1_200;

const DECODERS = {
  ffmpeg: (file: string) => ['ffmpeg', '-v', 'error', '-i', file, '-f', 's16le', '-'],
  mpg123: (file: string) => ['mpg123', '-q', '-e', 's16', '-s', file],
} as const;

let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-mp3-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe.each(['ffmpeg', 'mpg123'] as const)('decoded by %s', (decoder) => {
  test.each([1_000, 16_000, 47_520, 48_001, 160_000])(
    'an MP3 of %i samples is the recording, at its place and of its level and length',
    async (count) => {
      const samples = noise(count);
      const file = join(directory, `${decoder}-${count}.mp3`);
      await writeFile(file, await encode(samples));
      const decoded = decode(DECODERS[decoder](file));
      expect(decoded).toHaveLength(count);
      expect(offset(samples, decoded)).toBe(0);
      expect(Math.abs(levelDb(decoded) - levelDb(samples))).toBeLessThan(1);
    },
  );
});

test('ffprobe sees 16 kHz mono at 48 kbit/s', async () => {
  const file = join(directory, 'duration.mp3');
  await writeFile(file, await encode(noise(40_000)));
  const { stdout } = spawnSync(
    'ffprobe',
    ['-v', 'error', '-show_entries', 'stream=sample_rate,channels,bit_rate', file],
    { encoding: 'utf8' },
  );
  expect(stdout).toContain('sample_rate=16000');
  expect(stdout).toContain('channels=1');
  expect(stdout).toContain('bit_rate=48000');
});

async function encode(samples: Int16Array): Promise<Uint8Array> {
  const encoder = await Mp3Encoder.create();
  const parts: Uint8Array[] = [];
  for (let from = 0; from < samples.length; from += RATE_HZ) {
    parts.push(encoder.encode(samples, from, Math.min(samples.length, from + RATE_HZ)).slice());
  }
  parts.push(encoder.finish().slice());
  return Buffer.concat([encoder.header(), ...parts]);
}

function decode([command, ...args]: readonly string[]): Int16Array {
  const run = spawnSync(command!, args, { maxBuffer: 64 * 1024 * 1024 });
  expect(run.error).toBeUndefined();
  expect(run.status).toBe(0);
  return new Int16Array(Uint8Array.from(run.stdout).buffer);
}

/** By how many samples `decoded` is late, by the greatest correlation. */
function offset(samples: Int16Array, decoded: Int16Array): number {
  let best = { late: NaN, sum: -Infinity };
  for (let late = -SEARCH_SAMPLES; late <= SEARCH_SAMPLES; late += 1) {
    let sum = 0;
    for (let at = 0; at < Math.min(samples.length, 20_000); at += 1) {
      sum += samples[at]! * (decoded[at + late] ?? 0);
    }
    if (sum > best.sum) best = { late, sum };
  }
  return best.late;
}

function levelDb(samples: Int16Array): number {
  return 10 * Math.log10(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
}

/** What a telephone could carry: evenly loud below 4 kHz, nothing above. */
function noise(count: number): Int16Array {
  let state = 1;
  const white = Float64Array.from({ length: count + 64 }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return state >> 16;
  });
  const taps = Float64Array.from({ length: 64 }, (_, at) => {
    const x = (at - 31.5) / 2;
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * (at + 0.5)) / 64);
    return (window * Math.sin(Math.PI * x)) / (Math.PI * x) / 2;
  });
  return Int16Array.from({ length: count }, (_, at) =>
    Math.round(0.4 * taps.reduce((sum, tap, index) => sum + tap * white[at + index]!, 0)),
  );
}
