import { describe, expect, test } from 'vitest';
import type { Ledger } from '../../src/core/ports/ledger.ts';
import type { AuditRecord } from '../../src/core/records.ts';
import type { LedgerUnderTest } from './ledger.ts';
import { anAudit, aChunk, anExport, aRecording, START_MS } from './ledger-records.ts';

/** What every ledger knows of recordings that are over, whatever database is behind it. */
export function describeLedgerOfRecordings(
  name: string,
  make: () => Promise<LedgerUnderTest>,
): void {
  describe(`ledger of finished recordings on ${name}`, () => {
    async function withLedger(run: (ledger: Ledger) => Promise<void>): Promise<void> {
      const made = await make();
      try {
        await run(made.ledger);
      } finally {
        await made.close();
      }
    }

    test('chunks come by purpose, format and index, or of one purpose only', async () => {
      await withLedger(async (ledger) => {
        const mp3 = { container: 'mp3', channels: 'mixed' } as const;
        const rendering = { purpose: 'rendering', format: mp3 } as const;
        const ids = ['r', 'r-1', 'r-mp3', 'r-mp3-1', 'r-wav'];
        await ledger.commit(
          [
            aChunk('r-mp3-1', { ...rendering, index: 1 }),
            aChunk('r-1', { index: 1 }),
            aChunk('r-wav', { purpose: 'rendering' }),
            aChunk('r-mp3', { ...rendering, index: 0 }),
            aChunk('r', { index: 0 }),
          ].map((record) => ({ kind: 'chunk', record }) as const),
        );
        const { recordingId } = aChunk('r');
        const idsOf = async (purpose?: 'session' | 'rendering'): Promise<readonly string[]> =>
          (await ledger.chunksOf(recordingId, purpose)).map((chunk) => chunk.documentId);
        expect(await idsOf()).toEqual(ids);
        expect(await idsOf('session')).toEqual(ids.slice(0, 2));
        expect(await idsOf('rendering')).toEqual(ids.slice(2));
      });
    });

    test('a chunk is unpurged from its deletion on until its bytes are gone', async () => {
      await withLedger(async (ledger) => {
        const deleted = aChunk('deleted', { deletedAtMs: START_MS + 2, metadata: '' });
        const first = aChunk('first', { deletedAtMs: START_MS + 1, metadata: '' });
        const purged = aChunk('purged', { deletedAtMs: START_MS, purgedAtMs: START_MS });
        await ledger.commit(
          [aChunk('present'), deleted, purged, first].map(
            (record) => ({ kind: 'chunk', record }) as const,
          ),
        );
        expect(await ledger.unpurgedChunks(10)).toEqual([first, deleted]);
        expect(await ledger.unpurgedChunks(1)).toEqual([first]);
        await ledger.commit([{ kind: 'chunk', record: { ...first, purgedAtMs: START_MS + 3 } }]);
        expect(await ledger.unpurgedChunks(10)).toEqual([deleted]);
      });
    });

    test('kept journals are those of recordings that are done, ended by then, and exported', async () => {
      await withLedger(async (ledger) => {
        const done = { state: 'done', endedAtMs: START_MS } as const;
        const kept = aRecording('kept', done);
        const exported = aRecording('exported', { ...done, endedAtMs: START_MS - 1 });
        const recordings = [
          kept,
          exported,
          aRecording('later', { ...done, endedAtMs: START_MS + 1 }),
          aRecording('removed', { ...done, journalRemovedAtMs: START_MS }),
          aRecording('finishing', { ...done, state: 'finishing' }),
          aRecording('waiting', done),
        ];
        await ledger.commit([
          ...recordings.map((record) => ({ kind: 'recording', record }) as const),
          {
            kind: 'export',
            record: anExport('e-1', { recordingId: exported.recordingId, state: 'failed' }),
          },
          {
            kind: 'export',
            record: anExport('e-2', { recordingId: aRecording('waiting').recordingId }),
          },
        ]);
        expect(await ledger.keptJournals(START_MS, 10)).toEqual([exported, kept]);
        expect(await ledger.keptJournals(START_MS, 1)).toEqual([exported]);
        expect(await ledger.keptJournals(START_MS - 2, 10)).toEqual([]);
      });
    });

    test('a journal that was removed has no directory any more', async () => {
      await withLedger(async (ledger) => {
        await ledger.commit([
          { kind: 'recording', record: aRecording('a', { journalDirectory: 'journals/a' }) },
          {
            kind: 'recording',
            record: aRecording('b', {
              journalDirectory: 'journals/b',
              journalRemovedAtMs: START_MS,
            }),
          },
        ]);
        expect(await ledger.journalDirectories()).toEqual(['journals/a']);
      });
    });

    test('exports are known by recording, and while they wait, however many there are', async () => {
      await withLedger(async (ledger) => {
        const many = Array.from({ length: 1_001 }, (_, index) =>
          anExport(`e-${String(index).padStart(4, '0')}`),
        );
        const other = aRecording('other').recordingId;
        const done = anExport('f-done', { recordingId: other, state: 'done', error: undefined });
        const failed = anExport('f-failed', { recordingId: other, state: 'failed', attempts: 30 });
        await ledger.commit(
          [...many, failed, done].map((record) => ({ kind: 'export', record }) as const),
        );
        expect(await ledger.waitingExports()).toEqual(many);
        expect(await ledger.exportsOf(other)).toEqual([done, failed]);
        const [first] = many;
        await ledger.commit([
          { kind: 'export', record: { ...anExport('e-0000'), state: 'done', attempts: 3 } },
        ]);
        expect(await ledger.waitingExports()).toHaveLength(1_000);
        expect(await ledger.exportsOf(first!.recordingId)).toContainEqual({
          ...first,
          state: 'done',
          attempts: 3,
        });
      });
    });

    test('the audit comes newest first, paging by time skips none, and no row is rewritten', async () => {
      await withLedger(async (ledger) => {
        const times = [10, 20, 30, 30, 30, 40, 50];
        const rows = times.map((time, index) =>
          anAudit(`a-${String(index)}`, { atMs: START_MS + time }),
        );
        await ledger.commit(rows.map((record) => ({ kind: 'audit', record }) as const));
        await ledger.commit([
          { kind: 'audit', record: anAudit('a-0', { actor: 'somebody else', atMs: START_MS }) },
        ]);
        const seen: AuditRecord[] = [];
        for (let before: number | undefined; ;) {
          const page = await ledger.audit({ limit: 3, ...(before !== undefined && { before }) });
          if (page.length === 0) break;
          seen.push(...page);
          before = page.at(-1)?.atMs;
        }
        expect(seen).toEqual(rows.toReversed());
      });
    });

    test('the audit outlives the recording, and is forgotten by age', async () => {
      await withLedger(async (ledger) => {
        await ledger.commit([
          { kind: 'audit', record: anAudit('old', { atMs: START_MS - 1 }) },
          { kind: 'audit', record: anAudit('new', { atMs: START_MS }) },
        ]);
        await ledger.forgetAuditBefore(START_MS);
        expect(await ledger.audit({ limit: 10 })).toEqual([anAudit('new', { atMs: START_MS })]);
      });
    });
  });
}
