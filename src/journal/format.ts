/** Numbers of the journal format, version 1.0: docs/journal-format.md. */

export const MAGIC = 'TDJOURNL';
export const MAJOR_VERSION = 1;
export const MINOR_VERSION = 0;

export const MIN_HEADER_BYTES = 60;
export const MAX_HEADER_BYTES = 4096;

/** CRC and length before the records of a block. */
export const BLOCK_PREFIX_BYTES = 8;
/** Largest length that a block may state: room for the largest datagram and more. */
export const MAX_BLOCK_RECORDS_BYTES = 131_072;

/** Length, type, flags, stream number and time before the content of a record. */
export const RECORD_PREFIX_BYTES = 12;
export const MAX_RECORD_CONTENT_BYTES = 0xffff;

export const RECORD_PACKET = 1;
export const RECORD_JOINED = 2;
export const RECORD_LEFT = 3;
export const RECORD_PAUSED = 4;
export const RECORD_RESUMED = 5;
export const RECORD_TONE = 6;
export const RECORD_TICK = 7;
export const RECORD_ENDED = 8;
export const RECORD_CONTINUED = 9;
export const RECORD_ANCHOR = 10;

/** On `packet` and `joined`: the source is the server itself. */
export const FLAG_PLAYED = 1;

export const NO_STREAM = 0xffff;
export const NO_PAYLOAD_TYPE = 255;

/** Times are 48 bits: almost nine years. */
export const MAX_TIME_US: number = 2 ** 48 - 1;

export const DEFAULT_SEGMENT_BYTES: number = 64 * 1024 * 1024;

const SEGMENT_NAME = /^\d{6,}\.tdj$/;

export function segmentName(index: number): string {
  return `${String(index).padStart(6, '0')}.tdj`;
}

export function isSegmentName(name: string): boolean {
  return SEGMENT_NAME.test(name);
}
