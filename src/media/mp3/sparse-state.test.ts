import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SPARSE_BLOCK_BYTES, SparseState } from './sparse-state.ts';

const WORDS = (40 * SPARSE_BLOCK_BYTES) / 4;
const changes = fc.array(fc.tuple(fc.nat(WORDS - 1), fc.integer()), { maxLength: 60 });

test('two states take turns in one memory, whatever they changed', () => {
  fc.assert(
    fc.property(changes, changes, changes, (first, second, again) => {
      const image = Int32Array.from({ length: WORDS }, (_, at) => at * 7_919);
      const memory = image.slice();
      const [one, other] = [new SparseState(), new SparseState()];

      change(memory, first);
      const ofOne = memory.slice();
      one.takeFrom(memory, image);
      expect(memory).toEqual(image);

      change(memory, second);
      const ofOther = memory.slice();
      other.takeFrom(memory, image);
      one.putInto(memory);
      expect(memory).toEqual(ofOne);

      change(memory, again);
      const ofOneLater = memory.slice();
      one.takeFrom(memory, image);
      other.putInto(memory);
      expect(memory).toEqual(ofOther);
      other.takeFrom(memory, image);
      one.putInto(memory);
      expect(memory).toEqual(ofOneLater);
    }),
  );
});

test('only blocks that differ are kept', () => {
  const image = new Int32Array(WORDS);
  const memory = image.slice();
  memory[0] = 1;
  memory[WORDS - 1] = 1;
  const state = new SparseState();
  state.takeFrom(memory, image);
  expect(state.bytes).toBeLessThan(20 * SPARSE_BLOCK_BYTES);
});

function change(memory: Int32Array, edits: readonly (readonly [number, number])[]): void {
  for (const [at, value] of edits) memory[at] = value;
}
