import { describe, expect, test } from 'vitest';
import type { DocumentId } from '../../src/core/ids.ts';
import type { Fact, Ledger } from '../../src/core/ports/ledger.ts';
import type { ResponseRecord } from '../../src/core/records.ts';
import type { LedgerUnderTest } from './ledger.ts';
import { aCall, aRecording, aResponse, START_MS } from './ledger-records.ts';

/** What every ledger knows of responses, whatever database is behind it. */
export function describeLedgerOfResponses(
  name: string,
  make: () => Promise<LedgerUnderTest>,
): void {
  async function withLedger(run: (ledger: Ledger) => Promise<void>): Promise<void> {
    const made = await make();
    try {
      await run(made.ledger);
    } finally {
      await made.close();
    }
  }
  const stored = (record: ResponseRecord): Fact => ({ kind: 'response', record });
  const ids = (records: readonly ResponseRecord[]): readonly string[] =>
    records.map(({ operationId }) => operationId).sort();

  describe(`ledger of responses on ${name}`, () => {
    test('are read back field by field, by their operation and by their file', async () => {
      await withLedger(async (ledger) => {
        const one = aResponse('one');
        const bare = aResponse('bare', {
          operationContext: undefined,
          completion: undefined,
          isKept: true,
          removedAtMs: START_MS + 1,
        });
        await ledger.commit([stored(one), stored(bare)]);
        expect(await ledger.response('one')).toEqual(one);
        expect(await ledger.response('bare')).toEqual(bare);
        expect(await ledger.responseWith(one.documentId)).toEqual(one);
        expect(await ledger.response('other')).toBeUndefined();
        expect(await ledger.responseWith('0-td-1-other' as DocumentId)).toBeUndefined();
      });
    });

    test('are unfinished until they have a completion, however many there are', async () => {
      await withLedger(async (ledger) => {
        const all = Array.from({ length: 1_200 }, (_, at) =>
          aResponse(`open ${at}`, { completion: undefined }),
        );
        await ledger.commit(all.map(stored));
        expect(ids(await ledger.unfinishedResponses())).toEqual(ids(all));
        await ledger.commit(all.slice(1).map((each) => stored(aResponse(each.operationId))));
        expect(ids(await ledger.unfinishedResponses())).toEqual(['open 0']);
        await ledger.commit([{ kind: 'response-removed', operationId: 'open 0' }]);
        expect(await ledger.unfinishedResponses()).toEqual([]);
        expect(await ledger.response('open 0')).toBeUndefined();
      });
    });

    test('expire with their call, unless they are kept; what is marked as removed has', async () => {
      await withLedger(async (ledger) => {
        const serverCallId = 'ended' as ResponseRecord['serverCallId'];
        await ledger.commit([
          { kind: 'call', record: aCall('call-1') },
          { kind: 'call', record: aCall('ended', { state: 'ended', endedAtMs: START_MS + 500 }) },
          stored(aResponse('of a call that is on')),
          stored(aResponse('expires', { serverCallId })),
          stored(aResponse('kept', { serverCallId, isKept: true })),
          stored(aResponse('not over', { serverCallId, completion: undefined })),
          stored(aResponse('removed', { isKept: true, removedAtMs: START_MS })),
        ]);
        expect(ids(await ledger.expiredResponses(START_MS + 499, 100))).toEqual(['removed']);
        expect(ids(await ledger.expiredResponses(START_MS + 500, 100))).toEqual([
          'expires',
          'removed',
        ]);
        expect(await ledger.expiredResponses(START_MS + 500, 1)).toHaveLength(1);
      });
    });

    test('have journals that belong to somebody', async () => {
      await withLedger(async (ledger) => {
        const recording = aRecording('r', { journalDirectory: '/data/journals/r' });
        await ledger.commit([{ kind: 'recording', record: recording }, stored(aResponse('one'))]);
        expect([...(await ledger.journalDirectories())].sort()).toEqual([
          '/data/journals/r',
          '0-td-1-one',
        ]);
      });
    });
  });
}
