import { expect, test } from 'vitest';
import { buildRtcp } from '../protocols/rtcp/build.ts';
import { parseRtcp } from '../protocols/rtcp/parse.ts';
import {
  CALL,
  packet,
  PHONE_A,
  PHONE_B,
  readHeader,
  remoteMedia,
  TwoPartyCall,
} from './testing/two-party-call.ts';

const RTCP_A = { address: PHONE_A.address, port: PHONE_A.port + 1 };
const RTCP_B = { address: PHONE_B.address, port: PHONE_B.port + 1 };

function read(datagrams: readonly Uint8Array[]): unknown[] {
  return datagrams.map((datagram) => {
    const result = parseRtcp(datagram);
    return result.ok ? result.value : result.defect;
  });
}

/** A talks for some seconds; one packet in ten is lost. */
function talk(call: TwoPartyCall, to: { address: string; port: number }, seconds: number): void {
  for (let n = 0; n < seconds * 50; n += 1) {
    if (n % 10 !== 5) {
      call.network.deliver(PHONE_A, to, packet({ ssrc: 9, sequenceNumber: n, timestamp: n * 160 }));
    }
    call.clock.advance(20);
  }
}

test('the sender hears how much of it came, the listener what was sent to it', async () => {
  const call = new TwoPartyCall();
  const { a } = await call.open();
  talk(call, a.rtp, 20);
  const relayed = call.network.takeSentTo(PHONE_B).map(readHeader);
  const toA = read(call.network.takeSentTo(RTCP_A));
  const toB = read(call.network.takeSentTo(RTCP_B));
  expect(toA.length).toBeGreaterThanOrEqual(2);
  expect(toA.length).toBeLessThanOrEqual(8);
  expect(toA[1]).toMatchObject([
    { type: 'receiver-report', reports: [{ ssrc: 9, fractionLost: 25, jitterTicks: 0 }] },
    { type: 'source-description', names: [{ cname: '5a'.repeat(12) }] },
  ]);
  expect(toB[0]).toMatchObject([
    { type: 'sender-report', ssrc: relayed[0]?.ssrc, reports: [] },
    { type: 'source-description', names: [{ ssrc: relayed[0]?.ssrc }] },
  ]);
  const [report] = toB.at(-1) as { sender: { packetCount: number; octetCount: number } }[];
  expect(report?.sender.octetCount).toBe((report?.sender.packetCount ?? 0) * 160);
  expect(report?.sender.packetCount).toBeGreaterThan(400);
});

test('who never said anything gets no report and no goodbye', async () => {
  const call = new TwoPartyCall();
  await call.open();
  call.clock.advance(30_000);
  await call.host.closeCall(CALL);
  expect(call.network.sent).toEqual([]);
});

test('a leg that closes says BYE with its name', async () => {
  const call = new TwoPartyCall();
  const { a } = await call.open();
  call.network.deliver(PHONE_A, a.rtp, packet());
  const [relayed] = call.network.takeSentTo(PHONE_B);
  await call.host.closeCall(CALL);
  const { ssrc } = readHeader(relayed);
  expect(read(call.network.takeSentTo(RTCP_B))).toMatchObject([
    [{ type: 'receiver-report' }, { names: [{ ssrc }] }, { type: 'goodbye', ssrcs: [ssrc] }],
  ]);
});

test('RTCP of the far side is read for its times and moves nothing', async () => {
  const call = new TwoPartyCall();
  const { a } = await call.open(remoteMedia(PHONE_A, { alternativeSources: ['203.0.113.1'] }));
  call.network.deliver(PHONE_A, a.rtp, packet({ ssrc: 9 }));
  const sender = { ntpSeconds: 1, ntpFraction: 0, rtpTimestamp: 0, packetCount: 1, octetCount: 1 };
  const report = buildRtcp([
    { type: 'sender-report', ssrc: 9, sender, reports: [] },
    { type: 'goodbye', ssrcs: [9] },
  ]);
  call.network.deliver(RTCP_A, a.rtcp, report);
  call.network.deliver({ address: '203.0.113.1', port: 1 }, a.rtcp, report);
  call.network.deliver(RTCP_A, a.rtcp, Uint8Array.of(1, 2, 3));
  expect(call.host.statistics()).toMatchObject({
    rtcpIn: 1,
    dropped: { source: 1, malformed: 1 },
  });
  call.network.deliver(PHONE_A, a.rtp, packet({ ssrc: 9, sequenceNumber: 1 }));
  expect(call.network.takeSentTo(PHONE_B)).toHaveLength(2);
  call.clock.advance(10_000);
  expect(read(call.network.takeSentTo(RTCP_A))[0]).toMatchObject([
    { reports: [{ lastSenderReport: 0x1_0000 }] },
    { type: 'source-description' },
  ]);
});
