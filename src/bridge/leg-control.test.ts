import { describe, expect, test } from 'vitest';
import { pauseAt, play, resumeAt, sentTimes, speak } from './testing/played-packets.ts';
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

const OPEN = { isMuted: false, isOnHold: false };
const MUTED = { isMuted: true, isOnHold: false };
const ON_HOLD = { isMuted: false, isOnHold: true };

async function recordedCall() {
  const call = new TwoPartyCall();
  const sockets = await call.open();
  await call.host.openJournal({ serverCallId: CALL, recordingId: RECORDING, directory: '/j' });
  return { call, ...sockets };
}

/** First and last of a run of packets 20 ms apart, in ms. */
function runs(times: readonly number[]): [number, number][] {
  const found: [number, number][] = [];
  for (const time of times) {
    const last = found.at(-1);
    if (last !== undefined && time - last[1] === 20) last[1] = time;
    else found.push([time, time]);
  }
  return found;
}

describe.each([
  ['muted', MUTED],
  ['on hold', ON_HOLD],
])('a leg that is %s', (_name, control) => {
  test('is neither journaled nor relayed until it is heard again, late packets included', async () => {
    const { call, a } = await recordedCall();
    const jittered = (sentMs: number): number => (sentMs % 100 === 40 ? 60 : 5);
    await play(call, [
      ...speak(call, { from: PHONE_A, to: a.rtp, fromMs: 0, untilMs: 6000, delayMs: jittered }),
      { atMs: 2001, run: () => call.host.controlLeg(LEG_A, control) },
      { atMs: 3990, run: () => call.host.controlLeg(LEG_A, OPEN) },
      { atMs: 7000, run: () => call.host.endJournal(RECORDING, 'stopped') },
    ]);
    const [times = []] = await sentTimes(call, '/j');
    const sorted = times.toSorted((x, y) => x - y);
    // 1980 arrives before the mute; 3940 comes after it has ended, and stays out.
    expect(runs(sorted.filter((time) => time < 1940))).toEqual([[0, 1920]]);
    expect(sorted.filter((time) => time > 1980 && time <= 3980)).toEqual([]);
    expect(runs(sorted.filter((time) => time > 1980))).toEqual([[4000, 5980]]);
    expect(call.network.takeSentTo(PHONE_B)).toHaveLength(sorted.length);
    expect(call.host.statistics().packetsIn).toBe(300);
  });

  test('is told apart in a paused journal: resuming does not let it in', async () => {
    const { call, a } = await recordedCall();
    await play(call, [
      ...speak(call, { from: PHONE_A, to: a.rtp, fromMs: 0, untilMs: 6000 }),
      pauseAt(call, 1990, RECORDING),
      { atMs: 2500, run: () => call.host.controlLeg(LEG_A, control) },
      resumeAt(call, 2990, RECORDING),
      { atMs: 3990, run: () => call.host.controlLeg(LEG_A, OPEN) },
      { atMs: 7000, run: () => call.host.endJournal(RECORDING, 'stopped') },
    ]);
    const [times = []] = await sentTimes(call, '/j');
    expect(runs(times)).toEqual([
      [0, 1980],
      [4000, 5980],
    ]);
  });

  test('still counts as receiving', async () => {
    const { call, a } = await recordedCall();
    await call.host.controlLeg(LEG_A, control);
    call.network.deliver(PHONE_A, a.rtp, packet());
    expect(call.events).toEqual([['legReceiving', LEG_A]]);
  });
});

test('a leg on hold hears nothing of the others, and goes on without a gap in its numbers', async () => {
  const { call, a, b } = await recordedCall();
  await play(call, [
    ...speak(call, { from: PHONE_B, to: b.rtp, fromMs: 0, untilMs: 3000 }),
    ...speak(call, { from: PHONE_A, to: a.rtp, fromMs: 0, untilMs: 3000 }),
    { atMs: 1010, run: () => call.host.controlLeg(LEG_A, ON_HOLD) },
    { atMs: 2010, run: () => call.host.controlLeg(LEG_A, OPEN) },
  ]);
  const heard = call.network.takeSentTo(PHONE_A).map(readHeader);
  expect(heard).toHaveLength(100);
  heard.slice(1).forEach((header, index) => {
    const before = heard[index]!;
    expect((header.sequenceNumber - before.sequenceNumber) & 0xffff).toBe(1);
    const ticks = (header.timestamp - before.timestamp) >>> 0;
    // A second of hold, by the clock.
    expect(ticks).toBe(index === 50 ? 8160 : 160);
  });
});

test('a muted leg still hears the others', async () => {
  const { call, b } = await recordedCall();
  await call.host.controlLeg(LEG_A, MUTED);
  call.network.deliver(PHONE_B, b.rtp, packet());
  expect(call.network.takeSentTo(PHONE_A)).toHaveLength(1);
});

test('what is done to a leg outlives a new description', async () => {
  const { call, a } = await recordedCall();
  await call.host.controlLeg(LEG_A, MUTED);
  await call.host.setLegMedia(LEG_A, remoteMedia(PHONE_A));
  call.network.deliver(PHONE_A, a.rtp, packet());
  expect(call.network.takeSentTo(PHONE_B)).toEqual([]);
});

test('a leg that is not open is refused', async () => {
  const { call } = await recordedCall();
  await call.host.closeLeg(LEG_B);
  await expect(call.host.controlLeg(LEG_B, MUTED)).rejects.toMatchObject({
    code: 'participant-not-found',
  });
});
