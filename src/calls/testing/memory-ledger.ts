import { TapedeckError } from '../../core/error.ts';
import type { CallConnectionId, RecordingId, ServerCallId } from '../../core/ids.ts';
import type { Fact } from '../../core/ports/ledger.ts';
import type {
  CallRecord,
  ChunkRecord,
  ConnectionRecord,
  LegRecord,
  RecordingRecord,
} from '../../core/records.ts';
import { Pace } from './pace.ts';

/** Only what calls use; the real ledger has its own suite. */
export class MemoryLedger {
  readonly facts: Fact[] = [];
  /** How many commits are refused from now on. */
  refusals = 0;
  readonly #pace: Pace;

  constructor(pace: Pace = new Pace()) {
    this.#pace = pace;
  }

  async commit(facts: readonly Fact[]): Promise<void> {
    const isRefused = this.refusals > 0;
    // Commits are taken in the order in which they come, however long their answers take.
    if (isRefused) this.refusals -= 1;
    else this.facts.push(...facts);
    await this.#pace.step();
    if (isRefused) throw new TapedeckError('database-failed', 'disk full');
  }

  call(id: ServerCallId): Promise<CallRecord | undefined> {
    return Promise.resolve(this.#last('call', (record) => record.serverCallId === id));
  }

  connection(id: CallConnectionId): Promise<ConnectionRecord | undefined> {
    return Promise.resolve(this.#last('connection', (record) => record.callConnectionId === id));
  }

  recording(id: RecordingId): Promise<RecordingRecord | undefined> {
    return Promise.resolve(this.#last('recording', (record) => record.recordingId === id));
  }

  chunk(id: string): Promise<ChunkRecord | undefined> {
    return Promise.resolve(this.#last('chunk', (record) => record.documentId === id));
  }

  expiredChunks(nowMs: number): Promise<readonly ChunkRecord[]> {
    const latest = new Map<string, ChunkRecord>();
    for (const fact of this.facts) {
      if (fact.kind === 'chunk') latest.set(fact.record.documentId, fact.record);
    }
    return Promise.resolve(
      [...latest.values()].filter(
        (chunk) => chunk.deletedAtMs === undefined && (chunk.expiresAtMs ?? Infinity) <= nowMs,
      ),
    );
  }

  journalDirectories(): Promise<readonly string[]> {
    return Promise.resolve(
      this.facts.flatMap((fact) =>
        fact.kind === 'recording' ? [fact.record.journalDirectory] : [],
      ),
    );
  }

  unfinishedRecords: {
    calls: CallRecord[];
    connections: ConnectionRecord[];
    legs: LegRecord[];
    recordings: RecordingRecord[];
  } = { calls: [], connections: [], legs: [], recordings: [] };

  unfinished(): Promise<MemoryLedger['unfinishedRecords']> {
    return Promise.resolve(this.unfinishedRecords);
  }

  /** Types of the events in order, without prefix, optionally of one kind only. */
  events(kind?: 'callback' | 'grid'): readonly string[] {
    return this.facts.flatMap((fact) =>
      fact.kind === 'event' && (kind === undefined || fact.event.kind === kind)
        ? [fact.event.type.replace('Microsoft.Communication.', '')]
        : [],
    );
  }

  /** Data of the events of one type, in order. */
  eventData(name: string): readonly Readonly<Record<string, unknown>>[] {
    return this.facts.flatMap((fact) =>
      fact.kind === 'event' && fact.event.type === `Microsoft.Communication.${name}`
        ? [JSON.parse(fact.event.data) as Record<string, unknown>]
        : [],
    );
  }

  #last<K extends keyof Rows>(kind: K, matches: (record: Rows[K]) => boolean): Rows[K] | undefined {
    return this.facts
      .flatMap((fact) => (fact.kind === kind ? [fact.record as Rows[K]] : []))
      .findLast(matches);
  }
}

type Rows = {
  readonly call: CallRecord;
  readonly connection: ConnectionRecord;
  readonly recording: RecordingRecord;
  readonly chunk: ChunkRecord;
};
