import { StreamingData } from '@azure/communication-call-automation';
import { expect, test } from 'vitest';
import { audioText, metadataText, toneText } from './stream-frames.ts';

test.each([
  ['pcm16KMono', 16_000, 640],
  ['pcm24KMono', 24_000, 960],
] as const)('metadata of %s say rate and bytes of a frame', (format, sampleRate, length) => {
  const text = metadataText('subscription', format);
  expect(StreamingData.parse(text)).toEqual({
    subscriptionId: 'subscription',
    encoding: 'PCM',
    sampleRate,
    channels: 1,
  });
  expect(JSON.parse(text)).toMatchObject({ audioMetadata: { length } });
});

test('audio is 16-bit little-endian in base64, with its time and whose it is', () => {
  const memory = new Int16Array([9, 1, -2, 0x1234]);
  const text = audioText({
    participantId: '4:+15550100',
    samples: memory.subarray(1),
    isSilent: false,
    atMs: Date.UTC(2026, 0, 1, 12, 0, 0, 20),
  });
  expect(StreamingData.parse(text)).toMatchObject({
    data: Buffer.from([1, 0, 0xfe, 0xff, 0x34, 0x12]).toString('base64'),
    timestamp: '2026-01-01T12:00:00.020Z',
    isSilent: false,
    participant: { phoneNumber: '+15550100' },
  });
});

test('audio of everybody names nobody', () => {
  const samples = new Int16Array(320);
  const text = audioText({ participantId: undefined, samples, isSilent: true, atMs: 0 });
  expect(StreamingData.parse(text)).toMatchObject({ isSilent: true, participant: undefined });
  expect(text).not.toContain('participantRawID');
});

test.each([
  [[0, 0, 8, -8, 16, -16], false, true],
  [[0, 0, 17, 0], false, false],
  [[0, -17, 0, 0], false, false],
  [[9000, 9000], true, true],
])('%j, of nobody: %j, is silent: %j', (samples, isSilent, silent) => {
  const text = audioText({
    participantId: undefined,
    samples: new Int16Array(samples),
    isSilent,
    atMs: 0,
  });
  expect(StreamingData.parse(text)).toMatchObject({ isSilent: silent });
});

test.each(['0', '*', '#', 'D'] as const)('the key %s is told of as itself', (tone) => {
  expect(StreamingData.parse(toneText(tone))).toEqual({ data: tone });
});
