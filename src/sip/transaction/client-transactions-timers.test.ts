import { expect, test } from 'vitest';
import { ManualClock } from '../../core/manual-clock.ts';
import type { SipResponse } from '../../protocols/sip/message.ts';
import { parseSipMessage } from '../../protocols/sip/parse-message.ts';
import { InviteClientTransaction } from './invite-client-transaction.ts';
import { NonInviteClientTransaction } from './non-invite-client-transaction.ts';
import { NonInviteServerTransaction } from './non-invite-server-transaction.ts';

function response(status: number): SipResponse {
  const message = parseSipMessage(
    Buffer.from(
      `SIP/2.0 ${status} X\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n` +
        `To: <sip:c@d>;tag=2\r\nCall-ID: i\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n`,
    ),
  );
  if (!message.ok || message.value.kind !== 'response') throw new Error('not a response');
  return message.value;
}

type Log = {
  sentMs: number[];
  acks: number;
  statuses: number[];
  failures: string[];
  terminated: number;
};

function log(): Log {
  return { sentMs: [], acks: 0, statuses: [], failures: [], terminated: 0 };
}

function invite(
  clock: ManualClock,
  reliable = false,
): { seen: Log; transaction: InviteClientTransaction } {
  const seen = log();
  const transaction = new InviteClientTransaction({
    ...handlers(clock, reliable, seen),
    sendAck: () => (seen.acks += 1),
  });
  transaction.start();
  return { seen, transaction };
}

function nonInvite(
  clock: ManualClock,
  reliable = false,
): { seen: Log; transaction: NonInviteClientTransaction } {
  const seen = log();
  const transaction = new NonInviteClientTransaction(handlers(clock, reliable, seen));
  transaction.start();
  return { seen, transaction };
}

function handlers(clock: ManualClock, reliable: boolean, seen: Log) {
  return {
    clock,
    reliable,
    sendRequest: () => {
      seen.sentMs.push(clock.monotonicUs() / 1000);
    },
    onResponse: (each: SipResponse) => {
      seen.statuses.push(each.status);
    },
    onFailure: (failure: string) => {
      seen.failures.push(failure);
    },
    onTerminated: () => {
      seen.terminated += 1;
    },
  };
}

test('timer A doubles without a cap and timer B gives up after 32 s', () => {
  const clock = new ManualClock();
  const { seen } = invite(clock);
  clock.advance(31_999);
  expect(seen.sentMs).toEqual([0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
  expect(seen.failures).toEqual([]);
  clock.advance(1);
  expect(seen.failures).toEqual(['timeout']);
  expect(seen.terminated).toBe(1);
  expect(clock.pendingTimers).toBe(0);
});

test('a provisional response stops the INVITE, for as long as the phone rings', () => {
  const clock = new ManualClock();
  const { seen, transaction } = invite(clock);
  clock.advance(600);
  transaction.receive(response(180));
  clock.advance(600_000);
  expect(seen.sentMs).toEqual([0, 500]);
  expect(seen.failures).toEqual([]);
});

test('every repetition of a refusal is acknowledged during timer D, and reported once', () => {
  const clock = new ManualClock();
  const { seen, transaction } = invite(clock);
  transaction.receive(response(486));
  transaction.receive(response(486));
  expect(seen.acks).toBe(2);
  expect(seen.statuses).toEqual([486]);
  clock.advance(31_999);
  expect(seen.terminated).toBe(0);
  clock.advance(1);
  expect(seen.terminated).toBe(1);
});

test('in "accepted" every 2xx is passed on, and nothing else (RFC 6026)', () => {
  const clock = new ManualClock();
  const { seen, transaction } = invite(clock);
  transaction.receive(response(200));
  transaction.receive(response(180));
  transaction.receive(response(486));
  transaction.receive(response(200));
  expect(seen.statuses).toEqual([200, 200]);
  expect(seen.acks).toBe(0);
  clock.advance(32_000);
  expect(seen.terminated).toBe(1);
});

test('on a reliable transport nothing is repeated, and a refusal ends at once', () => {
  const clock = new ManualClock();
  const { seen, transaction } = invite(clock, true);
  clock.advance(20_000);
  expect(seen.sentMs).toEqual([0]);
  transaction.receive(response(486));
  clock.advance(0);
  expect(seen.terminated).toBe(1);
});

test('timer E doubles up to 4 s and timer F gives up after 32 s', () => {
  const clock = new ManualClock();
  const { seen } = nonInvite(clock);
  clock.advance(32_000);
  expect(seen.sentMs).toEqual([
    0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
  ]);
  expect(seen.failures).toEqual(['timeout']);
});

test('after a provisional response timer E goes on every 4 s', () => {
  const clock = new ManualClock();
  const { seen, transaction } = nonInvite(clock);
  transaction.receive(response(100));
  clock.advance(9_000);
  expect(seen.sentMs).toEqual([0, 500, 4_500, 8_500]);
});

test('timer K absorbs repeated final responses for 5 s', () => {
  const clock = new ManualClock();
  const { seen, transaction } = nonInvite(clock);
  transaction.receive(response(200));
  transaction.receive(response(200));
  expect(seen.statuses).toEqual([200]);
  clock.advance(4_999);
  expect(seen.terminated).toBe(0);
  clock.advance(1);
  expect(seen.terminated).toBe(1);
});

test('timer J repeats the final response to a repeated request for 32 s', () => {
  const clock = new ManualClock();
  let sent = 0;
  let terminated = 0;
  const transaction = new NonInviteServerTransaction({
    clock,
    reliable: false,
    send: () => (sent += 1),
    onTerminated: () => (terminated += 1),
  });
  transaction.receiveRetransmission();
  expect(sent).toBe(0);
  transaction.respond(200, new Uint8Array([1]));
  transaction.respond(500, new Uint8Array([2]));
  clock.advance(31_999);
  transaction.receiveRetransmission();
  expect(sent).toBe(2);
  clock.advance(1);
  transaction.receiveRetransmission();
  expect([sent, terminated]).toEqual([2, 1]);
});
