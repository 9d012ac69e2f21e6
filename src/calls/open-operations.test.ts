import { expect, test } from 'vitest';
import type { CallConnectionId, ServerCallId } from '../core/ids.ts';
import type { Fact } from '../core/ports/ledger.ts';
import { OpenOperations, type OpenOperation } from './open-operations.ts';
import { CALL_OVER } from './result-code.ts';

const MINE = 'connection-1' as CallConnectionId;
const ANOTHER = 'connection-2' as CallConnectionId;
const event = (name: string): Fact => ({ kind: 'subscription-removed', name });
const ended = (operationId: string): Fact => ({ kind: 'operation-ended', operationId });

const cutOff: string[] = [];
const operations = new OpenOperations('call' as ServerCallId);

function begin(operationId: string, callConnectionId = MINE): OpenOperation {
  return operations.begin({
    operationId,
    callConnectionId,
    endings: ({ code, subCode }) => [
      { name: `${operationId} failed`, request: {}, data: { result: `${code}/${subCode}` } },
    ],
    told: ({ name, data }) => [event(`${name} ${String(data['result'])}`)],
    onCutOff: () => cutOff.push(operationId),
  });
}

test('an operation is completed once, by itself or by the end of its connection', () => {
  const [first, second, third] = [begin('first'), begin('second'), begin('third', ANOTHER)];
  expect(first.accepted()).toEqual([
    {
      kind: 'operation-accepted',
      record: {
        operationId: 'first',
        callConnectionId: MINE,
        serverCallId: 'call',
        endings: [{ name: 'first failed', request: {}, data: { result: '500/10045' } }],
      },
    },
  ]);
  second.accepted();

  expect(first.end()).toEqual([ended('first')]);
  expect(operations.failAllOf(MINE, CALL_OVER)).toEqual([
    event('second failed 400/8528'),
    ended('second'),
  ]);
  expect(cutOff).toEqual(['second']);

  expect([first.end(), second.end()]).toEqual([undefined, undefined]);
  // Nothing may be stored after its end was.
  expect(second.accepted()).toEqual([]);
  expect(operations.failAllOf(MINE, CALL_OVER)).toEqual([]);
  // Nothing was stored that would have to go.
  expect(third.end()).toEqual([]);
});
