import { beforeEach, expect, test } from 'vitest';
import { RawCall } from './testing/raw-call.ts';

let call: RawCall;

beforeEach(async () => {
  call = await RawCall.open();
});

test.each([
  ['application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n', ['5', 160]],
  ['application/dtmf-relay', 'Signal= *\nDuration= 100', ['*', 100]],
  ['Application/DTMF-Relay; charset=utf-8', 'Duration=90\r\nSignal=11\r\n', ['#', 90]],
  ['application/dtmf-relay', 'Signal=d\r\n', ['D', 250]],
  ['application/dtmf', '7', ['7', 250]],
  ['application/dtmf', 'Signal=7', ['7', 250]],
  ['application/dtmf-relay', 'Signal=16\r\nDuration=160', undefined],
  ['application/dtmf-relay', 'nonsense', undefined],
] as const)('a key by INFO (%s, %j) is answered and heard', async (contentType, body, heard) => {
  const session = await call.answer();
  const keys: unknown[] = [];
  session.onTone = (tone, durationMs) => keys.push([tone, durationMs]);
  const request = { method: 'INFO', contentType, body };
  const response = await call.ask(request);
  expect(response.status).toBe(200);
  expect(keys).toEqual(heard === undefined ? [] : [heard]);
  // Repeated, it is the same key.
  call.peer.send({ ...request, toTag: call.toTag, cseq: response.cseq.number });
  await call.turn();
  expect(call.peer.statuses.filter((status) => status === 200)).toHaveLength(3);
  expect(keys).toHaveLength(heard === undefined ? 0 : 1);
});

test('keys are heard in calls of ours too; other INFOs are answered as RFC 6086 says', async () => {
  const session = await call.connect();
  const keys: string[] = [];
  session.onTone = (tone) => keys.push(tone);
  const body = 'Signal=1';
  const ask = async (more: { contentType?: string; body?: string; headers?: string[] }) =>
    (await call.askBack({ method: 'INFO', ...more })).status;
  expect(await ask({ contentType: 'application/dtmf-relay', body })).toBe(200);
  expect(await ask({})).toBe(200);
  expect(await ask({ contentType: 'application/media_control+xml', body: '<x/>' })).toBe(415);
  expect(await ask({ headers: ['Info-Package: foo'], contentType: 'application/dtmf', body })).toBe(
    469,
  );
  expect(keys).toEqual(['1']);
  expect(call.ends).toEqual([]);
});
