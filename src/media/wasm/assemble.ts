/** What is used of the global object: the compiler knows it only together with a browser's. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

export const PAGE_BYTES = 65_536;

/** Opcodes of the WebAssembly specification, §5.4 (binary format of instructions). */
export const OP = {
  loop: [0x03, 0x40],
  branchIfToLoop: [0x0d, 0x00],
  end: 0x0b,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  i32Const: 0x41,
  i32Less: 0x49,
  i32Add: 0x6a,
  v128Load: [0xfd, 0x00],
  v128Store: [0xfd, 0x0b],
  v128Const: [0xfd, 0x0c],
  i8x16Shuffle: [0xfd, 0x0d],
  f32x4Nearest: [0xfd, 0x6a],
  i16x8NarrowI32x4: [0xfd, 0x85, 0x01],
  i16x8Min: [0xfd, 0x96, 0x01],
  i16x8Max: [0xfd, 0x98, 0x01],
  i32x4Add: [0xfd, 0xae, 0x01],
  f32x4Add: [0xfd, 0xe4, 0x01],
  f32x4Mul: [0xfd, 0xe6, 0x01],
  i32x4TruncF32x4: [0xfd, 0xf8, 0x01],
} as const;

/** One page of memory, and a function that works in it. */
type Kernel<T extends unknown[]> = {
  readonly memory: ArrayBuffer;
  readonly run: (...parameters: T) => void;
};

/**
 * Makes a module of one function whose parameters are all 32-bit integers.
 * @param vectors how many locals of 128 bits it has; they are numbered behind the parameters.
 */
export function makeKernel<T extends number[]>(
  parameters: T['length'],
  vectors: number,
  code: readonly number[],
): Kernel<T> {
  const body = [1, vectors, 0x7b, ...code, OP.end];
  const types = Array.from({ length: parameters }, () => 0x7f);
  const bytes = Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, parameters, ...types, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...text('memory'), 2, 0, ...text('run'), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
  // Assembled above with exactly these exports.
  const { memory, run } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as {
    readonly memory: { readonly buffer: ArrayBuffer };
    readonly run: Kernel<T>['run'];
  };
  return { memory: memory.buffer, run };
}

/** LEB128. */
export function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function text(value: string): number[] {
  return [value.length, ...new TextEncoder().encode(value)];
}
