import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import type { Fact, Ledger } from '../../src/core/ports/ledger.ts';
import type { RecordingRecord } from '../../src/core/records.ts';
import {
  aCall,
  aChunk,
  aConnection,
  aDelivery,
  aLeg,
  anAnswer,
  anEvent,
  anOperation,
  aRecording,
  aSubscription,
  START_MS,
} from './ledger-records.ts';

export type LedgerUnderTest = {
  readonly ledger: Ledger;
  /** Closes the database and opens it again. */
  reopen(): Promise<LedgerUnderTest>;
  close(): Promise<void>;
};

type Make = () => Promise<LedgerUnderTest>;

/** What every ledger does, whatever database is behind it. `make` gives an empty one. */
export function describeLedger(name: string, make: Make): void {
  describe(`ledger on ${name}`, () => {
    async function withLedger(run: (ledger: Ledger) => Promise<void>): Promise<void> {
      const made = await make();
      try {
        await run(made.ledger);
      } finally {
        await made.close();
      }
    }

    test('what was committed is read back field by field', async () => {
      await withLedger(async (ledger) => {
        const call = aCall('call-1', { endedAtMs: START_MS + 5_000 });
        const connection = aConnection('connection-1');
        const recording = aRecording('recording-1', { retentionMs: undefined });
        const chunk = aChunk('0-td-1-a');
        const subscription = aSubscription('hook', {
          headers: { 'x-key': 'v' },
          includedTypes: ['Microsoft.Communication.IncomingCall'],
        });
        const answer = anAnswer('startRecording 1');
        await ledger.commit([
          { kind: 'call', record: call },
          { kind: 'connection', record: connection },
          { kind: 'recording', record: recording },
          { kind: 'chunk', record: chunk },
          { kind: 'subscription', record: subscription },
          { kind: 'repeatability', record: answer },
        ]);
        expect(await ledger.call(call.serverCallId)).toEqual(call);
        expect(await ledger.connection(connection.callConnectionId)).toEqual(connection);
        expect(await ledger.recording(recording.recordingId)).toEqual(recording);
        expect(await ledger.chunk(chunk.documentId)).toEqual(chunk);
        expect(await ledger.subscriptions()).toEqual([subscription]);
        expect(await ledger.repeated(answer.key)).toEqual(answer);
      });
    });

    test('any text and any whole number of milliseconds survive', async () => {
      await withLedger(async (ledger) => {
        await fc.assert(
          fc.asyncProperty(
            fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
            fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
            async (text, ms) => {
              const record = aConnection('c', {
                operationContext: text,
                targets: [text],
                createdAtMs: ms,
              });
              await ledger.commit([{ kind: 'connection', record }]);
              expect(await ledger.connection(record.callConnectionId)).toEqual(record);
            },
          ),
          { numRuns: 30 },
        );
      });
    });

    test('ids that nobody committed are unknown', async () => {
      await withLedger(async (ledger) => {
        expect(await ledger.call(aCall('x').serverCallId)).toBeUndefined();
        expect(await ledger.connection(aConnection('x').callConnectionId)).toBeUndefined();
        expect(await ledger.recording(aRecording('x').recordingId)).toBeUndefined();
        expect(await ledger.chunk(aChunk('x').documentId)).toBeUndefined();
        expect(await ledger.repeated('x')).toBeUndefined();
        expect(await ledger.chunksOf(aRecording('x').recordingId)).toEqual([]);
      });
    });

    test('a record replaces the earlier one of its id as a whole', async () => {
      await withLedger(async (ledger) => {
        const first = aRecording('r', { stateCallbackUri: 'http://a/', endReason: 'x' });
        const second = aRecording('r', { state: 'done', endedAtMs: START_MS + 1 });
        await ledger.commit([{ kind: 'recording', record: first }]);
        await ledger.commit([{ kind: 'recording', record: second }]);
        expect(await ledger.recording(first.recordingId)).toEqual(second);
      });
    });

    test('committing the same facts twice is the same as once', async () => {
      await withLedger(async (ledger) => {
        const facts: readonly Fact[] = [
          { kind: 'call', record: aCall('call-1') },
          { kind: 'leg', record: aLeg('leg-1') },
          { kind: 'recording', record: aRecording('recording-1') },
          { kind: 'chunk', record: aChunk('0-td-1-a') },
          { kind: 'event', event: anEvent('e'), deliveries: [aDelivery('d', 'e')] },
        ];
        await ledger.commit(facts);
        await ledger.commit(facts);
        const unfinished = await ledger.unfinished();
        expect(unfinished.calls).toEqual([aCall('call-1')]);
        expect(unfinished.legs).toEqual([aLeg('leg-1')]);
        expect(unfinished.recordings).toEqual([aRecording('recording-1')]);
        expect(await ledger.chunksOf(aChunk('0-td-1-a').recordingId)).toHaveLength(1);
      });
    });

    test('facts that cannot all be written are not written at all, and harm no other commit', async () => {
      await withLedger(async (ledger) => {
        // A delivery of an event that is not there.
        const broken: readonly Fact[] = [
          { kind: 'call', record: aCall('broken') },
          { kind: 'event', event: anEvent('e-1'), deliveries: [aDelivery('d-1', 'other')] },
        ];
        const before = ledger.commit([{ kind: 'call', record: aCall('before') }]);
        const failing = ledger.commit(broken);
        const after = ledger.commit([{ kind: 'call', record: aCall('after') }]);
        await expect(failing).rejects.toMatchObject({ code: 'database-failed', fault: 'server' });
        await Promise.all([before, after]);
        expect(await ledger.call(aCall('broken').serverCallId)).toBeUndefined();
        expect(await ledger.call(aCall('before').serverCallId)).toBeDefined();
        expect(await ledger.call(aCall('after').serverCallId)).toBeDefined();
      });
    });

    test('a commit of nothing resolves', async () => {
      await withLedger(async (ledger) => {
        await expect(ledger.commit([])).resolves.toBeUndefined();
      });
    });

    test('what was committed is there after the database was opened again', async () => {
      const made = await make();
      await made.ledger.commit([{ kind: 'call', record: aCall('call-1') }]);
      const again = await made.reopen();
      try {
        expect(await again.ledger.call(aCall('call-1').serverCallId)).toEqual(aCall('call-1'));
      } finally {
        await again.close();
      }
    });

    test('unfinished gives what a restart has to end, and nothing else, however much there is', async () => {
      await withLedger(async (ledger) => {
        const many = Array.from({ length: 1_203 }, (_, index) => aLeg(`leg-${String(index)}`));
        await ledger.commit(many.map((record) => ({ kind: 'leg', record }) as const));
        await ledger.commit([
          { kind: 'leg', record: aLeg('over', { state: 'ended' }) },
          { kind: 'call', record: aCall('offered', { state: 'offered' }) },
          { kind: 'call', record: aCall('connecting', { state: 'connecting' }) },
          { kind: 'call', record: aCall('connected', { state: 'connected' }) },
          { kind: 'call', record: aCall('ended', { state: 'ended' }) },
          { kind: 'connection', record: aConnection('up') },
          { kind: 'connection', record: aConnection('down', { state: 'disconnected' }) },
          { kind: 'recording', record: aRecording('active') },
          { kind: 'recording', record: aRecording('paused', { state: 'paused' }) },
          { kind: 'recording', record: aRecording('finishing', { state: 'finishing' }) },
          { kind: 'recording', record: aRecording('done', { state: 'done' }) },
          { kind: 'recording', record: aRecording('failed', { state: 'failed' }) },
        ]);
        const { calls, connections, legs, recordings } = await ledger.unfinished();
        expect(new Set(legs.map((leg) => leg.legId))).toEqual(new Set(many.map((l) => l.legId)));
        expect(legs).toHaveLength(many.length);
        expect(calls.map((call) => call.serverCallId).sort()).toEqual([
          'connected',
          'connecting',
          'offered',
        ]);
        expect(connections.map((connection) => connection.callConnectionId)).toEqual(['up']);
        expect(recordings.map((recording) => recording.recordingId).sort()).toEqual([
          'active',
          'finishing',
          'paused',
        ]);
      });
    });

    test('operations are unfinished in the order in which they were accepted, however many, until they end', async () => {
      await withLedger(async (ledger) => {
        const ids = Array.from({ length: 1_203 }, (_, index) => `o-${String((index * 7) % 1_203)}`);
        for (const id of ids.slice(0, 5)) {
          await ledger.commit([{ kind: 'operation-accepted', record: anOperation(id) }]);
        }
        await ledger.commit(
          ids.slice(5).map((id) => ({ kind: 'operation-accepted', record: anOperation(id) })),
        );
        // Something else would be told of it now; its place is the same.
        const changed = anOperation(ids[3] ?? '', { endings: [] });
        const ended = ids[1] ?? '';
        const end: Fact = { kind: 'operation-ended', operationId: ended };
        await ledger.commit([{ kind: 'operation-accepted', record: changed }, end]);
        await ledger.commit([end]);
        const { operations } = await ledger.unfinished();
        expect(operations).toEqual(
          ids
            .filter((id) => id !== ended)
            .map((id) => (id === changed.operationId ? changed : anOperation(id))),
        );
        await ledger.commit(
          ids.map((operationId) => ({ kind: 'operation-ended', operationId }) as const),
        );
        expect((await ledger.unfinished()).operations).toEqual([]);
      });
    });

    test('the end of an operation and its event are written together or not at all', async () => {
      await withLedger(async (ledger) => {
        await ledger.commit([{ kind: 'operation-accepted', record: anOperation('o') }]);
        const end: Fact = { kind: 'operation-ended', operationId: 'o' };
        // A delivery of an event that is not there.
        const delivery = aDelivery('d-1', 'other');
        const broken: Fact = { kind: 'event', event: anEvent('e-1'), deliveries: [delivery] };
        await expect(ledger.commit([end, broken])).rejects.toMatchObject({
          code: 'database-failed',
        });
        expect((await ledger.unfinished()).operations).toEqual([anOperation('o')]);
      });
    });

    test('recordings come newest first, and paging by start time skips none', async () => {
      await withLedger(async (ledger) => {
        // Three of them start in the same millisecond, across the edge of a page.
        const starts = [10, 20, 30, 30, 30, 40, 50];
        const records = starts.map((start, index) =>
          aRecording(`r-${String(index)}`, { startedAtMs: START_MS + start }),
        );
        await ledger.commit(records.map((record) => ({ kind: 'recording', record }) as const));
        const seen: RecordingRecord[] = [];
        let before: number | undefined;
        for (;;) {
          const page = await ledger.recordings({
            limit: 3,
            ...(before === undefined ? {} : { before }),
          });
          if (page.length === 0) break;
          seen.push(...page);
          before = page.at(-1)?.startedAtMs;
        }
        expect(seen.map((recording) => recording.startedAtMs - START_MS)).toEqual(
          starts.toReversed(),
        );
        expect(new Set(seen.map((recording) => recording.recordingId)).size).toBe(starts.length);
      });
    });

    test('the journal directories of all recordings are known, however many there are', async () => {
      await withLedger(async (ledger) => {
        const records = Array.from({ length: 1_001 }, (_, index) =>
          aRecording(`r-${String(index)}`, {
            journalDirectory: `journals/${String(index)}`,
            state: index % 2 === 0 ? 'done' : 'active',
          }),
        );
        await ledger.commit(records.map((record) => ({ kind: 'recording', record }) as const));
        const directories = await ledger.journalDirectories();
        expect([...directories].sort()).toEqual(
          records.map((record) => record.journalDirectory).sort(),
        );
      });
    });

    test('chunks of a recording come in their order', async () => {
      await withLedger(async (ledger) => {
        await ledger.commit([
          { kind: 'chunk', record: aChunk('0-td-1-b', { index: 1 }) },
          { kind: 'chunk', record: aChunk('0-td-1-a', { index: 0 }) },
          {
            kind: 'chunk',
            record: aChunk('0-td-1-c', { recordingId: aRecording('other').recordingId }),
          },
        ]);
        const chunks = await ledger.chunksOf(aChunk('0-td-1-a').recordingId);
        expect(chunks.map((chunk) => chunk.documentId)).toEqual(['0-td-1-a', '0-td-1-b']);
      });
    });

    test('a chunk is expired from its time on, until it is deleted, and never without a time', async () => {
      await withLedger(async (ledger) => {
        const due = aChunk('due', { expiresAtMs: START_MS });
        await ledger.commit([
          { kind: 'chunk', record: due },
          { kind: 'chunk', record: aChunk('kept', { expiresAtMs: undefined }) },
          {
            kind: 'chunk',
            record: aChunk('gone', { expiresAtMs: START_MS, deletedAtMs: START_MS }),
          },
        ]);
        expect(await ledger.expiredChunks(START_MS - 1, 10)).toEqual([]);
        expect(await ledger.expiredChunks(START_MS, 10)).toEqual([due]);
        expect(await ledger.expiredChunks(START_MS, 0)).toEqual([]);
      });
    });

    test('a subscription is there until it is removed', async () => {
      await withLedger(async (ledger) => {
        await ledger.commit([{ kind: 'subscription', record: aSubscription('hook') }]);
        await ledger.commit([{ kind: 'subscription-removed', name: 'hook' }]);
        await ledger.commit([{ kind: 'subscription-removed', name: 'hook' }]);
        expect(await ledger.subscriptions()).toEqual([]);
      });
    });

    test('answers to repeated requests are forgotten by age', async () => {
      await withLedger(async (ledger) => {
        await ledger.commit([
          { kind: 'repeatability', record: anAnswer('old', { storedAtMs: START_MS - 1 }) },
          { kind: 'repeatability', record: anAnswer('new') },
        ]);
        await ledger.forgetRepeatedBefore(START_MS);
        expect(await ledger.repeated('old')).toBeUndefined();
        expect(await ledger.repeated('new')).toEqual(anAnswer('new'));
      });
    });
  });
}
