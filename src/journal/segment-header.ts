import { crc32 } from 'node:zlib';
import { defect, parsed, type Parsed } from '../core/result.ts';
import {
  MAGIC,
  MAJOR_VERSION,
  MAX_HEADER_BYTES,
  MIN_HEADER_BYTES,
  MINOR_VERSION,
} from './format.ts';

export type SegmentHeader = {
  readonly majorVersion: number;
  readonly minorVersion: number;
  readonly segment: number;
  /** Last CRC of the segment before; 0 in the first. */
  readonly previousCrc: number;
  /** Size of the segment before; 0 in the first. */
  readonly previousBytes: number;
  /** Wall clock at the journal's start, µs since 1970. */
  readonly startedWallUs: number;
  /** Monotonic clock of the writing machine at the journal's start. */
  readonly startedMonotonicUs: number;
  readonly recordingId: string;
  readonly nodeId: string;
};

export type ReadHeader = SegmentHeader & {
  /** Size of the header: where the first block begins. */
  readonly headerBytes: number;
  /** The header's CRC, seed of the first block's. */
  readonly crc: number;
};

export type HeaderDefect = 'header-incomplete' | 'not-a-journal' | 'header-crc' | 'later-version';

const FIXED_BYTES = 48;
const CRC_BYTES = 4;
const decoder = new TextDecoder();

/** Throws a `RangeError` if the ids do not fit into 4096 bytes. */
export function encodeHeader(
  header: Omit<SegmentHeader, 'majorVersion' | 'minorVersion'>,
): Uint8Array {
  const recordingId = Buffer.from(header.recordingId);
  const nodeId = Buffer.from(header.nodeId);
  const headerBytes = Math.max(
    MIN_HEADER_BYTES,
    FIXED_BYTES + 2 + recordingId.length + 2 + nodeId.length + CRC_BYTES,
  );
  if (headerBytes > MAX_HEADER_BYTES) throw new RangeError('journal ids are too long');
  const bytes = Buffer.alloc(headerBytes);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt16LE(MAJOR_VERSION, 8);
  bytes.writeUInt16LE(MINOR_VERSION, 10);
  bytes.writeUInt32LE(headerBytes, 12);
  bytes.writeUInt32LE(header.segment, 16);
  bytes.writeUInt32LE(header.previousCrc, 20);
  bytes.writeBigUInt64LE(BigInt(header.previousBytes), 24);
  bytes.writeBigUInt64LE(BigInt(header.startedWallUs), 32);
  bytes.writeBigUInt64LE(BigInt(header.startedMonotonicUs), 40);
  let at = bytes.writeUInt16LE(recordingId.length, FIXED_BYTES);
  at += recordingId.copy(bytes, at);
  at = bytes.writeUInt16LE(nodeId.length, at);
  nodeId.copy(bytes, at);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, headerBytes - CRC_BYTES)), headerBytes - CRC_BYTES);
  return bytes;
}

/** Reads the header at the start of `bytes`. Accepts any bytes; never throws. */
export function readHeader(bytes: Uint8Array): Parsed<ReadHeader, HeaderDefect> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = buffer.toString('latin1', 0, MAGIC.length);
  if (magic !== MAGIC.slice(0, magic.length)) return defect('not-a-journal');
  if (buffer.length < 16) return defect('header-incomplete');
  const headerBytes = buffer.readUInt32LE(12);
  if (headerBytes < MIN_HEADER_BYTES || headerBytes > MAX_HEADER_BYTES) return defect('header-crc');
  if (buffer.length < headerBytes) return defect('header-incomplete');
  const crc = buffer.readUInt32LE(headerBytes - CRC_BYTES);
  if (crc32(buffer.subarray(0, headerBytes - CRC_BYTES)) !== crc) return defect('header-crc');
  const majorVersion = buffer.readUInt16LE(8);
  if (majorVersion !== MAJOR_VERSION) return defect('later-version');
  const recordingId = textAt(buffer, FIXED_BYTES, headerBytes - CRC_BYTES);
  const nodeId =
    recordingId === undefined
      ? undefined
      : textAt(buffer, recordingId.end, headerBytes - CRC_BYTES);
  if (recordingId === undefined || nodeId === undefined) return defect('header-crc');
  return parsed({
    majorVersion,
    minorVersion: buffer.readUInt16LE(10),
    segment: buffer.readUInt32LE(16),
    previousCrc: buffer.readUInt32LE(20),
    previousBytes: Number(buffer.readBigUInt64LE(24)),
    startedWallUs: Number(buffer.readBigUInt64LE(32)),
    startedMonotonicUs: Number(buffer.readBigUInt64LE(40)),
    recordingId: recordingId.text,
    nodeId: nodeId.text,
    headerBytes,
    crc,
  });
}

function textAt(
  buffer: Buffer,
  start: number,
  limit: number,
): { readonly text: string; readonly end: number } | undefined {
  if (start + 2 > limit) return undefined;
  const end = start + 2 + buffer.readUInt16LE(start);
  if (end > limit) return undefined;
  return { text: decoder.decode(buffer.subarray(start + 2, end)), end };
}
