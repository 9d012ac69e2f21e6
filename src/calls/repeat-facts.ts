import type { Repeat } from '../core/ports/call-service.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Fact } from '../core/ports/ledger.ts';

/** The stored answer of a request that may come again, as a fact. */
export function repeatFacts<Result>(
  clock: Clock,
  repeat: Repeat<Result> | undefined,
  result: Result,
): readonly Fact[] {
  if (repeat === undefined) return [];
  const { status, body } = repeat.answer(result);
  return [
    {
      kind: 'repeatability',
      record: { key: repeat.key, status, body, storedAtMs: clock.nowMs() },
    },
  ];
}
