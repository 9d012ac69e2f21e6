import { expect, test } from 'vitest';
import type { CallConnectionId } from '../core/ids.ts';
import type { Fact } from '../core/ports/ledger.ts';
import { OpenOperations } from './open-operations.ts';
import { CALL_OVER } from './result-code.ts';

const MINE = 'connection-1' as CallConnectionId;
const ANOTHER = 'connection-2' as CallConnectionId;
const fact = (name: string): Fact => ({ kind: 'subscription-removed', name });

test('an operation is completed once, by itself or by the end of its connection', () => {
  const operations = new OpenOperations();
  const first = operations.begin(MINE, () => [fact('first')]);
  const second = operations.begin(MINE, ({ subCode }) => [fact(`second ${subCode}`)]);
  const third = operations.begin(ANOTHER, () => [fact('third')]);

  expect(first()).toBe(true);
  expect(operations.failAllOf(MINE, CALL_OVER)).toEqual([fact('second 8528')]);

  expect(first()).toBe(false);
  expect(second()).toBe(false);
  expect(operations.failAllOf(MINE, CALL_OVER)).toEqual([]);
  expect(third()).toBe(true);
});
