import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { opusTones, packetOf } from '../support/load/opus-tones.ts';
import { callerFrequenciesHz, PACKET_MS } from '../support/load/payloads.ts';
import { farthestDb } from '../support/load/tone-check.ts';
import { oggOfPackets } from '../support/ogg-opus.ts';

const RATE_HZ = 16_000;
const PACKETS = 400;
/** What the encoder begins with is silence. */
const FIRST_FRAMES = 3;

/** By the reference decoder as ffmpeg has it: compiled for this machine, at 48 kHz. */
function decodedByFfmpeg(packets: readonly Uint8Array[]): Int16Array {
  const input = ['-c:a', 'libopus', '-f', 'ogg', '-i', '-'];
  const output = ['-f', 's16le', '-ac', '1', '-ar', String(RATE_HZ), '-'];
  const run = spawnSync('ffmpeg', ['-v', 'error', ...input, ...output], {
    input: oggOfPackets(packets, PACKET_MS),
    maxBuffer: 2 ** 26,
  });
  expect(run.stderr.toString()).toBe('');
  return new Int16Array(Uint8Array.from(run.stdout).buffer);
}

test('ffmpeg hears the tones of callers that speak Opus as evenly as their recordings have to be', async () => {
  const tones = await opusTones(callerFrequenciesHz());
  expect(tones.size).toBe(31);
  for (const [frequencyHz, tone] of tones) {
    const packets = Array.from({ length: PACKETS }, (_, number) => packetOf(tone, number));
    const samples = decodedByFfmpeg(packets);
    expect(samples.length).toBeGreaterThan((PACKETS - 2) * 320);
    const whole = samples.subarray(0, (PACKETS - 2) * 320);
    expect(farthestDb(whole, RATE_HZ, frequencyHz, FIRST_FRAMES), `${frequencyHz} Hz`).toBeLessThan(
      1,
    );
  }
});

test('a round that begins with a packet in the middle of its encoder’s is heard as uneven', async () => {
  const tones = await opusTones([1_050, 1_800]);
  for (const [frequencyHz, { beginning, round }] of tones) {
    const samples = decodedByFfmpeg([...round.slice(20), ...beginning, ...round]);
    expect(farthestDb(samples, RATE_HZ, frequencyHz, FIRST_FRAMES)).toBeGreaterThan(1);
  }
});
