import { expect, test } from 'vitest';
import { IncomingStream } from './incoming-stream.ts';

const RATE_HZ = 8000;

function receive(stream: IncomingStream, n: number, lateMs = 0, ssrc = 9): void {
  const timestamp = (4_294_960_000 + n * 160) >>> 0;
  const sequence = (65_500 + n) & 0xffff;
  stream.update(ssrc, sequence, timestamp, (n * 20 + lateMs) * 1000, RATE_HZ, true);
}

test('nothing is reported about nobody', () => {
  expect(new IncomingStream().report(0)).toBeUndefined();
});

test('lost packets are counted in total and as a fraction of the interval, across the wrap', () => {
  const stream = new IncomingStream();
  for (let n = 0; n < 100; n += 1) if (n % 4 !== 1) receive(stream, n);
  expect(stream.report(0)).toMatchObject({
    ssrc: 9,
    fractionLost: 64,
    cumulativeLost: 25,
    extendedHighestSequence: 65_500 + 99,
    jitterTicks: 0,
  });
  for (let n = 100; n < 200; n += 1) receive(stream, n);
  expect(stream.report(0)).toMatchObject({ fractionLost: 0, cumulativeLost: 25 });
});

test('jitter comes near the mean change of delay, and the wrap of the timestamp adds none', () => {
  const stream = new IncomingStream();
  for (let n = 0; n < 400; n += 1) receive(stream, n, n % 2 === 0 ? 0 : 10);
  expect(stream.report(0)?.jitterTicks).toBe(80);
});

test('a new SSRC begins anew, and so does a jump that no network makes', () => {
  const stream = new IncomingStream();
  receive(stream, 0);
  receive(stream, 50, 0, 10);
  expect(stream.report(0)).toMatchObject({ ssrc: 10, cumulativeLost: 0 });
  receive(stream, 20_050, 0, 10);
  expect(stream.report(0)).toMatchObject({ ssrc: 10, cumulativeLost: 0 });
});

test('the last sender report of the source is given back with the time since', () => {
  const stream = new IncomingStream();
  receive(stream, 0);
  stream.senderReport(8, 1, 1, 0);
  expect(stream.report(0)).toMatchObject({ lastSenderReport: 0, delaySinceLastSenderReport: 0 });
  stream.senderReport(9, 0x1_2345, 0x6789_0000, 1_000_000);
  expect(stream.report(1_500_000)).toMatchObject({
    lastSenderReport: 0x2345_6789,
    delaySinceLastSenderReport: 32_768,
  });
});
