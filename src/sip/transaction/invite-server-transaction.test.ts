import { expect, test } from 'vitest';
import { ManualClock } from '../../core/manual-clock.ts';
import { InviteServerTransaction } from './invite-server-transaction.ts';

const TRYING = new Uint8Array([100]);
const RINGING = new Uint8Array([180]);
const OK = new Uint8Array([200]);
const BUSY = new Uint8Array([486]);

function setUp(reliable = false): {
  clock: ManualClock;
  sentMs: (bytes: Uint8Array) => number[];
  transaction: InviteServerTransaction;
  terminations: () => number;
} {
  const clock = new ManualClock();
  const sent: { bytes: Uint8Array; atMs: number }[] = [];
  let terminated = 0;
  const transaction = new InviteServerTransaction({
    clock,
    reliable,
    trying: TRYING,
    send: (bytes) => sent.push({ bytes, atMs: clock.monotonicUs() / 1000 }),
    onTerminated: () => {
      terminated += 1;
    },
  });
  return {
    clock,
    transaction,
    sentMs: (bytes) => sent.filter((each) => each.bytes === bytes).map((each) => each.atMs),
    terminations: () => terminated,
  };
}

test('100 goes out after 200 ms when the user is silent, and not when it has spoken', () => {
  const silent = setUp();
  silent.clock.advance(199);
  expect(silent.sentMs(TRYING)).toEqual([]);
  silent.clock.advance(1);
  expect(silent.sentMs(TRYING)).toEqual([200]);

  const quick = setUp();
  quick.transaction.respond(180, RINGING);
  quick.clock.advance(1_000);
  expect(quick.sentMs(TRYING)).toEqual([]);
});

test('a repeated INVITE gets the last provisional response again', () => {
  const { transaction, sentMs } = setUp();
  transaction.receiveRetransmission();
  transaction.respond(180, RINGING);
  transaction.receiveRetransmission();
  expect(sentMs(RINGING)).toHaveLength(2);
});

test('timer G repeats a refusal after 0.5, 1, 2 and then every 4 s, until timer H ends it at 32 s', () => {
  const { transaction, clock, sentMs, terminations } = setUp();
  transaction.respond(486, BUSY);
  clock.advance(31_999);
  expect(sentMs(BUSY)).toEqual([
    0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
  ]);
  expect(terminations()).toBe(0);
  clock.advance(1);
  expect(terminations()).toBe(1);
  expect(clock.pendingTimers).toBe(0);
});

test('the ACK stops a refusal; timer I absorbs repeated ACKs for 5 s', () => {
  const { transaction, clock, sentMs, terminations } = setUp();
  transaction.respond(486, BUSY);
  transaction.receiveAck();
  transaction.receiveAck();
  clock.advance(4_999);
  expect(sentMs(BUSY)).toHaveLength(1);
  expect(transaction.state).toBe('confirmed');
  clock.advance(1);
  expect(terminations()).toBe(1);
});

test('on a reliable transport a refusal is sent once and confirmed at once', () => {
  const { transaction, clock, sentMs, terminations } = setUp(true);
  transaction.respond(486, BUSY);
  clock.advance(10_000);
  expect(sentMs(BUSY)).toEqual([0]);
  transaction.receiveAck();
  clock.advance(0);
  expect(terminations()).toBe(1);
});

test('after a 2xx the transaction stays "accepted" for timer L, absorbs INVITEs and passes further 2xx (RFC 6026)', () => {
  const { transaction, clock, sentMs, terminations } = setUp();
  transaction.respond(200, OK);
  transaction.receiveRetransmission();
  expect(sentMs(OK)).toHaveLength(1);
  transaction.respond(200, OK);
  expect(sentMs(OK)).toHaveLength(2);
  transaction.respond(486, BUSY);
  expect(sentMs(BUSY)).toEqual([]);
  clock.advance(31_999);
  expect(transaction.state).toBe('accepted');
  clock.advance(1);
  expect(terminations()).toBe(1);
});
