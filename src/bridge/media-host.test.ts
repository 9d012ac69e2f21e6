import { describe, expect, test } from 'vitest';
import type { LegId, RecordingId } from '../core/ids.ts';
import type { MediaHost } from './media-host.ts';
import { readWhole } from '../journal/testing/record-log.ts';
import {
  CALL,
  LEG_A,
  LEG_B,
  packet,
  PHONE_A,
  PHONE_B,
  readHeader,
  RECORDING,
  remoteMedia,
  TwoPartyCall,
} from './testing/two-party-call.ts';

const DIRECTORY = '/data/one';
const JOURNAL = { serverCallId: CALL, recordingId: RECORDING, directory: DIRECTORY };

const MUTED = { isMuted: true, isOnHold: false };

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('ports', () => {
  test('are an even one for RTP and the next for RTCP, out of the range', async () => {
    const call = new TwoPartyCall();
    const { a, b } = await call.open();
    for (const { rtp, rtcp } of [a, b]) {
      expect(rtp.port % 2).toBe(0);
      expect(rtcp.port).toBe(rtp.port + 1);
      expect(rtp.port).toBeGreaterThanOrEqual(20_000);
      expect(rtcp.port).toBeLessThanOrEqual(20_019);
    }
  });

  test('run out by name, leave nothing behind, and come back when legs close', async () => {
    const call = new TwoPartyCall({ rtpPorts: { from: 20_001, to: 20_006 } });
    await call.openLeg(LEG_A);
    await call.openLeg(LEG_B);
    expect(call.network.ports).toEqual([20_002, 20_003, 20_004, 20_005]);
    const third = 'cc' as LegId;
    await expect(call.openLeg(third)).rejects.toMatchObject({ code: 'ports-exhausted' });
    expect(call.network.ports).toHaveLength(4);
    await call.host.closeLeg(LEG_A);
    await call.host.closeLeg(LEG_A);
    await expect(call.openLeg(third)).resolves.toBeDefined();
  });

  test('that another program has, RTP or RTCP, are passed over', async () => {
    const call = new TwoPartyCall({ rtpPorts: { from: 20_000, to: 20_005 } });
    const receive = (): void => undefined;
    await call.network.bind({ host: '127.0.0.1', port: 20_000, receive });
    await call.network.bind({ host: '127.0.0.1', port: 20_003, receive });
    expect((await call.openLeg(LEG_A)).rtp.port).toBe(20_004);
    expect(call.network.ports).toEqual([20_000, 20_003, 20_004, 20_005]);
  });

  test('of a family without an address are refused', async () => {
    const call = new TwoPartyCall();
    const request = { serverCallId: CALL, legId: LEG_A, participantId: 'x' };
    await expect(call.host.openLeg({ ...request, addressFamily: 'IPv6' })).rejects.toMatchObject({
      code: 'not-supported',
      field: 'addressFamily',
    });
  });

  test('of a leg that is closed while they are opened are given back', async () => {
    const call = new TwoPartyCall();
    const opening = call.openLeg(LEG_A);
    const closed = call.host.closeCall(CALL);
    await expect(opening).rejects.toMatchObject({ code: 'call-ended' });
    await closed;
    expect(call.network.ports).toEqual([]);
  });
});

describe('events', () => {
  test('say once that a leg is receiving', async () => {
    const call = new TwoPartyCall();
    const { a } = await call.open();
    call.network.deliver(PHONE_A, a.rtp, packet());
    call.network.deliver(PHONE_A, a.rtp, packet({ sequenceNumber: 1 }));
    expect(call.events).toEqual([['legReceiving', LEG_A]]);
  });

  test('say once for each silence that a leg which should send does not', async () => {
    const call = new TwoPartyCall({ silenceMs: 5_000 });
    const { a } = await call.open(
      remoteMedia(PHONE_A),
      remoteMedia(PHONE_B, { direction: 'sendonly' }),
    );
    call.clock.advance(4_900);
    expect(call.events).toEqual([]);
    call.clock.advance(20_000);
    expect(call.events).toEqual([['legSilent', LEG_A, 5_000]]);
    call.network.deliver(PHONE_A, a.rtp, packet());
    call.clock.advance(5_200);
    expect(call.events.slice(1)).toEqual([
      ['legReceiving', LEG_A],
      ['legSilent', LEG_A, 5_000],
    ]);
  });

  test('stop, timers too, when nothing is open', async () => {
    const call = new TwoPartyCall({ silenceMs: 5_000 });
    await call.open();
    await call.host.closeCall(CALL);
    call.clock.advance(20_000);
    expect(call.events).toEqual([]);
    expect(call.clock.pendingTimers).toBe(0);
  });
});

describe('a journal', () => {
  test('holds each leg as a stream, and its packets as they came, from the moment it is open', async () => {
    const call = new TwoPartyCall();
    const { a, b } = await call.open();
    call.network.deliver(PHONE_A, a.rtp, packet({ sequenceNumber: 8 }));
    const { startedAtMs } = await call.host.openJournal(JOURNAL);
    expect(startedAtMs).toBe(call.clock.nowMs());
    call.clock.advance(3);
    const fromA = packet({ sequenceNumber: 9, marker: true });
    const fromB = packet({ ssrc: 7, payloadType: 101, payload: Uint8Array.of(1, 2, 3, 4) });
    call.network.deliver(PHONE_A, a.rtp, fromA);
    call.network.deliver(PHONE_B, b.rtp, fromB);
    call.network.deliver({ ...PHONE_A, port: 1 }, a.rtp, packet({ sequenceNumber: 10 }));
    call.clock.advance(2);
    const end = await call.host.endJournal(RECORDING, 'stopped');
    expect(end).toEqual({ endedAtMs: startedAtMs + 5, durationMs: 5 });
    const { log, progress } = await readWhole(call.disk, DIRECTORY);
    expect(progress.state).toBe('ended');
    const format = { codec: 'PCMU', clockRateHz: 8000, payloadType: 0, played: false };
    const auxiliary = { telephoneEvent: 101, comfortNoise: 13 };
    expect(log.records.filter(({ type }) => type !== 'tick')).toEqual([
      ...[LEG_A, LEG_B].map((legId, stream) => ({
        type: 'joined',
        timeUs: 0,
        stream,
        values: [{ stream, legId, participantId: `8:acs:${legId}`, ...format, auxiliary }],
      })),
      { type: 'packet', timeUs: 3000, stream: 0, values: [hex(fromA), false] },
      { type: 'packet', timeUs: 3000, stream: 1, values: [hex(fromB), false] },
      { type: 'ended', timeUs: 5000, values: ['stopped', startedAtMs + 5] },
    ]);
  });

  test('says from the moment it is open who is there, whatever becomes of this process', async () => {
    const call = new TwoPartyCall();
    await call.open();
    await call.host.openJournal(JOURNAL);
    const { log } = await readWhole(call.disk, DIRECTORY);
    expect(log.records.map(({ type }) => type)).toEqual(['joined', 'joined', 'tick']);
  });

  test('hears of legs that join, change their format and leave', async () => {
    const call = new TwoPartyCall();
    await call.host.openJournal(JOURNAL);
    const { a } = await call.open();
    await call.host.setLegMedia(LEG_A, remoteMedia(PHONE_A));
    await call.host.setLegMedia(
      LEG_A,
      remoteMedia(PHONE_A, { format: { codec: 'PCMA', payloadType: 8, clockRateHz: 8000 } }),
    );
    call.network.deliver(PHONE_A, a.rtp, packet({ payloadType: 8 }));
    await call.host.closeLeg(LEG_B);
    await call.host.closeCall(CALL);
    const { log } = await readWhole(call.disk, DIRECTORY);
    expect(
      log.records.filter(({ type }) => type !== 'tick').map(({ type, stream }) => [type, stream]),
    ).toEqual([
      ['joined', 0],
      ['joined', 1],
      ['left', 0],
      ['joined', 2],
      ['packet', 2],
      ['left', 1],
      ['ended', undefined],
    ]);
  });

  test('is handed to the system at least every 100 ms', async () => {
    const call = new TwoPartyCall();
    const { a } = await call.open();
    await call.host.openJournal(JOURNAL);
    for (let n = 0; n < 10; n += 1) {
      call.network.deliver(PHONE_A, a.rtp, packet({ sequenceNumber: n }));
      await call.clock.advanceWithTurns(100);
      expect((await readWhole(call.disk, DIRECTORY)).log.packets).toHaveLength(n + 1);
    }
    expect(call.disk.syncs).toBeGreaterThan(1);
  });

  test('that cannot be written ends, is reported with what is whole, and the call goes on', async () => {
    const call = new TwoPartyCall();
    const { a } = await call.open();
    const { startedAtMs } = await call.host.openJournal(JOURNAL);
    call.network.deliver(PHONE_A, a.rtp, packet());
    await call.clock.advanceWithTurns(100);
    call.disk.failNext('write', 'ENOSPC');
    call.network.deliver(PHONE_A, a.rtp, packet({ sequenceNumber: 1 }));
    await call.clock.advanceWithTurns(1000);
    await expect.poll(() => call.events.at(-1)?.[0]).toBe('journalFailed');
    const [, recordingId, end, code] = call.events.at(-1) ?? [];
    expect([recordingId, code]).toEqual([RECORDING, 'ENOSPC']);
    expect(end).toEqual(await call.host.endJournal(RECORDING, 'stopped'));
    const { log } = await readWhole(call.disk, DIRECTORY);
    const last = log.records.at(-1);
    expect(last).toMatchObject({ type: 'ended', values: ['disk-failed', expect.anything()] });
    expect(end).toEqual({
      endedAtMs: startedAtMs + (last?.timeUs ?? 0) / 1000,
      durationMs: (last?.timeUs ?? 0) / 1000,
    });
    call.network.takeSentTo(PHONE_B);
    call.network.deliver(PHONE_A, a.rtp, packet({ sequenceNumber: 2 }));
    expect(call.network.takeSentTo(PHONE_B)).toHaveLength(1);
  });

  test('that cannot be begun is refused, and can be begun later', async () => {
    const call = new TwoPartyCall();
    await call.open();
    call.disk.failNext('open', 'EACCES');
    await expect(call.host.openJournal(JOURNAL)).rejects.toMatchObject({ code: 'disk-failed' });
    await expect(call.host.openJournal(JOURNAL)).resolves.toBeDefined();
    await expect(call.host.openJournal(JOURNAL)).rejects.toMatchObject({
      code: 'recording-conflict',
    });
  });

  test('gives the same end however often it is ended, also after the call', async () => {
    const call = new TwoPartyCall();
    await call.open();
    await call.host.openJournal(JOURNAL);
    call.clock.advance(50);
    const [first, second] = await Promise.all([
      call.host.endJournal(RECORDING, 'stopped'),
      call.host.endJournal(RECORDING, 'call-ended'),
      call.host.closeCall(CALL),
    ]);
    expect(second).toEqual(first);
    expect(await call.host.endJournal(RECORDING, 'stopped')).toEqual(first);
    await expect(call.host.endJournal('other' as RecordingId, 'stopped')).rejects.toMatchObject({
      code: 'recording-not-found',
    });
  });

  test.each([
    ['it is ended', (host: MediaHost) => host.endJournal(RECORDING, 'stopped')],
    ['it is paused', (host: MediaHost) => host.pauseJournal(RECORDING)],
    ['the leg is muted', (host: MediaHost) => host.controlLeg(LEG_A, MUTED)],
    ['the leg is closed', (host: MediaHost) => host.closeLeg(LEG_A)],
    ['the call is closed', (host: MediaHost) => host.closeCall(CALL)],
    ['the server stops', (host: MediaHost) => host.close()],
  ])('has what waited in the sockets when %s, and nothing that came after it', async (_, end) => {
    const call = new TwoPartyCall();
    const { a } = await call.open();
    await call.host.openJournal(JOURNAL);
    const before = packet({ sequenceNumber: 1 });
    call.network.leaveWaiting(PHONE_A, a.rtp, before);
    call.clock.advance(70);
    await end(call.host);
    call.network.deliver(PHONE_A, a.rtp, packet({ sequenceNumber: 2 }));
    await call.host.close();
    const { log } = await readWhole(call.disk, DIRECTORY);
    const packets = log.records.filter(({ type }) => type === 'packet');
    expect(packets.map(({ values }) => values?.[0])).toEqual([hex(before)]);
  });

  test('says that time has passed only when it has what came in that time', async () => {
    const call = new TwoPartyCall();
    const { a } = await call.open();
    await call.host.openJournal(JOURNAL);
    call.clock.advance(1);
    // It comes now, and is read when the thread, which has stood still, looks at its sockets.
    call.network.leaveWaiting(PHONE_A, a.rtp, packet());
    call.clock.advance(300);
    await call.host.endJournal(RECORDING, 'stopped');
    const { log } = await readWhole(call.disk, DIRECTORY);
    const times = log.records.filter(({ type }) => type === 'packet' || type === 'tick');
    expect(times.slice(0, 3)).toMatchObject([
      { type: 'tick', timeUs: 0 },
      { type: 'packet', timeUs: 1_000 },
      { type: 'tick' },
    ]);
  });

  test('of a call that ends while it is opened is ended as well', async () => {
    const call = new TwoPartyCall();
    await call.open();
    const opening = call.host.openJournal(JOURNAL);
    const closing = call.host.closeCall(CALL);
    await expect(opening).rejects.toMatchObject({ code: 'call-ended' });
    await closing;
    expect((await readWhole(call.disk, DIRECTORY)).progress.state).toBe('ended');
  });

  test('ends with the host, as do the legs', async () => {
    const call = new TwoPartyCall();
    await call.open();
    await call.host.openJournal(JOURNAL);
    await call.host.close();
    await call.host.close();
    expect(call.network.ports).toEqual([]);
    const { log } = await readWhole(call.disk, DIRECTORY);
    expect(log.records.at(-1)?.values?.[0]).toBe('shutdown');
    await expect(call.openLeg(LEG_A)).rejects.toMatchObject({ code: 'shutting-down' });
  });
});

describe('behind NAT', () => {
  const natted = { address: '198.51.100.7', port: 61_000 };

  test('media follows the source that locked, and comes back to the SDP address', async () => {
    const call = new TwoPartyCall();
    const { a, b } = await call.open(
      remoteMedia(PHONE_A, { alternativeSources: [natted.address] }),
    );
    call.network.deliver(PHONE_A, a.rtp, packet());
    call.clock.advance(700);
    for (let n = 0; n < 4; n += 1) {
      call.network.deliver(natted, a.rtp, packet({ sequenceNumber: n }));
    }
    call.network.deliver(PHONE_B, b.rtp, packet());
    expect(call.network.takeSentTo(PHONE_A)).toHaveLength(0);
    expect(call.network.takeSentTo(natted)).toHaveLength(1);
    call.network.deliver(PHONE_A, a.rtp, packet());
    call.network.deliver(PHONE_B, b.rtp, packet({ sequenceNumber: 1 }));
    expect(call.network.takeSentTo(PHONE_A)).toHaveLength(1);
    expect(call.network.takeSentTo(natted)).toHaveLength(0);
  });
});

test('a media description for a leg that is not open is refused', async () => {
  const call = new TwoPartyCall();
  await expect(call.host.setLegMedia(LEG_A, remoteMedia(PHONE_A))).rejects.toMatchObject({
    code: 'participant-not-found',
  });
});

test('statistics count what came, went and was dropped', async () => {
  const call = new TwoPartyCall();
  const { a } = await call.open();
  call.network.deliver(PHONE_A, a.rtp, packet());
  call.network.deliver(PHONE_A, a.rtp, new Uint8Array(3));
  call.network.deliver({ ...PHONE_A, port: 5 }, a.rtp, packet());
  expect(readHeader(call.network.takeSentTo(PHONE_B)[0]).payloadType).toBe(0);
  // The third was not even heard: the socket is connected to its peer.
  expect(call.host.statistics()).toMatchObject({
    legs: 2,
    journals: 0,
    packetsIn: 1,
    packetsOut: 1,
    dropped: { malformed: 1, source: 0 },
  });
});
