import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RawCall } from './testing/raw-call.ts';
import { SDP_OFFER, type RawRequest } from './testing/raw-peer.ts';

const MINUTE_MS = 60_000;

/** Requests that a peer may send in a call, sensible or not, with what they leave behind. */
const requests: fc.Arbitrary<RawRequest> = fc.record({
  method: fc.constantFrom(
    ...['INVITE', 'UPDATE', 'INFO', 'REFER', 'NOTIFY', 'PRACK', 'OPTIONS', 'MESSAGE', 'ACK'],
  ),
  cseq: fc.integer({ min: 0, max: 50 }),
  branch: fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom('a', 'b', 'c') }),
  headers: fc.subarray([
    'Refer-To: <sip:bob@10.0.0.77>',
    'Refer-To: <sip:bob@10.0.0.77?Replaces=%zz>',
    'Replaces: call-1;to-tag=a;from-tag=b',
    'Event: refer;id=7',
    'Subscription-State: terminated;reason=noresource',
    'RAck: 1 1 INVITE',
    'RAck: 4294967296 99999999999 INVITE',
    'Session-Expires: 90;refresher=uac',
    'Session-Expires: 0',
    'Require: 100rel',
    'Supported: timer, 100rel',
    'Contact: <sip:elsewhere@10.0.0.78>',
    'Contact: *',
  ]),
  body: fc.constantFrom('', SDP_OFFER, 'v=0', 'Signal=1\r\nDuration=100', 'SIP/2.0 200 OK'),
  contentType: fc.constantFrom(
    ...['application/sdp', 'application/dtmf-relay', 'message/sipfrag', 'a/b'],
  ),
});

test('whatever is asked in a call, nothing of it is left a minute after its end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(requests, { maxLength: 12 }), fc.boolean(), async (list, isOurs) => {
      const call = await RawCall.open();
      const session = isOurs ? await call.connect() : await call.answer();
      session.onRefer = (refer) => {
        refer.accept().notify(180, 'Ringing');
      };
      const invite = isOurs ? call.request('INVITE') : undefined;
      const dialog =
        invite === undefined
          ? { toTag: call.toTag }
          : {
              callId: invite.callId,
              fromTag: 'peer',
              toTag: invite.from.parameters.get('tag') ?? '',
            };
      for (const request of list) {
        call.peer.send({ ...request, ...dialog, branch: `z9hG4bK${request.branch ?? ''}` });
        await call.turn(4);
      }
      void session.end({ status: 200, reason: 'Done' });
      await call.turn(3 * MINUTE_MS);
      expect(call.endpoint.counts).toMatchObject({
        serverTransactions: 0,
        clientTransactions: 0,
        dialogs: 0,
      });
      expect(call.world.clock.pendingTimers).toBe(0);
    }),
    { numRuns: 40 },
  );
});

test('a call that asks without end leaves room for others, and can still be hung up', async () => {
  const call = await RawCall.open();
  await call.answer();
  const { peer, toTag } = call;
  for (let cseq = 2; cseq < 1_002; cseq += 1) {
    peer.send({ method: 'OPTIONS', toTag, cseq, branch: `z9hG4bK-greed-${cseq}` });
  }
  await call.turn();
  const statuses = peer.responses.filter(({ cseq }) => cseq.method === 'OPTIONS');
  expect(statuses.filter(({ status }) => status === 200).length).toBe(100);
  expect(statuses.filter(({ status }) => status === 500).length).toBe(900);
  expect(peer.last?.headers.get('Retry-After')).toBe('5');
  expect(call.endpoint.counts.serverTransactions).toBeLessThan(110);
  // As many as a phone needs are served again a moment later.
  await call.turn(1_000);
  peer.send({ method: 'OPTIONS', toTag, cseq: 2_000, branch: 'z9hG4bK-later' });
  await call.turn();
  expect(peer.last?.status).toBe(200);
  for (let cseq = 3_000; cseq < 3_500; cseq += 1) {
    peer.send({ method: 'INFO', toTag, cseq, branch: `z9hG4bK-more-${cseq}` });
  }
  peer.send({ method: 'BYE', toTag, cseq: 4_000, branch: 'z9hG4bK-bye' });
  await call.turn();
  expect(peer.last).toMatchObject({ status: 200, cseq: { method: 'BYE' } });
  expect(call.ends).toEqual([expect.objectContaining({ status: 200, by: 'remote' })]);
});

test('a callee that wants a PRACK for ever more responses gets a few at a time', async () => {
  const call = await RawCall.open();
  await call.place();
  const invite = call.request('INVITE');
  for (let rseq = 1; rseq <= 500; rseq += 1) {
    call.peer.respond(invite, 183, {
      toTag: `fork-${rseq % 2}`,
      headers: ['Require: 100rel', `RSeq: ${Math.ceil(rseq / 2)}`],
    });
  }
  await call.turn();
  expect(call.count('PRACK')).toBe(8);
  expect(call.endpoint.counts.clientTransactions).toBeLessThan(12);
});
