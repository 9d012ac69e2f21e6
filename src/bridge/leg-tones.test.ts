import { describe, expect, test } from 'vitest';
import type { SocketAddress } from '../core/ports/datagram.ts';
import type { Tone } from '../core/tone.ts';
import { readWhole } from '../journal/testing/record-log.ts';
import { buildTelephoneEvent, parseTelephoneEvent } from '../protocols/rtp/telephone-event.ts';
import { pauseAt, play, resumeAt, speak, type Step } from './testing/played-packets.ts';
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

const EVENTS = 101;

/** Key 5 for 100 ms in the numbers of `speak` from time 0: an update every 20 ms, the end once. */
function pressAt(
  call: TwoPartyCall,
  from: SocketAddress,
  to: SocketAddress,
  startMs: number,
): Step[] {
  return [1, 2, 3, 4, 5].map((update) => ({
    atMs: startMs + update * 20,
    run: () => {
      const payload = buildTelephoneEvent({
        event: 5,
        end: update === 5,
        volumeDbm0: 10,
        durationTicks: update * 160,
      });
      const timestamp = startMs * 8;
      // Numbers that nobody else has: of the next second.
      const sequenceNumber = 1000 + startMs / 10 + update;
      const fields = { payloadType: EVENTS, timestamp, sequenceNumber, payload };
      call.network.deliver(from, to, packet({ ...fields, marker: update === 1 }));
    },
  }));
}

async function recordedCall() {
  const call = new TwoPartyCall();
  const sockets = await call.open();
  await call.host.openJournal({ serverCallId: CALL, recordingId: RECORDING, directory: '/j' });
  return { call, ...sockets };
}

async function journaledTones(call: TwoPartyCall): Promise<unknown[][]> {
  await call.host.endJournal(RECORDING, 'stopped');
  const { log } = await readWhole(call.disk, '/j');
  return log.records
    .filter(({ type }) => type === 'tone')
    .map(({ stream, timeUs, values = [] }) => [stream, timeUs / 1000, ...values]);
}

const tonesOf = (call: TwoPartyCall): unknown[][] =>
  call.events.filter(([name]) => name === 'toneReceived');

describe('a key that a phone sends', () => {
  test('is reported with its length, journaled, and relayed', async () => {
    const { call, a } = await recordedCall();
    await play(call, [
      ...speak(call, { from: PHONE_A, to: a.rtp, fromMs: 0, untilMs: 2000 }),
      ...pressAt(call, PHONE_A, a.rtp, 1500),
    ]);
    expect(tonesOf(call)).toEqual([['toneReceived', LEG_A, '5', 100]]);
    expect(await journaledTones(call)).toEqual([[0, 1600, 5, 100]]);
    const relayed = call.network.takeSentTo(PHONE_B).map(readHeader);
    expect(relayed.filter(({ payloadType }) => payloadType === EVENTS)).toHaveLength(5);
  });

  test('in a paused recording is reported, but not journaled, though it ends after the resumption', async () => {
    const { call, a } = await recordedCall();
    await play(call, [
      ...speak(call, { from: PHONE_A, to: a.rtp, fromMs: 0, untilMs: 6000 }),
      pauseAt(call, 2000, RECORDING),
      ...pressAt(call, PHONE_A, a.rtp, 2500),
      ...pressAt(call, PHONE_A, a.rtp, 2940),
      resumeAt(call, 2990, RECORDING),
      ...pressAt(call, PHONE_A, a.rtp, 3500),
    ]);
    expect(tonesOf(call)).toHaveLength(3);
    expect(await journaledTones(call)).toEqual([[0, 3600, 5, 100]]);
  });

  test('is reported of a muted leg too, but not journaled', async () => {
    const { call, a } = await recordedCall();
    await call.host.controlLeg(LEG_A, { isMuted: true, isOnHold: false });
    await play(call, pressAt(call, PHONE_A, a.rtp, 1500));
    expect(tonesOf(call)).toEqual([['toneReceived', LEG_A, '5', 100]]);
    expect(await journaledTones(call)).toEqual([]);
    expect(call.network.takeSentTo(PHONE_B)).toEqual([]);
  });

  test('and that never ends is reported by the clock', async () => {
    const { call, a } = await recordedCall();
    await play(call, pressAt(call, PHONE_A, a.rtp, 1500).slice(0, 3));
    expect(tonesOf(call)).toEqual([]);
    call.clock.advance(700);
    expect(tonesOf(call)).toEqual([['toneReceived', LEG_A, '5', 60]]);
  });

  test('while it hangs up is reported', async () => {
    const { call, a } = await recordedCall();
    await play(call, pressAt(call, PHONE_A, a.rtp, 1500).slice(0, 3));
    await call.host.closeLeg(LEG_A);
    expect(tonesOf(call)).toEqual([['toneReceived', LEG_A, '5', 60]]);
  });
});

type Heard = {
  readonly type: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly event: unknown;
};

function heardBy(call: TwoPartyCall, phone: SocketAddress): Heard[] {
  return call.network.takeSentTo(phone).map((data) => {
    const header = readHeader(data);
    const event = parseTelephoneEvent(data.subarray(12));
    return {
      type: header.payloadType,
      marker: header.marker,
      sequence: header.sequenceNumber,
      timestamp: header.timestamp,
      event: header.payloadType === EVENTS && event.ok ? event.value : undefined,
    };
  });
}

describe('keys that we send', () => {
  test('are events of 100 ms each in the stream that the phone hears, with three ends', async () => {
    const { call, b } = await recordedCall();
    let sending: Promise<void> | undefined;
    await play(call, [
      ...speak(call, { from: PHONE_B, to: b.rtp, fromMs: 0, untilMs: 2000 }),
      { atMs: 1010, run: () => void (sending = call.host.sendTones(LEG_A, ['1', '#'])) },
    ]);
    await sending;
    const heard = heardBy(call, PHONE_A);
    heard.slice(1).forEach(({ sequence }, index) => {
      expect((sequence - heard[index]!.sequence) & 0xffff).toBe(1);
    });
    const first = heard[0]!.timestamp;
    const events = heard.filter(({ type }) => type === EVENTS);
    const key = (event: number, startMs: number) =>
      [160, 320, 480, 640, 800, 800, 800].map((durationTicks, at) => ({
        marker: at === 0,
        atMs: startMs,
        event: { event, end: at >= 4, volumeDbm0: 10, durationTicks },
      }));
    expect(
      events.map(({ marker, timestamp, event }) => ({
        marker,
        atMs: ((timestamp - first) >>> 0) / 8,
        event,
      })),
    ).toEqual([...key(1, 1010), ...key(11, 1170)]);
    // Speech on both sides of the keys, at its time; what was said meanwhile is left out.
    const speechMs = heard
      .filter(({ type }) => type === 0)
      .map(({ timestamp }) => ((timestamp - first) >>> 0) / 8);
    const before = speechMs.filter((at) => at < 1010);
    const after = speechMs.filter((at) => at > 1170);
    expect([before.length + after.length, before.at(-1), after[0]]).toEqual([
      speechMs.length,
      1000,
      1340,
    ]);
  });

  test('wait for those of an earlier request', async () => {
    const { call } = await recordedCall();
    const order: string[] = [];
    const send = (tones: readonly Tone[]): Promise<void> =>
      call.host.sendTones(LEG_A, tones).then(() => void order.push(tones.join('')));
    const both = Promise.all([send(['1', '2']), send(['3'])]);
    await call.clock.advanceWithTurns(319);
    expect(order).toEqual([]);
    await call.clock.advanceWithTurns(1);
    expect(order).toEqual(['12']);
    await call.clock.advanceWithTurns(160);
    await both;
    const starts = heardBy(call, PHONE_A).filter(({ marker }) => marker);
    expect(starts.map(({ event }) => (event as { event: number }).event)).toEqual([1, 2, 3]);
  });

  test('reach a leg on hold, and hold goes on', async () => {
    const { call, b } = await recordedCall();
    await call.host.controlLeg(LEG_A, { isMuted: false, isOnHold: true });
    const sending = call.host.sendTones(LEG_A, ['1']);
    await call.clock.advanceWithTurns(200);
    await sending;
    call.network.deliver(PHONE_B, b.rtp, packet());
    const heard = heardBy(call, PHONE_A);
    expect(heard.map(({ type }) => type)).toEqual(Array<number>(7).fill(EVENTS));
  });

  test('are refused when the leg goes, or is gone', async () => {
    const { call } = await recordedCall();
    const sending = call.host.sendTones(LEG_A, ['1', '2']);
    await call.clock.advanceWithTurns(100);
    await call.host.closeLeg(LEG_A);
    await expect(sending).rejects.toMatchObject({ code: 'participant-not-found' });
    await expect(call.host.sendTones(LEG_A, ['1'])).rejects.toMatchObject({
      code: 'participant-not-found',
    });
    const sent = heardBy(call, PHONE_A).length;
    call.clock.advance(1000);
    expect(heardBy(call, PHONE_A).length).toBe(0);
    expect(sent).toBeGreaterThan(0);
  });

  test('are refused by a leg that takes no media', async () => {
    const { call } = await recordedCall();
    await call.host.setLegMedia(LEG_B, remoteMedia(PHONE_B, { direction: 'recvonly' }));
    await expect(call.host.sendTones(LEG_B, ['1'])).rejects.toMatchObject({
      code: 'call-state-conflict',
    });
  });
});
