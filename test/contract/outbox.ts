import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Ledger, Outbox } from '../../src/core/ports/ledger.ts';
import type { DeliveryRecord } from '../../src/core/records.ts';
import { aDelivery, anAttempt, anEvent, START_MS } from './ledger-records.ts';

export type OutboxUnderTest = {
  readonly ledger: Ledger;
  readonly outbox: Outbox;
  /** Closes the database and opens it again. */
  reopen(): Promise<OutboxUnderTest>;
  close(): Promise<void>;
};

const LEASE_MS = 60_000;

/** What every outbox does, whatever database is behind it. `make` gives an empty one. */
export function describeOutbox(name: string, make: () => Promise<OutboxUnderTest>): void {
  describe(`outbox on ${name}`, () => {
    async function withOutbox(
      run: (outbox: Outbox, ledger: Ledger) => Promise<void>,
    ): Promise<void> {
      const made = await make();
      try {
        await run(made.outbox, made.ledger);
      } finally {
        await made.close();
      }
    }

    async function commitOne(
      ledger: Ledger,
      id: string,
      with_: Partial<DeliveryRecord> = {},
    ): Promise<void> {
      await ledger.commit([
        {
          kind: 'event',
          event: anEvent(`event-${id}`),
          deliveries: [aDelivery(id, `event-${id}`, with_)],
        },
      ]);
    }

    async function claimIds(outbox: Outbox, nowMs: number, limit = 100): Promise<string[]> {
      const due = await outbox.claimDue(nowMs, limit, LEASE_MS);
      return due.map(({ delivery }) => delivery.deliveryId);
    }

    test('a due delivery is claimed with its event, in order of commit', async () => {
      await withOutbox(async (outbox, ledger) => {
        await ledger.commit([
          {
            kind: 'event',
            event: anEvent('e', { data: '{"x":"ü"}' }),
            deliveries: [aDelivery('b', 'e'), aDelivery('a', 'e', { destination: 'second' })],
          },
        ]);
        const due = await outbox.claimDue(START_MS, 10, LEASE_MS);
        expect(due.map(({ delivery }) => delivery.deliveryId)).toEqual(['b', 'a']);
        expect(due[0]?.event).toEqual(anEvent('e', { data: '{"x":"ü"}' }));
        expect(due[1]?.event.eventId).toBe('e');
        expect(due[1]?.delivery.destination).toBe('second');
      });
    });

    test('nothing is due before its time, and no more is claimed than asked for', async () => {
      await withOutbox(async (outbox, ledger) => {
        for (const id of ['1', '2', '3']) await commitOne(ledger, id);
        expect(await claimIds(outbox, START_MS - 1)).toEqual([]);
        expect(await claimIds(outbox, START_MS, 2)).toEqual(['1', '2']);
        expect(await claimIds(outbox, START_MS, 2)).toEqual(['3']);
      });
    });

    test('two claims at once never give the same delivery', async () => {
      await withOutbox(async (outbox, ledger) => {
        const ids = Array.from({ length: 40 }, (_, index) => String(index));
        for (const id of ids) await commitOne(ledger, id);
        const claims = await Promise.all([1, 2, 3, 4].map(() => claimIds(outbox, START_MS, 15)));
        expect(claims.flat().sort()).toEqual(ids.sort());
      });
    });

    test('a claimed delivery is due again when its lease ends unsettled', async () => {
      await withOutbox(async (outbox, ledger) => {
        await commitOne(ledger, '1');
        expect(await claimIds(outbox, START_MS)).toEqual(['1']);
        expect(await claimIds(outbox, START_MS + LEASE_MS - 1)).toEqual([]);
        expect(await outbox.nextDueAtMs()).toBe(START_MS + LEASE_MS);
        expect(await claimIds(outbox, START_MS + LEASE_MS)).toEqual(['1']);
      });
    });

    test('a lease outlives the process that held it', async () => {
      const made = await make();
      await made.ledger.commit([
        { kind: 'event', event: anEvent('e'), deliveries: [aDelivery('1', 'e')] },
      ]);
      await made.outbox.claimDue(START_MS, 10, LEASE_MS);
      const again = await made.reopen();
      try {
        expect(await again.outbox.claimDue(START_MS, 10, LEASE_MS)).toEqual([]);
        expect(await again.outbox.claimDue(START_MS + LEASE_MS, 10, LEASE_MS)).toHaveLength(1);
      } finally {
        await again.close();
      }
    });

    test('of one order key only the oldest undelivered is due; others go their own way', async () => {
      await withOutbox(async (outbox, ledger) => {
        await commitOne(ledger, 'a1', { orderKey: 'a' });
        await commitOne(ledger, 'a2', { orderKey: 'a' });
        await commitOne(ledger, 'b1', { orderKey: 'b' });
        await commitOne(ledger, 'free');
        expect(await claimIds(outbox, START_MS)).toEqual(['a1', 'b1', 'free']);
        expect(await claimIds(outbox, START_MS)).toEqual([]);
        await outbox.settle(anAttempt('a1', 1), { state: 'delivered' });
        expect(await claimIds(outbox, START_MS)).toEqual(['a2']);
      });
    });

    test('whatever is claimed and whatever becomes of it, each order key ends in order of commit', async () => {
      const steps = fc.array(
        fc.record({
          commits: fc.array(fc.constantFrom('a', 'b'), { maxLength: 3 }),
          claims: fc.integer({ min: 1, max: 3 }),
          outcome: fc.constantFrom('delivered', 'dead', 'waiting', 'given-back', 'forgotten'),
          passesMs: fc.constantFrom(0, 5_000, LEASE_MS),
        }),
        { minLength: 5, maxLength: 25 },
      );
      await fc.assert(
        fc.asyncProperty(steps, (script) =>
          withOutbox(async (outbox, ledger) => {
            let nowMs = START_MS;
            const committed: Record<string, string[]> = { a: [], b: [] };
            const ended: Record<string, string[]> = { a: [], b: [] };
            let count = 0;
            for (const { commits, claims, outcome, passesMs } of script) {
              for (const orderKey of commits) {
                const id = `${orderKey}-${String(count++)}`;
                committed[orderKey]?.push(id);
                await commitOne(ledger, id, { orderKey, nextAttemptAtMs: nowMs });
              }
              const due = await outbox.claimDue(nowMs, claims, LEASE_MS);
              expect(new Set(due.map(({ delivery }) => delivery.orderKey)).size).toBe(due.length);
              for (const { delivery } of due) {
                const { attempts, deliveryId, orderKey } = delivery;
                const attempt = anAttempt(deliveryId, attempts + 1, { startedAtMs: nowMs });
                const later = { state: 'waiting', nextAttemptAtMs: nowMs + 5_000 } as const;
                if (outcome === 'waiting') await outbox.settle(attempt, later);
                if (outcome === 'given-back') {
                  await outbox.settleUnattempted(deliveryId, later, nowMs);
                }
                if (outcome === 'delivered' || outcome === 'dead') {
                  ended[orderKey ?? '']?.push(deliveryId);
                  await outbox.settle(
                    attempt,
                    outcome === 'dead' ? { state: outcome, reason: 'x' } : { state: outcome },
                  );
                }
              }
              nowMs += passesMs;
            }
            // However it went, everything can be delivered, and nothing was delivered twice.
            for (let round = 0; round < 2 * count; round += 1) {
              nowMs += LEASE_MS;
              for (const { delivery } of await outbox.claimDue(nowMs, 100, LEASE_MS)) {
                ended[delivery.orderKey ?? '']?.push(delivery.deliveryId);
                const attempt = anAttempt(delivery.deliveryId, 1, { startedAtMs: nowMs });
                await outbox.settle(attempt, { state: 'delivered' });
              }
            }
            expect(ended).toEqual(committed);
            expect(await outbox.nextDueAtMs()).toBeUndefined();
          }),
        ),
        { numRuns: 15 },
      );
    });

    test('a failed predecessor holds its successors back, and they follow once it went', async () => {
      await withOutbox(async (outbox, ledger) => {
        for (const id of ['1', '2', '3']) await commitOne(ledger, id, { orderKey: 'k' });
        await claimIds(outbox, START_MS);
        const retryAtMs = START_MS + 10_000;
        await outbox.settle(anAttempt('1', 1, { httpStatus: 500, error: 'status 500' }), {
          state: 'waiting',
          nextAttemptAtMs: retryAtMs,
        });
        expect(await outbox.nextDueAtMs()).toBe(retryAtMs);
        expect(await claimIds(outbox, retryAtMs - 1)).toEqual([]);
        expect(await claimIds(outbox, retryAtMs)).toEqual(['1']);
        const endedAtMs = retryAtMs + 5;
        await outbox.settle(anAttempt('1', 2, { startedAtMs: retryAtMs, durationMs: 5 }), {
          state: 'delivered',
        });
        expect(await claimIds(outbox, endedAtMs)).toEqual(['2']);
        await outbox.settle(anAttempt('2', 1, { startedAtMs: retryAtMs, durationMs: 5 }), {
          state: 'delivered',
        });
        expect(await claimIds(outbox, endedAtMs)).toEqual(['3']);
      });
    });

    test('a dead predecessor releases the next at once', async () => {
      await withOutbox(async (outbox, ledger) => {
        await commitOne(ledger, '1', { orderKey: 'k' });
        await commitOne(ledger, '2', { orderKey: 'k' });
        await claimIds(outbox, START_MS);
        await outbox.settle(anAttempt('1', 1, { httpStatus: 400, error: 'status 400' }), {
          state: 'dead',
          reason: 'status 400',
        });
        expect(await outbox.nextDueAtMs()).toBeLessThanOrEqual(START_MS + 12);
        expect(await claimIds(outbox, START_MS + 12)).toEqual(['2']);
      });
    });

    test('one that was delivered stays delivered, whatever a late settle says', async () => {
      await withOutbox(async (outbox, ledger) => {
        await commitOne(ledger, '1');
        await claimIds(outbox, START_MS);
        await claimIds(outbox, START_MS + LEASE_MS);
        await outbox.settle(anAttempt('1', 1), { state: 'delivered' });
        await outbox.settle(anAttempt('1', 1, { error: 'timeout', httpStatus: undefined }), {
          state: 'waiting',
          nextAttemptAtMs: START_MS,
        });
        expect(await claimIds(outbox, START_MS + 10 * LEASE_MS)).toEqual([]);
        expect((await outbox.event('event-1'))?.deliveries[0]?.state).toBe('delivered');
      });
    });

    test('nothing waits in an empty outbox', async () => {
      await withOutbox(async (outbox) => {
        expect(await outbox.nextDueAtMs()).toBeUndefined();
        expect(await outbox.event('none')).toBeUndefined();
        expect(await outbox.events({ limit: 10 })).toEqual([]);
      });
    });

    test('an event is shown with its deliveries and every attempt', async () => {
      await withOutbox(async (outbox, ledger) => {
        await commitOne(ledger, '1');
        const attempts = [
          anAttempt('1', 1, { httpStatus: undefined, error: 'connection refused' }),
          anAttempt('1', 2, { httpStatus: 503, error: 'status 503' }),
          anAttempt('1', 3),
        ];
        for (const attempt of attempts) {
          await outbox.settle(
            attempt,
            attempt.error === undefined
              ? { state: 'delivered' }
              : { state: 'waiting', nextAttemptAtMs: START_MS },
          );
        }
        const shown = await outbox.event('event-1');
        expect(shown?.attempts).toEqual(attempts);
        expect(shown?.deliveries).toMatchObject([{ state: 'delivered', attempts: 3 }]);
      });
    });

    test('events are listed newest first, and paging by time skips none', async () => {
      await withOutbox(async (outbox, ledger) => {
        const times = [1, 2, 2, 2, 3, 4];
        for (const [index, time] of times.entries()) {
          const id = String(index);
          await ledger.commit([
            {
              kind: 'event',
              event: anEvent(id, { occurredAtMs: START_MS + time }),
              deliveries: [aDelivery(`d-${id}`, id)],
            },
          ]);
        }
        const seen: string[] = [];
        const seenTimes: number[] = [];
        let beforeMs: number | undefined;
        for (;;) {
          const page = await outbox.events({
            limit: 3,
            ...(beforeMs === undefined ? {} : { beforeMs }),
          });
          if (page.length === 0) break;
          for (const { event, deliveries } of page) {
            expect(deliveries.map((delivery) => delivery.deliveryId)).toEqual([
              `d-${event.eventId}`,
            ]);
            seen.push(event.eventId);
            seenTimes.push(event.occurredAtMs - START_MS);
            beforeMs = event.occurredAtMs;
          }
        }
        expect(seenTimes).toEqual(times.toReversed());
        expect(new Set(seen).size).toBe(times.length);
      });
    });

    test('a claim can be given back unattempted, without an attempt being counted', async () => {
      await withOutbox(async (outbox, ledger) => {
        await commitOne(ledger, '1', { orderKey: 'k' });
        await commitOne(ledger, '2', { orderKey: 'k' });
        await claimIds(outbox, START_MS);
        const laterMs = START_MS + 5_000;
        await outbox.settleUnattempted(
          '1',
          { state: 'waiting', nextAttemptAtMs: laterMs },
          START_MS,
        );
        expect(await outbox.nextDueAtMs()).toBe(laterMs);
        expect(await claimIds(outbox, laterMs)).toEqual(['1']);
        await outbox.settleUnattempted('1', { state: 'dead', reason: 'expired' }, laterMs);
        expect(await claimIds(outbox, laterMs)).toEqual(['2']);
        expect(await outbox.event('event-1')).toMatchObject({
          attempts: [],
          deliveries: [{ attempts: 0, state: 'dead' }],
        });
      });
    });

    test('a destination that became able to receive gets at once what it was never sent', async () => {
      await withOutbox(async (outbox, ledger) => {
        const laterMs = START_MS + 100_000;
        await commitOne(ledger, 'new', { destination: 'a', nextAttemptAtMs: laterMs });
        await commitOne(ledger, 'other', { destination: 'b', nextAttemptAtMs: laterMs });
        await commitOne(ledger, 'tried', {
          destination: 'a',
          nextAttemptAtMs: laterMs,
          attempts: 1,
        });
        await outbox.hasten('a', START_MS);
        expect(await claimIds(outbox, START_MS)).toEqual(['new']);
      });
    });

    test('leases of an earlier process can be ended at once', async () => {
      await withOutbox(async (outbox, ledger) => {
        const laterMs = START_MS + 1_000;
        await commitOne(ledger, 'leased');
        await claimIds(outbox, START_MS);
        await commitOne(ledger, 'waiting', { nextAttemptAtMs: START_MS + 10 * LEASE_MS });
        await outbox.releaseLeases(laterMs);
        expect(await claimIds(outbox, laterMs)).toEqual(['leased']);
      });
    });

    test('redelivery makes every delivery of the event due again, from the first attempt, with its whole time', async () => {
      await withOutbox(async (outbox, ledger) => {
        await ledger.commit([
          {
            kind: 'event',
            event: anEvent('e'),
            deliveries: [
              aDelivery('1', 'e', { expiresAtMs: START_MS + 1_000 }),
              aDelivery('2', 'e', { expiresAtMs: START_MS + 1_000 }),
            ],
          },
        ]);
        await outbox.settle(anAttempt('1', 1), { state: 'delivered' });
        await outbox.settle(anAttempt('2', 7), { state: 'dead', reason: 'expired' });
        const laterMs = START_MS + 50_000;
        expect(await outbox.redeliver('e', laterMs)).toBe(2);
        const due = await outbox.claimDue(laterMs, 10, LEASE_MS);
        expect(due.map(({ delivery }) => delivery)).toMatchObject([
          { deliveryId: '1', attempts: 0, expiresAtMs: laterMs + 1_000, state: 'waiting' },
          { deliveryId: '2', attempts: 0, expiresAtMs: laterMs + 1_000, state: 'waiting' },
        ]);
        expect(await outbox.redeliver('unknown', laterMs)).toBe(0);
      });
    });

    test('an event committed again is not sent again', async () => {
      await withOutbox(async (outbox, ledger) => {
        await commitOne(ledger, '1');
        await claimIds(outbox, START_MS);
        await outbox.settle(anAttempt('1', 1), { state: 'delivered' });
        await commitOne(ledger, '1');
        expect(await claimIds(outbox, START_MS + 10 * LEASE_MS)).toEqual([]);
      });
    });

    test('old events are forgotten with their deliveries and attempts, but not while one waits', async () => {
      await withOutbox(async (outbox, ledger) => {
        const old = anEvent('old', { occurredAtMs: START_MS - 1 });
        const waiting = anEvent('waiting', { occurredAtMs: START_MS - 1 });
        await ledger.commit([
          { kind: 'event', event: old, deliveries: [aDelivery('d-old', 'old')] },
          { kind: 'event', event: waiting, deliveries: [aDelivery('d-waiting', 'waiting')] },
          { kind: 'event', event: anEvent('new'), deliveries: [] },
        ]);
        await outbox.settle(anAttempt('d-old', 1), { state: 'delivered' });
        await outbox.forgetBefore(START_MS);
        expect(await outbox.event('old')).toBeUndefined();
        expect(await outbox.event('waiting')).toBeDefined();
        expect(await outbox.event('new')).toBeDefined();
      });
    });
  });
}
