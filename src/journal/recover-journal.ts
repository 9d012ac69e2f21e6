import { join } from 'node:path';
import type { Disk, DiskFile } from '../core/ports/disk.ts';
import { isSegmentName, MAX_HEADER_BYTES, segmentName } from './format.ts';
import { JournalReader, type JournalDefect, type JournalPosition } from './journal-reader.ts';
import type { JournalVisitor } from './journal-visitor.ts';
import { lendReadBuffer, returnReadBuffer } from './read-buffers.ts';
import { readHeader } from './segment-header.ts';

const TORN_SUFFIX = '.torn';
/** A copy of torn bytes that is not whole yet. */
const COPY_SUFFIX = '.torn-copy';

export type RecoveredJournal = {
  /**
   * - `ended`: the journal has its `ended` record.
   * - `unended`: its writer died; what is whole ends at `lastTimeUs`.
   * - `empty`: not even a whole header; nothing was recorded.
   * - `later-version`: written by a later Tapedeck; left as it is.
   */
  readonly state: 'ended' | 'unended' | 'empty' | 'later-version';
  readonly recordingId: string | undefined;
  /** Wall clock at the journal's start; `undefined` without a header. */
  readonly startedAtMs: number | undefined;
  /** Latest time of a record, µs since the start. */
  readonly lastTimeUs: number;
  /** Wall clock of `lastTimeUs`; `undefined` without a header. */
  readonly endedAtMs: number | undefined;
  readonly endReason: string | undefined;
  /** Up to where it is whole. */
  readonly position: JournalPosition;
  /** What the torn bytes began with, if they were more than an incomplete block. */
  readonly defect: JournalDefect | undefined;
  /** Bytes that this run cut, whole segments behind the cut included. */
  readonly cutBytes: number;
  /** Bytes that this run and earlier ones put aside. */
  readonly tornBytes: number;
};

/**
 * Cuts a journal whose writer is dead down to its longest valid prefix; what is cut stays beside it
 * as `.torn`. Idempotent, also when it is interrupted. Rejects only when the disk fails
 * (`disk-failed`, or its own error), whatever the files contain.
 */
export async function recoverJournal(directory: string, disk: Disk): Promise<RecoveredJournal> {
  const prefix = await readPrefix(directory, disk);
  if (prefix.state === 'later-version') {
    return { ...prefix, cutBytes: 0, tornBytes: await tornBytesOf(directory, disk) };
  }
  const cutBytes = await cutBehind(prefix.position, directory, disk);
  return { ...prefix, cutBytes, tornBytes: await tornBytesOf(directory, disk) };
}

type Prefix = Omit<RecoveredJournal, 'cutBytes' | 'tornBytes'>;

async function readPrefix(directory: string, disk: Disk): Promise<Prefix> {
  const headerDefect = await firstHeaderDefect(directory, disk);
  if (headerDefect !== undefined) {
    return {
      state: headerDefect === 'later-version' ? 'later-version' : 'empty',
      recordingId: undefined,
      startedAtMs: undefined,
      lastTimeUs: 0,
      endedAtMs: undefined,
      endReason: undefined,
      position: { segment: 0, offsetBytes: 0 },
      defect: headerDefect,
    };
  }
  const reader = await JournalReader.open({ disk, directory });
  try {
    const times = new LastTimes();
    let progress = await reader.readMore(times);
    while (progress.state === 'more') progress = await reader.readMore(times);
    const defect = progress.state === 'damaged' ? progress.defect : undefined;
    const unended = defect === 'later-version' ? 'later-version' : 'unended';
    return {
      state: progress.state === 'ended' ? 'ended' : unended,
      recordingId: reader.header.recordingId,
      startedAtMs: reader.startedAtMs,
      lastTimeUs: times.lastTimeUs,
      endedAtMs: reader.startedAtMs + times.lastTimeUs / 1000,
      endReason: times.endReason,
      position: progress.position,
      defect,
    };
  } finally {
    await reader.close();
  }
}

async function firstHeaderDefect(
  directory: string,
  disk: Disk,
): Promise<JournalDefect | undefined> {
  const path = join(directory, segmentName(0));
  if ((await disk.sizeBytes(path)) === undefined) return 'header-incomplete';
  const file = await disk.open(path, 'read');
  try {
    const bytes = new Uint8Array(MAX_HEADER_BYTES);
    const header = readHeader(bytes.subarray(0, await file.read(bytes, 0)));
    if (!header.ok) return header.defect;
    return header.value.segment === 0 ? undefined : 'wrong-segment';
  } finally {
    await file.close();
  }
}

/** Puts aside what stands behind `position`; the bytes that were cut. */
async function cutBehind(
  position: JournalPosition,
  directory: string,
  disk: Disk,
): Promise<number> {
  let cutBytes = 0;
  // Later segments first: interrupted, the next run finds the same prefix.
  const names = (await disk.list(directory)).filter(isSegmentName);
  for (const name of names.filter((name) => name > segmentName(position.segment)).reverse()) {
    const path = join(directory, name);
    cutBytes += (await disk.sizeBytes(path)) ?? 0;
    await disk.rename(path, await freeTornPath(path, disk));
    await disk.syncDirectory(directory);
  }
  const path = join(directory, segmentName(position.segment));
  const sizeBytes = (await disk.sizeBytes(path)) ?? 0;
  if (sizeBytes <= position.offsetBytes) return cutBytes;
  const segment = await disk.open(path, 'update');
  try {
    await copyTail(segment, position.offsetBytes, path, directory, disk);
    await segment.truncate(position.offsetBytes);
    await segment.sync();
  } finally {
    await segment.close();
  }
  return cutBytes + sizeBytes - position.offsetBytes;
}

/** Copies the bytes from `offset` on to the segment's `.torn`, durably. */
async function copyTail(
  segment: DiskFile,
  offset: number,
  path: string,
  directory: string,
  disk: Disk,
): Promise<void> {
  const tornPath = await freeTornPath(path, disk);
  const last = lastTornPath(path, tornPath);
  // A run that was interrupted before it truncated has made the copy already.
  if (last !== undefined && (await isCopyOf(last, segment, offset, disk))) return;
  const copyPath = path + COPY_SUFFIX;
  await disk.remove(copyPath);
  const copy = await disk.open(copyPath, 'create');
  const buffer = lendReadBuffer();
  try {
    for (let at = 0; ;) {
      const count = await segment.read(buffer, offset + at);
      if (count === 0) break;
      await copy.write(buffer.subarray(0, count), at);
      at += count;
    }
    await copy.sync();
  } finally {
    returnReadBuffer(buffer);
    await copy.close();
  }
  await disk.rename(copyPath, tornPath);
  await disk.syncDirectory(directory);
}

function tornPathOf(path: string, number: number): string {
  return path + TORN_SUFFIX + (number === 1 ? '' : `-${number}`);
}

async function freeTornPath(path: string, disk: Disk): Promise<string> {
  for (let number = 1; ; number += 1) {
    const tornPath = tornPathOf(path, number);
    if ((await disk.sizeBytes(tornPath)) === undefined) return tornPath;
  }
}

/** The name before `free` in the row, which is taken; `undefined` if `free` is the first. */
function lastTornPath(path: string, free: string): string | undefined {
  let last: string | undefined;
  for (let number = 1; tornPathOf(path, number) !== free; number += 1) {
    last = tornPathOf(path, number);
  }
  return last;
}

async function isCopyOf(
  tornPath: string,
  segment: DiskFile,
  offset: number,
  disk: Disk,
): Promise<boolean> {
  const torn = await disk.open(tornPath, 'read');
  const one = lendReadBuffer();
  const other = lendReadBuffer();
  try {
    for (let at = 0; ;) {
      const count = await torn.read(one, at);
      if (count !== (await segment.read(other, offset + at))) return false;
      if (count === 0) return true;
      if (Buffer.compare(one.subarray(0, count), other.subarray(0, count)) !== 0) return false;
      at += count;
    }
  } finally {
    returnReadBuffer(one);
    returnReadBuffer(other);
    await torn.close();
  }
}

/** Bytes that recovery put aside in a journal's directory. */
export async function tornBytesOf(directory: string, disk: Disk): Promise<number> {
  let bytes = 0;
  for (const name of await disk.list(directory)) {
    if (!/\.tdj\.torn(-\d+)?$/.test(name)) continue;
    bytes += (await disk.sizeBytes(join(directory, name))) ?? 0;
  }
  return bytes;
}

class LastTimes implements JournalVisitor {
  lastTimeUs = 0;
  endReason: string | undefined;

  packet(_stream: number, timeUs: number): void {
    this.#at(timeUs);
  }
  joined(_stream: unknown, timeUs: number): void {
    this.#at(timeUs);
  }
  left(_stream: number, timeUs: number): void {
    this.#at(timeUs);
  }
  paused(timeUs: number): void {
    this.#at(timeUs);
  }
  resumed(timeUs: number): void {
    this.#at(timeUs);
  }
  tone(_stream: number, timeUs: number): void {
    this.#at(timeUs);
  }
  anchor(_stream: number, timeUs: number): void {
    this.#at(timeUs);
  }
  tick(timeUs: number): void {
    this.#at(timeUs);
  }
  ended(timeUs: number, reason: string): void {
    this.#at(timeUs);
    this.endReason = reason;
  }
  unknown(_type: number, timeUs: number): void {
    this.#at(timeUs);
  }

  #at(timeUs: number): void {
    if (timeUs > this.lastTimeUs) this.lastTimeUs = timeUs;
  }
}
