import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sine } from '../media/tone/sine.ts';
import { levelDb, toneAmplitude } from '../media/tone/tone-meter.ts';
import { wavHeader } from '../media/wav/wav-header.ts';
import { halveRate, loadClips } from './clips.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tapedeck-clips-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function write(name: string, sampleRateHz: number, channels: number, samples: Int16Array): void {
  const header = wavHeader({ sampleRateHz, channels }, samples.byteLength);
  writeFileSync(join(directory, name), Buffer.concat([header, Buffer.from(samples.buffer)]));
}

async function load(file: string): Promise<Int16Array> {
  const clips = await loadClips([{ steps: [{ do: 'speak', file }] }], directory);
  return clips.get(file)!;
}

test('the two clips that come with Tapedeck are speech of six seconds, and differ', async () => {
  const [alice, bob] = [await load('clip:alice'), await load('clip:bob')];
  expect([alice.length, bob.length]).toEqual([48_000, 48_000]);
  expect(alice).not.toEqual(bob);
  expect(Math.max(...alice)).toBeGreaterThan(10_000);
});

test('a file of 8 kHz is taken as it is, relative to the configuration', async () => {
  write('a.wav', 8000, 1, Int16Array.of(1, -2, 3));
  expect(await load('a.wav')).toEqual(Int16Array.of(1, -2, 3));
});

describe('a file of 16 kHz', () => {
  test('keeps speech within a tenth of a decibel, at its time', async () => {
    for (const frequencyHz of [300, 1000, 3000]) {
      write('b.wav', 16_000, 1, sine({ frequencyHz, amplitude: 10_000 }, 16_000, 8000));
      const clip = await load('b.wav');
      expect(Math.abs(levelDb(toneAmplitude(clip, 8000, frequencyHz), 10_000))).toBeLessThan(0.1);
      const wanted = sine({ frequencyHz, amplitude: 10_000 }, 8000, 4000);
      for (let at = 100; at < 3900; at += 1) {
        expect(Math.abs(clip[at]! - wanted[at]!)).toBeLessThan(120);
      }
    }
  });

  test('loses what 8 kHz cannot hold, instead of folding it down', () => {
    const halved = halveRate(sine({ frequencyHz: 5200, amplitude: 10_000 }, 16_000, 8000));
    expect(levelDb(toneAmplitude(halved, 8000, 2800, 100, 3800), 10_000)).toBeLessThan(-50);
  });
});

test.each([
  ['missing.wav', 'sim: missing.wav cannot be read'],
  ['clip:carol', 'sim: clip:carol cannot be read'],
  ['text.wav', 'sim: text.wav is not a mono WAV of 8 or 16 kHz (not-wav)'],
  ['stereo.wav', 'sim: stereo.wav is not a mono WAV of 8 or 16 kHz (8000 Hz, 2 channels)'],
  ['cd.wav', 'sim: cd.wav is not a mono WAV of 8 or 16 kHz (44100 Hz, 1 channels)'],
])('%s is refused in one line', async (file, message) => {
  writeFileSync(join(directory, 'text.wav'), 'hello');
  write('stereo.wav', 8000, 2, Int16Array.of(1, 2));
  write('cd.wav', 44_100, 1, Int16Array.of(1, 2));
  await expect(load(file)).rejects.toMatchObject({ code: 'option-invalid', message });
});
