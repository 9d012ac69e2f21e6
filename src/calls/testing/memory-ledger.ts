import { TapedeckError } from '../../core/error.ts';
import type { CallConnectionId, RecordingId, ServerCallId } from '../../core/ids.ts';
import type { Fact, Ledger } from '../../core/ports/ledger.ts';
import type {
  AuditRecord,
  CallRecord,
  ChunkRecord,
  ConnectionRecord,
  ExportRecord,
  LegRecord,
  OperationRecord,
  RecordingRecord,
  ResponseRecord,
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
    return this.#answer(this.#last('recording', (record) => record.recordingId === id));
  }

  chunk(id: string): Promise<ChunkRecord | undefined> {
    return this.#answer(this.#last('chunk', (record) => record.documentId === id));
  }

  chunksOf(id: RecordingId): Promise<readonly ChunkRecord[]> {
    return this.#answer(this.rows('chunk').filter((chunk) => chunk.recordingId === id));
  }

  expiredChunks(nowMs: number): Promise<readonly ChunkRecord[]> {
    return this.#answer(
      this.rows('chunk').filter(
        (chunk) => chunk.deletedAtMs === undefined && (chunk.expiresAtMs ?? Infinity) <= nowMs,
      ),
    );
  }

  unpurgedChunks(): Promise<readonly ChunkRecord[]> {
    return this.#answer(
      this.rows('chunk').filter(
        (chunk) => chunk.deletedAtMs !== undefined && chunk.purgedAtMs === undefined,
      ),
    );
  }

  keptJournals(endedUntilMs: number): Promise<readonly RecordingRecord[]> {
    const waiting = new Set(
      this.rows('export')
        .filter((row) => row.state === 'waiting')
        .map((row) => row.recordingId),
    );
    return Promise.resolve(
      this.rows('recording').filter(
        (row) =>
          row.state === 'done' &&
          row.journalRemovedAtMs === undefined &&
          (row.endedAtMs ?? Infinity) <= endedUntilMs &&
          !waiting.has(row.recordingId),
      ),
    );
  }

  exportsOf(id: RecordingId): Promise<readonly ExportRecord[]> {
    return Promise.resolve(this.rows('export').filter((row) => row.recordingId === id));
  }

  waitingExports(): Promise<readonly ExportRecord[]> {
    return Promise.resolve(this.rows('export').filter((row) => row.state === 'waiting'));
  }

  audit(): Promise<readonly AuditRecord[]> {
    return Promise.resolve(this.rows('audit').toReversed());
  }

  journalDirectories(): Promise<readonly string[]> {
    return Promise.resolve([
      ...this.rows('recording')
        .filter((row) => row.journalRemovedAtMs === undefined)
        .map((row) => row.journalDirectory),
      ...this.responses().map((row) => row.documentId),
    ]);
  }

  response(operationId: string): Promise<ResponseRecord | undefined> {
    return this.#answer(this.responses().find((row) => row.operationId === operationId));
  }

  responseWith(documentId: string): Promise<ResponseRecord | undefined> {
    return this.#answer(this.responses().find((row) => row.documentId === documentId));
  }

  unfinishedResponses(): Promise<readonly ResponseRecord[]> {
    return this.#answer(
      this.responses().filter(
        ({ completion, removedAtMs }) => completion === undefined && removedAtMs === undefined,
      ),
    );
  }

  expiredResponses(callEndedUntilMs: number): Promise<readonly ResponseRecord[]> {
    const ended = new Set(
      this.rows('call')
        .filter(({ endedAtMs }) => (endedAtMs ?? Infinity) <= callEndedUntilMs)
        .map(({ serverCallId }) => serverCallId),
    );
    return this.#answer(
      this.responses().filter(
        ({ completion, removedAtMs, isKept, serverCallId }) =>
          removedAtMs !== undefined ||
          (completion !== undefined && !isKept && ended.has(serverCallId)),
      ),
    );
  }

  /** Those of which something is kept. */
  responses(): readonly ResponseRecord[] {
    const kept = new Map<string, ResponseRecord>();
    for (const fact of this.facts) {
      if (fact.kind === 'response') kept.set(fact.record.operationId, fact.record);
      if (fact.kind === 'response-removed') kept.delete(fact.operationId);
    }
    return [...kept.values()];
  }

  /** What is true when it is asked, however long the answer takes. */
  async #answer<T>(value: T): Promise<T> {
    await this.#pace.step();
    return value;
  }

  /** The latest record of each id, in the order in which the ids first came. */
  rows<K extends keyof Rows>(kind: K): readonly Rows[K][] {
    const latest = new Map<string, Rows[K]>();
    for (const fact of this.facts) {
      if (fact.kind !== kind) continue;
      const record = fact.record as Rows[K];
      latest.set(KEYS[kind](record), record);
    }
    return [...latest.values()];
  }

  unfinishedRecords: {
    calls: CallRecord[];
    connections: ConnectionRecord[];
    legs: LegRecord[];
    recordings: RecordingRecord[];
  } = { calls: [], connections: [], legs: [], recordings: [] };

  unfinished(): ReturnType<Ledger['unfinished']> {
    return Promise.resolve({ ...this.unfinishedRecords, operations: this.operations() });
  }

  /** Those that were accepted and have not ended. */
  operations(): readonly OperationRecord[] {
    const open = new Map<string, OperationRecord>();
    for (const fact of this.facts) {
      if (fact.kind === 'operation-accepted') open.set(fact.record.operationId, fact.record);
      if (fact.kind === 'operation-ended') open.delete(fact.operationId);
    }
    return [...open.values()];
  }

  /** What the process finds that comes after the one that wrote `before` was killed. */
  takeOver(before: MemoryLedger): void {
    this.facts.push(...before.facts);
    this.unfinishedRecords = {
      calls: before.rows('call').filter(({ state }) => state !== 'ended'),
      connections: before.rows('connection').filter(({ state }) => state !== 'disconnected'),
      legs: before.rows('leg').filter(({ state }) => state !== 'ended'),
      recordings: before
        .rows('recording')
        .filter(({ state }) => state !== 'done' && state !== 'failed'),
    };
  }

  /** Types of the events in order, without prefix, optionally of one kind only. */
  events(kind?: 'callback' | 'grid' | 'notification'): readonly string[] {
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
  readonly leg: LegRecord;
  readonly recording: RecordingRecord;
  readonly chunk: ChunkRecord;
  readonly export: ExportRecord;
  readonly audit: AuditRecord;
};

const KEYS: { readonly [K in keyof Rows]: (record: Rows[K]) => string } = {
  call: (record) => record.serverCallId,
  connection: (record) => record.callConnectionId,
  leg: (record) => record.legId,
  recording: (record) => record.recordingId,
  chunk: (record) => record.documentId,
  export: (record) => record.documentId,
  audit: (record) => record.auditId,
};
