/**
 * Sums of sources, kept as 32-bit integers and clipped once, at the end: exact, whatever the order,
 * for up to 65,536 sources.
 */

/** Adds `samples` into `sum` from index `at` on; what would stand outside of `sum` is left out. */
export function addSamples(sum: Int32Array, at: number, samples: Int16Array): void {
  const from = Math.max(0, -at);
  const to = Math.min(samples.length, sum.length - at);
  for (let index = from; index < to; index += 1) {
    sum[at + index] = (sum[at + index] ?? 0) + (samples[index] ?? 0);
  }
}

/**
 * Adds codes `from` up to `to` (excluded) of `codes`, looked up in a table of 256 samples, into
 * `sum` from index `at` on. The caller has clipped the range to both arrays.
 */
export function addCodes(
  sum: Int32Array,
  at: number,
  table: Int16Array,
  codes: Uint8Array,
  from: number,
  to: number,
): void {
  const shift = at - from;
  for (let index = from; index < to; index += 1) {
    // The caller keeps every index inside; a fallback for `undefined` would double the cost.
    sum[index + shift] = (sum[index + shift] as number) + (table[codes[index] as number] as number);
  }
}

/** Clips `count` sums to 16 bits, into the start of `into`. */
export function clipSum(sum: Int32Array, count: number, into: Int16Array): void {
  for (let at = 0; at < count; at += 1) {
    const value = sum[at] ?? 0;
    into[at] = value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value;
  }
}
