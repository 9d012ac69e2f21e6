import { expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { Leg } from './leg.ts';
import { PAYLOAD_KIND } from './leg-media.ts';
import { MediaCounters } from './media-statistics.ts';
import { MemoryNetwork } from './testing/memory-network.ts';
import {
  CODECS,
  LEG_A,
  packet,
  PHONE_A,
  readHeader,
  remoteMedia,
} from './testing/two-party-call.ts';

async function openLeg() {
  const clock = new ManualClock();
  const network = new MemoryNetwork(clock);
  const counters = new MediaCounters();
  const leg = new Leg({
    legId: LEG_A,
    participantId: 'a',
    host: '127.0.0.1',
    clock,
    counters,
    events: { onReceiving: () => undefined, onSilent: () => undefined, onTone: () => undefined },
    start: { ssrc: 9, sequenceNumber: 65_534, timestamp: 1000 },
    cname: 'us',
    silenceMs: 20_000,
    codecs: CODECS,
    inBandTones: 'off',
  });
  const bind = (port: number, receive: Leg['receiveRtp']) =>
    network.bind({ host: '127.0.0.1', port, receive });
  const sockets = leg.attach({
    rtp: await bind(20_000, leg.receiveRtp),
    rtcp: await bind(20_001, leg.receiveRtcp),
  });
  return { clock, network, counters, leg, sockets };
}

const frame = Uint8Array.from({ length: 200 }, (_, index) => index);

test('frames of our own go out in the format of the leg, each behind the one before', async () => {
  const { leg, network, clock, counters } = await openLeg();
  leg.setMedia(
    remoteMedia(PHONE_A, { format: { codec: 'opus', payloadType: 111, clockRateHz: 48_000 } }),
  );
  for (const [bytes, marker] of [
    [40, true],
    [200, false],
    [40, false],
  ] as const) {
    leg.sendFrame(frame, bytes, 960, marker, clock.monotonicUs());
    clock.advance(20);
  }
  const sent = network.takeSentTo(PHONE_A);
  expect(sent.map((data) => data.subarray(12))).toEqual([
    frame.subarray(0, 40),
    frame,
    frame.subarray(0, 40),
  ]);
  expect(
    sent
      .map(readHeader)
      .map((header) => [
        header.payloadType,
        header.marker,
        header.sequenceNumber,
        header.timestamp,
        header.ssrc,
      ]),
  ).toEqual([
    [111, true, 65_534, 1000, 9],
    [111, false, 65_535, 1960, 9],
    [111, false, 0, 2920, 9],
  ]);
  expect(counters.packetsOut).toBe(3);
});

test('nothing is sent to who wants nothing', async () => {
  const { leg, network } = await openLeg();
  leg.sendFrame(frame, 40, 160, false, 0);
  leg.setMedia(remoteMedia(PHONE_A, { direction: 'recvonly' }));
  leg.sendFrame(frame, 40, 160, false, 0);
  expect(network.sent).toEqual([]);
});

test('a leg on hold hears frames of our own', async () => {
  const { leg, network } = await openLeg();
  leg.setMedia(remoteMedia(PHONE_A));
  leg.control({ isMuted: false, isOnHold: true });
  leg.sendFrame(frame, 160, 160, false, 0);
  expect(network.takeSentTo(PHONE_A)).toHaveLength(1);
});

test('a sink gets what was accepted from a leg that is heard, in place of the relay', async () => {
  const { leg, network, sockets } = await openLeg();
  const taken: unknown[][] = [];
  leg.setMedia(remoteMedia(PHONE_A));
  leg.sink = {
    packet: (kind, header, data, arrivalUs) => {
      taken.push([kind, header.sequenceNumber, header.payloadBytes, data.length, arrivalUs]);
    },
  };
  leg.relay = { to: leg, sender: leg.sender, payloadTypes: new Int16Array(128), table: undefined };
  const deliver = (sequenceNumber: number, payloadType: number): void => {
    network.deliver(PHONE_A, sockets.rtp, packet({ sequenceNumber, payloadType }));
  };
  deliver(0, 0);
  deliver(1, 13);
  deliver(2, 101);
  deliver(3, 77);
  leg.control({ isMuted: true, isOnHold: false });
  deliver(4, 0);
  expect(taken).toEqual([
    [PAYLOAD_KIND.audio, 0, 160, 172, 0],
    [PAYLOAD_KIND.comfortNoise, 1, 160, 172, 0],
    [PAYLOAD_KIND.telephoneEvent, 2, 160, 172, 0],
  ]);
  expect(network.sent).toEqual([]);
});
