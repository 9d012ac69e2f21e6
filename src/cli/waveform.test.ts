import { expect, test } from 'vitest';
import { waveform } from './waveform.ts';

function wavOf(samples: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(44 + samples.length * 2);
  const view = new DataView(bytes.buffer);
  samples.forEach((sample, index) => view.setInt16(44 + index * 2, sample, true));
  return bytes;
}

test('silence is blank, full scale is a full block, and quieter is lower', () => {
  expect(waveform(wavOf([0, 0, -32_768, 0, 3_276, 0]), 3)).toBe(' █▅');
});

test('a file without samples is all blank', () => {
  expect(waveform(new Uint8Array(10), 4)).toBe('    ');
});
