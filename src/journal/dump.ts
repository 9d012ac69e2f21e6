import { basename, dirname, join } from 'node:path';
import { systemCode, TapedeckError } from '../core/error.ts';
import type { Disk } from '../core/ports/disk.ts';
import { isSegmentName } from './format.ts';
import { follows } from './journal-reader.ts';
import type { JournalStream } from './journal-stream.ts';
import type { JournalVisitor } from './journal-visitor.ts';
import { nodeDisk } from './node-disk.ts';
import type { ReadHeader } from './segment-header.ts';
import { SegmentReader } from './segment-reader.ts';

/** Takes text of whole lines, each with its line feed. */
export type DumpOutput = (text: string) => void | Promise<void>;

const MAX_BYTES_AT_ONCE = 256 * 1024;
const FIXED_RTP_HEADER_BYTES = 12;
/** What opening or reading says of a path that is missing, or a directory without segments. */
const NO_FILE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);

/**
 * Prints a journal (a directory) or one segment (a file) for a person: a line per block and record.
 * Damage is reported where it begins, and the next segment is tried. Rejects with `journal-invalid`
 * if there is nothing to read, and with the disk's errors.
 * @returns whether everything was whole; a journal without `ended` counts as whole.
 */
export async function dumpJournal(
  path: string,
  out: DumpOutput,
  disk: Disk = nodeDisk,
): Promise<{ readonly whole: boolean }> {
  // Of a file there is no list.
  const names = await disk.list(path).catch(() => []);
  const segments = names.filter(isSegmentName);
  if (segments.length > 0) return dumpSegments(path, segments, out, disk);
  try {
    return await dumpSegments(dirname(path), [basename(path)], out, disk);
  } catch (error) {
    if (!NO_FILE.has(systemCode(error))) throw error;
    throw new TapedeckError('journal-invalid', `no journal: ${path}`, { cause: error });
  }
}

async function dumpSegments(
  directory: string,
  names: readonly string[],
  out: DumpOutput,
  disk: Disk,
): Promise<{ readonly whole: boolean }> {
  let whole = true;
  let before: SegmentReader | undefined;
  for (const name of names) {
    const path = join(directory, name);
    const opened = await SegmentReader.open(await disk.open(path, 'read'));
    if (!opened.ok) {
      whole = false;
      await out(`segment ${path}\n!! damage at 0: ${opened.defect}\n`);
      before = undefined;
      continue;
    }
    const reader = opened.value;
    try {
      await out(headerText(path, reader.header));
      if (before !== undefined && !follows(reader.header, before)) {
        whole = false;
        await out('!! wrong-segment: this is not what followed the segment before\n');
      }
      whole = (await dumpBlocks(reader, out)) && whole;
    } finally {
      await reader.close();
    }
    before = reader;
  }
  return { whole };
}

async function dumpBlocks(reader: SegmentReader, out: DumpOutput): Promise<boolean> {
  const lines = new DumpLines();
  let state = await reader.readMore(lines, MAX_BYTES_AT_ONCE);
  for (; state === 'more'; state = await reader.readMore(lines, MAX_BYTES_AT_ONCE)) {
    await out(lines.take());
  }
  await out(lines.take());
  const behindBytes = (await reader.sizeBytes()) - reader.offsetBytes;
  if (state === 'waiting') {
    if (behindBytes > 0) {
      await out(`!! incomplete block at ${reader.offsetBytes}: ${behindBytes} bytes behind it\n`);
      return false;
    }
    await out('-- no end: still being written, or its writer died\n');
    return true;
  }
  if (state === 'ended' || state === 'continued') {
    if (behindBytes > 0) await out(`!! ${behindBytes} bytes behind the end\n`);
    return behindBytes === 0;
  }
  await out(`!! damage at ${reader.offsetBytes}: ${state}, ${behindBytes} bytes from there on\n`);
  return false;
}

function headerText(path: string, header: ReadHeader): string {
  const started = new Date(header.startedWallUs / 1000).toISOString();
  return (
    `segment ${path}  crc ok\n` +
    `   format ${header.majorVersion}.${header.minorVersion}  index ${header.segment}` +
    `  recording ${quoted(header.recordingId)}  node ${quoted(header.nodeId)}  started ${started}\n`
  );
}

/** One line a record: time in seconds since the journal's start, stream, what it is. */
class DumpLines implements JournalVisitor {
  #text = '';

  take(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }

  block(offsetBytes: number, sizeBytes: number, crc: number): void {
    const hex = crc.toString(16).padStart(8, '0');
    this.#text += `   block at ${offsetBytes}  bytes=${sizeBytes}  crc=${hex} ok\n`;
  }

  packet(
    stream: number,
    timeUs: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    played: boolean,
  ): void {
    const what = rtpText(new DataView(bytes.buffer, bytes.byteOffset + start, end - start));
    this.#line(timeUs, stream, `packet ${what} bytes=${end - start}${played ? ' played' : ''}`);
  }

  joined(stream: JournalStream, timeUs: number): void {
    const { telephoneEvent, comfortNoise } = stream.auxiliary;
    this.#line(
      timeUs,
      stream.stream,
      `joined leg=${quoted(stream.legId)} participant=${quoted(stream.participantId)} ` +
        `codec=${quoted(stream.codec)}/${stream.clockRateHz} pt=${stream.payloadType}` +
        (telephoneEvent === undefined ? '' : ` telephone-event=${telephoneEvent}`) +
        (comfortNoise === undefined ? '' : ` comfort-noise=${comfortNoise}`) +
        (stream.played ? ' played' : ''),
    );
  }

  left(stream: number, timeUs: number): void {
    this.#line(timeUs, stream, 'left');
  }

  paused(timeUs: number): void {
    this.#line(timeUs, undefined, 'paused');
  }

  resumed(timeUs: number): void {
    this.#line(timeUs, undefined, 'resumed');
  }

  tone(stream: number, timeUs: number, eventCode: number, durationMs: number): void {
    this.#line(timeUs, stream, `tone event=${eventCode} duration=${durationMs}ms`);
  }

  anchor(
    stream: number,
    timeUs: number,
    ssrc: number,
    rtpTimestamp: number,
    placeUs: number,
  ): void {
    this.#line(
      timeUs,
      stream,
      `anchor ssrc=${hex32(ssrc)} ts=${rtpTimestamp} place=${seconds(placeUs)}`,
    );
  }

  tick(timeUs: number): void {
    this.#line(timeUs, undefined, 'tick');
  }

  ended(timeUs: number, reason: string, endedAtMs: number): void {
    // A journal of somebody else's making may state a time that no calendar has.
    const date = new Date(endedAtMs);
    const at = Number.isNaN(date.getTime()) ? `${endedAtMs} ms` : date.toISOString();
    this.#line(timeUs, undefined, `ended reason=${quoted(reason)} at=${at}`);
  }

  unknown(type: number, timeUs: number): void {
    this.#line(timeUs, undefined, `unknown type=${type}`);
  }

  #line(timeUs: number, stream: number | undefined, what: string): void {
    const who = stream === undefined ? '  -' : `#${stream}`.padStart(3);
    this.#text += `${seconds(timeUs).padStart(14)} ${who} ${what}\n`;
  }
}

/** The fixed RTP header (RFC 3550 §5.1), as far as a person wants it. */
function rtpText(view: DataView): string {
  if (view.byteLength < FIXED_RTP_HEADER_BYTES || view.getUint8(0) >> 6 !== 2) return 'not-rtp';
  const second = view.getUint8(1);
  return (
    `pt=${second & 0x7f} seq=${view.getUint16(2)} ts=${view.getUint32(4)} ` +
    `ssrc=${hex32(view.getUint32(8))}${(second & 0x80) !== 0 ? ' marker' : ''}`
  );
}

function seconds(timeUs: number): string {
  return (timeUs / 1e6).toFixed(6);
}

function hex32(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

/** Names come from outside: nothing in them may reach the terminal as a control sequence. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
