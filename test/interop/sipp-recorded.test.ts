import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { PhoneCall } from '../../src/sim/phone-call.ts';
import type { SimPhones } from '../../src/sim/sim-phones.ts';
import { EventReceiver, type ReceivedEvent } from '../support/event-receiver.ts';
import { expectPlanned } from '../support/expect-planned.ts';
import { openPhones, phoneOf } from '../support/peers/sim-phones.ts';
import { recordingFile } from '../support/recording-file.ts';
import { liveCalls, relayedPackets } from '../support/server-metrics.ts';
import { ServerProcess } from '../support/server-process.ts';
import { readClip, spansOf, writePcmuPlan, type TonePlan } from '../support/tone-plan.ts';
import { LossyRelay } from './lossy-relay.ts';
import { runSipp } from './run-sipp.ts';

const CALLS = 20;
/** Below what servers take for RTP, and what the system gives away. */
const SIPP_PORT = 15_171;
const SIPP_MEDIA_PORT = 16_000;
const CALLER: TonePlan = {
  frequencyHz: 440,
  spans: [
    { startMs: 500, endMs: 1_500 },
    { startMs: 2_000, endMs: 2_600 },
    { startMs: 3_300, endMs: 4_200 },
  ],
  totalMs: 4_500,
  amplitude: 16_384,
};
const CALLEE: TonePlan = {
  frequencyHz: 1_000,
  spans: [
    { startMs: 800, endMs: 2_300 },
    { startMs: 2_900, endMs: 3_600 },
  ],
  totalMs: 4_500,
  amplitude: 16_384,
};

let directory: string;
let events: EventReceiver;
let server: ServerProcess;
let phones: SimPhones;
let answered: PhoneCall[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-sipp-'));
  await writePcmuPlan(CALLER, join(directory, 'audio.ulaw'));
  events = await EventReceiver.open();
  server = await ServerProcess.start({
    flags: ['--event-webhook', events.url],
    file: {
      users: [{ name: 'callee', password: 'wonderland' }],
      routes: [{ to: '^callee$', action: 'registered', record: {} }],
    },
  });
  phones = await openPhones(
    server.ready.sip,
    [phoneOf('+15550100', CALLEE, 'callee')],
    [{ name: 'callee', password: 'wonderland' }],
  );
  phones.onCall = (call) => answered.push(call);
});

afterEach(() => {
  answered = [];
});

afterAll(async () => {
  await phones.close();
  events.close();
  expect(await server.stop()).toBe(0);
  await rm(directory, { recursive: true });
});

describe.each(['u1', 't1', 'tn'] as const)('20 calls of SIPp at once (%s)', (transport) => {
  test('are recorded with both sides as planned, and the phones heard SIPp', async () => {
    const before = await relayedPackets(server);
    const outcome = await runSipp({
      scenario: 'call-with-audio.xml',
      target: server.ready.sip.replace('sip:', ''),
      service: 'callee',
      port: SIPP_PORT,
      calls: CALLS,
      transport,
      files: { 'audio.ulaw': join(directory, 'audio.ulaw') },
      more: ['-mp', String(SIPP_MEDIA_PORT)],
    });
    expect(outcome).toEqual({ code: 0, errors: '' });
    const announced = await announcements(CALLS);
    for (const event of announced) {
      expect(event.data).toMatchObject({ sessionEndReason: 'CallEnded' });
      const clip = await readClip(recordingFile(server, event));
      expectPlanned(clip, CALLER);
      expectPlanned(clip, CALLEE);
    }
    expect(await liveCalls(server)).toBe(0);
    // What SIPp hears it keeps to itself: all that either side sent went out at the other.
    const after = await relayedPackets(server);
    expect(after.in - before.in).toBeGreaterThan(2 * CALLS * (CALLER.totalMs / 20));
    expect(after.out - before.out).toBe(after.in - before.in);
    expect(answered).toHaveLength(CALLS);
    for (const call of answered) {
      expect(call.heardStats()).toMatchObject({ lostPackets: 0 });
      const heard = { samples: call.heardSamples(), sampleRateHz: 8_000, channels: 1 };
      expectPlanned(heard, CALLER);
      expect(spansOf(heard, CALLEE.frequencyHz, CALLEE.amplitude)).toHaveLength(0);
    }
  });
});

test('30 calls through a relay that loses a quarter of the signalling complete, and are recorded', async () => {
  const relay = await LossyRelay.open({
    port: 0,
    targetPort: server.ports.sip,
    loss: 0.25,
    seed: 7,
  });
  try {
    const outcome = await runSipp({
      scenario: 'call.xml',
      target: `127.0.0.1:${relay.port}`,
      service: 'callee',
      port: SIPP_PORT,
      calls: 30,
      timeoutSeconds: 90,
    });
    expect(outcome.code).toBe(0);
    expect(relay.lost / relay.seen).toBeGreaterThan(0.15);
    await expect.poll(() => liveCalls(server), { timeout: 40_000 }).toBe(0);
    const announced = await announcements(30);
    expect(new Set(announced.map((event) => event.data['recordingId'])).size).toBe(30);
  } finally {
    relay.close();
  }
});

async function announcements(count: number): Promise<ReceivedEvent[]> {
  const found: ReceivedEvent[] = [];
  while (found.length < count) found.push(await events.next('RecordingFileStatusUpdated'));
  return found;
}
