import { expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { SILENT_LOGGER } from '../core/ports/log.ts';
import { AUDIT_MS, EVENT_HISTORY_MS, Housekeeping, REPEATABILITY_MS } from './housekeeping.ts';

const HOUR_MS = 3_600_000;

test('forgets old answers, events and audit rows at the start and every hour, also after a failure', async () => {
  const clock = new ManualClock();
  const startMs = clock.nowMs();
  const asked: number[] = [];
  let failing = true;
  const housekeeping = new Housekeeping({
    clock,
    log: SILENT_LOGGER,
    ledger: {
      forgetRepeatedBefore: (atMs) => {
        if (failing) return Promise.reject(new Error('locked'));
        asked.push(startMs - atMs);
        return Promise.resolve();
      },
      forgetAuditBefore: (atMs) => {
        asked.push(startMs - atMs);
        return Promise.resolve();
      },
    },
    outbox: {
      forgetBefore: (atMs) => {
        asked.push(startMs - atMs);
        return Promise.resolve();
      },
    },
  });
  housekeeping.start();
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  await clock.advanceWithTurns(HOUR_MS - 1, HOUR_MS / 4);
  failing = false;
  await clock.advanceWithTurns(1, 1);
  expect(asked).toEqual(
    [REPEATABILITY_MS, AUDIT_MS, EVENT_HISTORY_MS].map((keptMs) => keptMs - HOUR_MS),
  );
  await housekeeping.close();
  await clock.advanceWithTurns(2 * HOUR_MS, HOUR_MS);
  expect(asked).toHaveLength(3);
});
