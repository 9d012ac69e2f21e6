import type { Disk } from '../../core/ports/disk.ts';
import { JournalReader, type ReadProgress } from '../journal-reader.ts';
import type { JournalStream } from '../journal-stream.ts';
import type { JournalVisitor } from '../journal-visitor.ts';

export type LoggedRecord = {
  readonly type: string;
  readonly timeUs: number;
  readonly stream?: number;
  readonly values?: readonly unknown[];
};

/** Keeps every record that it is given, datagrams as hex. */
export class RecordLog implements JournalVisitor {
  readonly records: LoggedRecord[] = [];

  packet(
    stream: number,
    timeUs: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    played: boolean,
  ): void {
    const hex = Buffer.from(bytes.subarray(start, end)).toString('hex');
    this.records.push({ type: 'packet', timeUs, stream, values: [hex, played] });
  }
  joined(stream: JournalStream, timeUs: number): void {
    this.records.push({ type: 'joined', timeUs, stream: stream.stream, values: [stream] });
  }
  left(stream: number, timeUs: number): void {
    this.records.push({ type: 'left', timeUs, stream });
  }
  paused(timeUs: number): void {
    this.records.push({ type: 'paused', timeUs });
  }
  resumed(timeUs: number): void {
    this.records.push({ type: 'resumed', timeUs });
  }
  tone(stream: number, timeUs: number, eventCode: number, durationMs: number): void {
    this.records.push({ type: 'tone', timeUs, stream, values: [eventCode, durationMs] });
  }
  anchor(stream: number, timeUs: number, ...values: number[]): void {
    this.records.push({ type: 'anchor', timeUs, stream, values });
  }
  tick(timeUs: number): void {
    this.records.push({ type: 'tick', timeUs });
  }
  ended(timeUs: number, reason: string, endedAtMs: number): void {
    this.records.push({ type: 'ended', timeUs, values: [reason, endedAtMs] });
  }
  unknown(type: number, timeUs: number): void {
    this.records.push({ type: `unknown ${type}`, timeUs });
  }

  /** The packets alone, as hex. */
  get packets(): readonly unknown[] {
    return this.records.filter(({ type }) => type === 'packet').map(({ values }) => values?.[0]);
  }
}

/** Everything that a journal holds, and in what state its reader stopped. */
export async function readWhole(
  disk: Disk,
  directory: string,
): Promise<{ readonly log: RecordLog; readonly progress: ReadProgress }> {
  const log = new RecordLog();
  const reader = await JournalReader.open({ disk, directory });
  try {
    let progress = await reader.readMore(log);
    while (progress.state === 'more') progress = await reader.readMore(log);
    return { log, progress };
  } finally {
    await reader.close();
  }
}
