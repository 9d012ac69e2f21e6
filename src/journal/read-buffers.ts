import { BLOCK_PREFIX_BYTES, MAX_BLOCK_RECORDS_BYTES } from './format.ts';

/** Holds the largest block, and makes reads of hours few. */
const READ_BUFFER_BYTES = 256 * 1024;
const KEPT_BUFFERS = 2;

if (READ_BUFFER_BYTES < BLOCK_PREFIX_BYTES + MAX_BLOCK_RECORDS_BYTES) {
  throw new RangeError('a read buffer must hold the largest block');
}

// Hundreds of readers follow journals in one thread, but only a few read in the same moment.
const free: Uint8Array[] = [];

export function lendReadBuffer(): Uint8Array {
  return free.pop() ?? new Uint8Array(READ_BUFFER_BYTES);
}

export function returnReadBuffer(buffer: Uint8Array): void {
  if (free.length < KEPT_BUFFERS) free.push(buffer);
}
