/** Steps from `from` to `to` in 16-bit sequence order, −32768…32767, across the wrap. */
export function sequenceDistance(from: number, to: number): number {
  return ((to - from + 0x8000) & 0xffff) - 0x8000;
}

/** Ticks from `from` to `to` in 32-bit order, −2³¹…2³¹−1, across the wrap. */
export function timestampDistance(from: number, to: number): number {
  return (to - from) | 0;
}

/** `sequenceNumber` moved by any whole number of steps, 0…65535. */
export function addSequence(sequenceNumber: number, steps: number): number {
  return (sequenceNumber + steps) & 0xffff;
}

/** `timestamp` moved by a whole number of ticks, 0…2³²−1. `ticks` must be a safe integer. */
export function addTimestamp(timestamp: number, ticks: number): number {
  return (timestamp + (ticks % 0x1_0000_0000)) >>> 0;
}
