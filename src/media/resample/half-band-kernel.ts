import { makeKernel, OP, PAGE_BYTES, unsigned } from '../wasm/assemble.ts';

/**
 * The inner loop of the half-band upsampler as WebAssembly with 128-bit SIMD, assembled here: four
 * samples at a time, for about a fifth of what the loop costs in JavaScript, and more than half of
 * a rendering is this loop. All arithmetic is in 32-bit floats, rounded alike on every machine.
 */

/** Most input samples that one call takes. */
export const KERNEL_SAMPLES = 2048;

export type HalfBandKernel = {
  /** Input: the samples that came before (one less than there are taps), then the new ones. */
  readonly window: Float32Array;
  /** Output: twice as many samples as new ones. */
  readonly output: Int16Array;
  /** Interpolates, rounds and clips `count` samples of the window, up to `KERNEL_SAMPLES`. */
  readonly run: (count: number) => void;
};

/** The same, with what is added at the output's rate before it is clipped. */
export type AddingKernel = HalfBandKernel & {
  /** Twice as many samples as new ones. */
  readonly addend: Int32Array;
};

const ADDEND_OFFSET_BYTES = (3 * PAGE_BYTES) / 16;
const OUTPUT_OFFSET_BYTES = PAGE_BYTES / 2;
const LANES = 4;
const FLOAT_BYTES = 4;
/** Room for what came before too, and for whole groups. */
const ADDEND_SAMPLES = 2 * KERNEL_SAMPLES + 64;

/** Parameters of the function, and its locals. */
const INPUT = 0;
const OUTPUT = 1;
const INPUT_END = 2;
const BETWEEN = 3;
const THEMSELVES = 4;

/**
 * @param half weights of the samples 0.5, 1.5, … away from the interpolated one.
 */
export function makeHalfBandKernel(half: readonly number[]): HalfBandKernel {
  return kernelOf(half, interleaved()).kernel;
}

/** As `makeHalfBandKernel`, with something added. */
export function makeAddingKernel(half: readonly number[]): AddingKernel {
  const { kernel, memory } = kernelOf(half, interleavedSums());
  return { ...kernel, addend: new Int32Array(memory, ADDEND_OFFSET_BYTES, ADDEND_SAMPLES) };
}

function kernelOf(
  half: readonly number[],
  joined: readonly number[],
): { readonly kernel: HalfBandKernel; readonly memory: ArrayBuffer } {
  const kernel = makeKernel<[input: number, output: number, inputEnd: number]>(
    3,
    2,
    instructions(half, joined),
  );
  const windowSamples = 2 * half.length - 1 + KERNEL_SAMPLES + LANES;
  return {
    kernel: {
      window: new Float32Array(kernel.memory, 0, windowSamples),
      output: new Int16Array(kernel.memory, OUTPUT_OFFSET_BYTES, 2 * KERNEL_SAMPLES),
      run: (count) => {
        // Whole groups of four: what is computed too much lies behind the output.
        if (count > 0) kernel.run(0, OUTPUT_OFFSET_BYTES, count * FLOAT_BYTES);
      },
    },
    memory: kernel.memory,
  };
}

function instructions(half: readonly number[], joined: readonly number[]): number[] {
  const left = half.length - 1;
  const code: number[] = [];
  half.forEach((weight, away) => {
    code.push(...load(left - away), ...load(left + 1 + away), ...OP.f32x4Add);
    code.push(...OP.v128Const, ...splat(weight), ...OP.f32x4Mul);
    if (away > 0) code.push(OP.get, BETWEEN, ...OP.f32x4Add);
    code.push(OP.set, BETWEEN);
  });
  return [
    ...OP.loop,
    ...code,
    ...[OP.get, OUTPUT],
    ...[...load(left), ...OP.i32x4TruncF32x4],
    ...[OP.get, BETWEEN, ...OP.f32x4Nearest, ...OP.i32x4TruncF32x4],
    ...joined,
    ...[...OP.v128Store, 1, 0],
    ...[OP.get, OUTPUT, OP.i32Const, 16, OP.i32Add, OP.set, OUTPUT],
    ...[OP.get, INPUT, OP.i32Const, LANES * FLOAT_BYTES, OP.i32Add, OP.tee, INPUT],
    ...[OP.get, INPUT_END, OP.i32Less, ...OP.branchIfToLoop],
    OP.end,
  ];
}

/** Clips the samples and those between them to 16 bits; then the two halves take turns. */
function interleaved(): number[] {
  return [
    ...OP.i16x8NarrowI32x4,
    ...[OP.tee, BETWEEN, OP.get, BETWEEN, ...OP.i8x16Shuffle],
    ...[0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15],
  ];
}

/** The two take turns first; then the addend comes on top, and the sums are clipped. */
function interleavedSums(): number[] {
  const both = [OP.get, THEMSELVES, OP.get, BETWEEN, ...OP.i8x16Shuffle];
  return [
    ...[OP.set, BETWEEN, OP.set, THEMSELVES],
    ...[...both, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23],
    ...[...loadAddend(0), ...OP.i32x4Add],
    ...[...both, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31],
    ...[...loadAddend(LANES), ...OP.i32x4Add],
    ...OP.i16x8NarrowI32x4,
  ];
}

/** Four samples of the addend, which moves on twice as fast as the input. */
function loadAddend(index: number): number[] {
  const offsetBytes = ADDEND_OFFSET_BYTES + index * Int32Array.BYTES_PER_ELEMENT;
  const address = [OP.get, INPUT, OP.get, INPUT, OP.i32Add];
  return [...address, ...OP.v128Load, 2, ...unsigned(offsetBytes)];
}

/** Four samples, the first of them `index` behind the input's position. */
function load(index: number): number[] {
  return [OP.get, INPUT, ...OP.v128Load, 2, ...unsigned(index * FLOAT_BYTES)];
}

function splat(value: number): number[] {
  return [...new Uint8Array(Float32Array.of(value, value, value, value).buffer)];
}
