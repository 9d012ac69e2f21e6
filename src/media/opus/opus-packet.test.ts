import fc from 'fast-check';
import { createEncoder, getPacketInfo } from 'libopus-wasm';
import { expect, test } from 'vitest';
import { isSilentOpus, opusEarlierSamples, opusPacketSamples } from './opus-packet.ts';

const VOIP = 2048;
/** Never speech coding. */
const LOW_DELAY = 2051;
const NARROW = 1101 as const;

function tone(samples: number, at: number): Int16Array {
  return Int16Array.from({ length: samples }, (_, index) => 9000 * Math.sin((at + index) * 0.07));
}

/** Packets of a tone, by the package's own encoder. */
async function packets(
  packetMs: number,
  options: Parameters<typeof createEncoder>[0],
): Promise<Uint8Array[]> {
  const channels = options?.channels ?? 1;
  const frameSize = packetMs * 48;
  const encoder = await createEncoder({
    sampleRate: 48_000,
    application: VOIP,
    channels,
    frameSize,
    ...options,
  });
  const made = Array.from({ length: 12 }, (_, index) =>
    encoder.encode(tone(frameSize * channels, index * frameSize * channels)).slice(),
  );
  encoder.free();
  return made;
}

test.each([2.5, 5, 10, 20, 40, 60])('a packet of %f ms is that long', async (ms) => {
  for (const bitrate of [12_000, 40_000, 128_000]) {
    for (const packet of await packets(ms, { bitrate })) {
      expect(opusPacketSamples(packet, 0, packet.length)).toBe(ms * 16);
      // Also when it stands between other bytes.
      const among = Uint8Array.of(0xff, ...packet, 0xff);
      expect(opusPacketSamples(among, 1, packet.length)).toBe(ms * 16);
    }
  }
});

/** Two frames in one packet, whose lengths differ (RFC 6716 §3.2.4); of the first packets' frames. */
function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = first.length - 1;
  const length = bytes < 252 ? [bytes] : [252 + (bytes & 3), (bytes - 252 - (bytes & 3)) / 4];
  return Uint8Array.of(first[0]! | 2, ...length, ...first.subarray(1), ...second.subarray(1));
}

test('a packet of several frames is as long as all of them, and tells of what is before the first', async () => {
  const [, , , first, second] = await packets(60, {
    bitrate: 24_000,
    maxBandwidth: NARROW,
    fec: true,
    packetLossPercent: 30,
  });
  const both = joined(first!, second!);
  expect((await getPacketInfo(both, { sampleRate: 16_000 })).samples).toBe(1920);
  expect(opusPacketSamples(both, 0, both.length)).toBe(1920);
  expect(opusEarlierSamples(both)).toBe(960);
});

test('any bytes are as long as libopus says, or no packet', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 8 }), async (bytes) => {
      const info = await getPacketInfo(bytes, { sampleRate: 16_000 }).catch(() => undefined);
      const samples = opusPacketSamples(bytes, 0, bytes.length);
      if (info !== undefined) expect(samples).toBe(info.samples);
      expect(opusEarlierSamples(bytes)).toBeLessThanOrEqual(960);
    }),
    { numRuns: 500 },
  );
  expect(opusPacketSamples(new Uint8Array(), 0, 0)).toBe(0);
});

test.each([
  ['mono', 1, 20],
  ['mono, 40 ms', 1, 40],
  ['mono, 60 ms', 1, 60],
  ['stereo', 2, 20],
] as const)('says whether it tells of the packet before: %s', async (_what, channels, ms) => {
  const plain = { bitrate: 24_000, channels, maxBandwidth: NARROW } as const;
  const without = await packets(ms, plain);
  expect(without.map(opusEarlierSamples)).toEqual(without.map(() => 0));
  const told = await packets(ms, { ...plain, fec: true, packetLossPercent: 30 });
  // The first has nothing before it, the second nothing that was worth it.
  expect(told.slice(2).map(opusEarlierSamples)).toEqual(told.slice(2).map(() => ms * 16));
});

test('a packet of music tells of nothing before', async () => {
  const music = await packets(20, { application: LOW_DELAY, fec: true, packetLossPercent: 30 });
  expect(music.map(opusEarlierSamples)).toEqual(music.map(() => 0));
});

test('a packet that says that nothing is heard has two bytes at most', () => {
  expect(isSilentOpus(Uint8Array.of(0x48))).toBe(true);
  expect(isSilentOpus(Uint8Array.of(0x48, 1, 2))).toBe(false);
});
