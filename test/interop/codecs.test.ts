import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeG711, g711Samples } from '../../src/media/g711/g711.ts';
import { MOST_PACKET_SAMPLES } from '../../src/media/codecs.ts';
import { Resampler } from '../../src/media/resample/resampler.ts';
import {
  encodedTalk,
  packetsOf,
  TEST_CODECS,
  TEST_FORMATS,
  type TestFormat,
} from '../../src/render/testing/encoded-talk.ts';
import type { PlannedPacket } from '../../src/render/testing/packets.ts';
import { render } from '../../src/render/testing/render-setup.ts';
import { oggOfPackets, packetsOfOgg } from '../support/ogg-opus.ts';

const RATE_HZ = 16_000;
const PACKET_MS = 20;
const PACKET_SAMPLES = 320;
const OPUS_BIT_RATE = '24k';
const LOOKAHEAD_SAMPLES = 104;
const MOST_SHIFT = 320;
/** In an order that jumps, in whole packets of all rates. */
const EVERY_SAMPLE = Int16Array.from({ length: 204 * 320 }, (_, at) => at * 40_503);

/** Two voices, one after the other, at 16 kHz. */
const VOICE = ((): Int16Array => {
  const codes = Buffer.concat(
    ['english-woman', 'american-man'].map((name) =>
      readFileSync(new URL(`../fixtures/voice/${name}.ulaw`, import.meta.url)),
    ),
  );
  const narrow = new Int16Array(codes.length);
  decodeG711('PCMU', codes, narrow);
  const resampler = new Resampler(8000, RATE_HZ);
  const wide = new Int16Array(resampler.mostFor(narrow.length + resampler.flushSamples));
  const written = resampler.process(narrow, 0, narrow.length, wide, 0);
  return wide.slice(0, Math.floor(written / PACKET_SAMPLES) * PACKET_SAMPLES);
})();

function ffmpeg(options: readonly string[], input: Uint8Array): Buffer {
  const run = spawnSync('ffmpeg', ['-v', 'error', ...options], { input, maxBuffer: 2 ** 26 });
  expect(run.stderr.toString()).toBe('');
  return run.stdout;
}

function bytesOf(samples: Int16Array): Buffer {
  return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
}

function samplesOf(bytes: Buffer): Int16Array {
  return new Int16Array(Uint8Array.from(bytes).buffer, 0, Math.floor(bytes.length / 2));
}

/** ffmpeg's Opus, by libopus: mono voice at 16 kHz. */
function opusOfFfmpeg(samples: Int16Array, ...options: readonly string[]): readonly Uint8Array[] {
  const input = ['-f', 's16le', '-ar', `${RATE_HZ}`, '-ac', '1', '-i', '-'];
  const coder = ['-c:a', 'libopus', '-application', 'voip', '-frame_duration', `${PACKET_MS}`];
  return packetsOfOgg(
    ffmpeg(
      [...input, ...coder, '-b:a', OPUS_BIT_RATE, ...options, '-f', 'ogg', '-'],
      bytesOf(samples),
    ),
  );
}

/** By the decoder that ffmpeg has written itself, not by libopus. */
function decodedByFfmpeg(packets: readonly Uint8Array[]): Int16Array {
  const input = ['-c:a', 'opus', '-f', 'ogg', '-i', '-'];
  return samplesOf(
    ffmpeg([...input, '-ar', `${RATE_HZ}`, '-f', 's16le', '-'], oggOfPackets(packets, PACKET_MS)),
  );
}

function decodedByUs(packets: readonly Uint8Array[]): Int16Array {
  const decoder = TEST_CODECS.decoder(TEST_FORMATS.opus)!;
  const samples = new Int16Array(packets.length * PACKET_SAMPLES);
  packets.forEach((packet, index) => {
    const at = index * PACKET_SAMPLES;
    expect(decoder.decode(packet, samples.subarray(at))).toBe(PACKET_SAMPLES);
  });
  decoder.close();
  return samples;
}

function payloadsOf(packets: readonly PlannedPacket[]): readonly Uint8Array[] {
  return packets.map(({ payload }) => payload);
}

type Range = readonly [from: number, to: number];

/** Of `actual`, which is later by `shift`, to `ideal`. */
function snrDb(
  actual: Int16Array,
  ideal: Int16Array,
  shift: number,
  ranges: readonly Range[],
): number {
  let signal = 0;
  let noise = 0;
  for (const [from, to] of ranges) {
    for (let at = from; at < to; at += 1) {
      const wanted = ideal[at]!;
      signal += wanted ** 2;
      noise += ((actual[at + shift] ?? 0) - wanted) ** 2;
    }
  }
  return 10 * Math.log10(signal / noise);
}

/** The best of all places where `actual` may stand, before or behind. */
function alignedSnrDb(actual: Int16Array, ideal: Int16Array): { shift: number; snr: number } {
  const ranges = [[MOST_SHIFT, Math.min(actual.length, ideal.length) - MOST_SHIFT]] as const;
  let best = { shift: 0, snr: -Infinity };
  for (let shift = -MOST_SHIFT; shift <= MOST_SHIFT; shift += 1) {
    const snr = snrDb(actual, ideal, shift, ranges);
    if (snr > best.snr) best = { shift, snr };
  }
  return best;
}

describe('Opus', () => {
  const ours = payloadsOf(encodedTalk({ format: 'opus', ssrc: 1, startUs: 0 }, VOICE));
  const theirs = opusOfFfmpeg(VOICE);

  test.each([
    ['our encoder', ours],
    ['the encoder of ffmpeg', theirs],
  ])('of %s is the voice, and the same to us as to the decoder of ffmpeg', (_name, packets) => {
    const heard = decodedByUs(packets);
    // At 24 kbit/s the wave is kept as far as it is heard; libopus looks 6.5 ms ahead.
    const toVoice = alignedSnrDb(heard, VOICE);
    expect(toVoice.shift).toBe(LOOKAHEAD_SAMPLES);
    expect(toVoice.snr).toBeGreaterThan(5.5);
    const toTheirs = alignedSnrDb(decodedByFfmpeg(packets), heard);
    expect(toTheirs.shift).toBe(0);
    expect(toTheirs.snr).toBeGreaterThan(35);
  });

  test('of our encoder is as near to the voice as that of ffmpeg', () => {
    const [our, their] = [ours, theirs].map((packets) =>
      alignedSnrDb(decodedByFfmpeg(packets), VOICE),
    );
    expect(our!.snr).toBeGreaterThan(their!.snr - 1);
  });

  test('of which every tenth packet is lost is nearer to the whole in a recording than concealment comes', async () => {
    const loss = ['-packet_loss', '10'];
    const withFec = opusOfFfmpeg(VOICE, ...loss, '-fec', '1');
    const concealed = concealedSnrDb(withFec);
    expect(await recordedSnrDb(withFec)).toBeGreaterThan(concealed + 2.5);
    // Our encoder tells of the packet before, too.
    expect(await recordedSnrDb(ours)).toBeGreaterThan(concealedSnrDb(ours) + 2.5);
    // Of what nothing tells, a recording has silence: the error is all of the sound.
    const withoutFec = opusOfFfmpeg(VOICE, ...loss, '-fec', '0');
    expect(Math.abs(await recordedSnrDb(withoutFec))).toBeLessThan(0.5);
  });
});

function isLost(_packet: unknown, index: number): boolean {
  return index % 10 === 5;
}

/** Where the sound of lost packets stands, `earlier` than the packets themselves. */
function lostPlaces(packets: readonly unknown[], earlier: number): readonly Range[] {
  return packets
    .map((_packet, index) => index * PACKET_SAMPLES - earlier)
    .map((from) => [from, from + PACKET_SAMPLES] as const)
    .filter(isLost);
}

/** How near a recording with losses comes, where these are, to that of the same packets without any. */
async function recordedSnrDb(payloads: readonly Uint8Array[]): Promise<number> {
  const packets = packetsOf({ format: 'opus', ssrc: 1, startUs: 0 }, PACKET_MS, payloads);
  const record = async (arrived: readonly PlannedPacket[]): Promise<Int16Array> => {
    const stream = { participantId: 'voice', format: TEST_FORMATS.opus, packets: arrived };
    const endUs = payloads.length * PACKET_MS * 1000;
    const { samples } = await render({ streams: [stream], endUs });
    expect(samples).toHaveLength(payloads.length * PACKET_SAMPLES);
    return samples;
  };
  const whole = await record(packets);
  const broken = await record(packets.filter((packet, index) => !isLost(packet, index)));
  // Recordings have taken off what the coder looks ahead.
  return snrDb(broken, whole, 0, lostPlaces(packets, LOOKAHEAD_SAMPLES));
}

/** The same of a decoder that only conceals. */
function concealedSnrDb(payloads: readonly Uint8Array[]): number {
  const decoder = TEST_CODECS.decoder(TEST_FORMATS.opus)!;
  const broken = new Int16Array(payloads.length * PACKET_SAMPLES);
  payloads.forEach((payload, index) => {
    const into = broken.subarray(index * PACKET_SAMPLES, (index + 1) * PACKET_SAMPLES);
    if (isLost(payload, index)) decoder.conceal(PACKET_SAMPLES, into);
    else decoder.decode(payload, into);
  });
  decoder.close();
  return snrDb(broken, decodedByUs(payloads), 0, lostPlaces(payloads, 0));
}

describe.each([
  ['PCMU', 'mulaw', 8000],
  ['PCMA', 'alaw', 8000],
  ['L16', 's16be', 16_000],
  ['L16-8', 's16be', 8000],
  ['G722', 'g722', 16_000],
] as const)('%s', (format, container, rateHz) => {
  const rate = ['-ar', `${rateHz}`];
  const input = container === 'g722' ? ['-f', container] : ['-f', container, ...rate];
  /** Voices, and every sample of 16 bits once. */
  const samples = Int16Array.from([...VOICE, ...EVERY_SAMPLE]);

  test('of our encoder is to ffmpeg what it is to us', () => {
    const payloads = payloadsOf(encodedTalk({ format, ssrc: 1, startUs: 0 }, samples));
    const theirs = samplesOf(
      ffmpeg([...input, '-i', '-', '-f', 's16le', '-'], Buffer.concat(payloads)),
    );
    const ours = decodedSamples(format, payloads);
    expect(ours.length).toBe(samples.length);
    expect(ours).toEqual(theirs);
  });

  test('of ffmpeg is to us what it is to ffmpeg', () => {
    const source = ['-f', 's16le', ...rate, '-i', '-'];
    const coded = ffmpeg([...source, '-f', container, '-'], bytesOf(samples));
    const theirs = samplesOf(ffmpeg([...input, '-i', '-', '-f', 's16le', '-'], coded));
    const payloads = encodedTalk({ format, ssrc: 1, startUs: 0 }, samples).map(({ payload }, at) =>
      coded.subarray(at * payload.length, (at + 1) * payload.length),
    );
    expect(decodedSamples(format, payloads)).toEqual(theirs);
    const ours = payloadsOf(encodedTalk({ format, ssrc: 1, startUs: 0 }, samples));
    if (format !== 'PCMU' && format !== 'PCMA') {
      expect(Buffer.concat(ours).equals(coded)).toBe(true);
      return;
    }
    // Near the middle of two codes G.711 and ffmpeg decide differently, but never for another one.
    const levels = [...new Set(g711Samples(format))].sort((a, b) => a - b);
    const heard = decodedSamples(format, ours);
    const steps = Array.from(heard, (level, at) =>
      Math.abs(levels.indexOf(level) - levels.indexOf(theirs[at]!)),
    );
    expect(Math.max(...new Set(steps))).toBeLessThanOrEqual(1);
    expect(steps.filter((step) => step === 1).length / steps.length).toBeLessThan(0.04);
  });
});

function decodedSamples(format: TestFormat, payloads: readonly Uint8Array[]): Int16Array {
  const decoder = TEST_CODECS.decoder(TEST_FORMATS[format])!;
  const into = new Int16Array(MOST_PACKET_SAMPLES);
  const parts = payloads.map((payload) => [...into.subarray(0, decoder.decode(payload, into))]);
  decoder.close();
  return Int16Array.from(parts.flat());
}
