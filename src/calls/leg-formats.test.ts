import { expect, test } from 'vitest';
import type { AudioFormat } from '../core/media-format.ts';
import { BUILT_FORMATS } from './dial.ts';
import { formatsOf, preferring } from './leg-formats.ts';

const PCMU: AudioFormat = { codec: 'PCMU', payloadType: 0, clockRateHz: 8_000 };
const OPUS: AudioFormat = { codec: 'opus', payloadType: 96, clockRateHz: 48_000 };
const L16: AudioFormat = { codec: 'L16', payloadType: 97, clockRateHz: 8_000 };

function names(formats: readonly AudioFormat[]): readonly string[] {
  return formats.map(({ codec, clockRateHz }) => `${codec}/${clockRateHz}`);
}

test('we offer what costs nothing first', () => {
  const ours = ['PCMU/8000', 'PCMA/8000', 'G722/8000', 'opus/48000', 'L16/16000'];
  expect(names(BUILT_FORMATS)).toEqual(ours);
  expect(names(formatsOf(undefined))).toEqual(ours);
});

test('what a caller offers keeps its order and gets our numbers', () => {
  const offered = formatsOf([OPUS, L16, PCMU]);
  expect(names(offered)).toEqual(['opus/48000', 'L16/8000', 'PCMU/8000']);
  expect(offered.map((format) => format.payloadType)).toEqual([111, 113, 0]);
});

test('what others speak comes first, if it is among what may be spoken', () => {
  expect(names(preferring([OPUS])).slice(0, 2)).toEqual(['opus/48000', 'PCMU/8000']);
  expect(names(preferring([OPUS], [PCMU]))).toEqual(['PCMU/8000']);
  expect(names(preferring([OPUS, L16], [PCMU, L16, OPUS]))).toEqual([
    'L16/8000',
    'opus/48000',
    'PCMU/8000',
  ]);
});
