import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EventReceiver } from '../support/event-receiver.ts';
import { expectPlanned } from '../support/expect-planned.ts';
import { Baresip } from '../support/peers/baresip.ts';
import { Linphone } from '../support/peers/linphone.ts';
import { recordingFile } from '../support/recording-file.ts';
import { ServerProcess } from '../support/server-process.ts';
import { heardSpans, readClip, writeTonePlan, type TonePlan } from '../support/tone-plan.ts';

const CALLER: TonePlan = {
  frequencyHz: 440,
  spans: [
    { startMs: 2_000, endMs: 3_000 },
    { startMs: 3_500, endMs: 4_100 },
  ],
  totalMs: 5_000,
  amplitude: 16_384,
};
const CALLEE: TonePlan = {
  frequencyHz: 1_000,
  spans: [
    { startMs: 2_500, endMs: 3_300 },
    { startMs: 3_800, endMs: 4_700 },
  ],
  totalMs: 5_000,
  amplitude: 16_384,
};

let directory: string;
let events: EventReceiver;
let server: ServerProcess;
let callee: Baresip;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-linphone-'));
  await writeTonePlan(CALLER, join(directory, 'caller.wav'));
  await writeTonePlan(CALLEE, join(directory, 'callee.wav'));
  events = await EventReceiver.open();
  server = await ServerProcess.start({
    flags: ['--event-webhook', events.url],
    file: {
      users: [{ name: 'bob', password: 'builder' }],
      routes: [{ to: '^bob$', action: 'registered', secure: 'require', record: {} }],
    },
  });
  callee = await Baresip.start({
    user: 'bob',
    password: 'builder',
    registrar: server.ready.sip.replace('sip:', ''),
    sipPort: 5_330,
    controlPort: 4_480,
    rtpPort: 31_800,
    codec: 'pcmu',
    srtp: true,
    speaks: join(directory, 'callee.wav'),
  });
});

afterAll(async () => {
  await callee.close();
  events.close();
  expect(await server.stop()).toBe(0);
  await rm(directory, { recursive: true });
});

/** Those that linphonec has of ours. */
test.each(['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'] as const)(
  'linphonec with %s is put through by a route that requires SRTP, and recorded',
  async (suite) => {
    const caller = await Linphone.start({
      sipPort: 5_480,
      rtpPorts: '32000-32099',
      speaks: join(directory, 'caller.wav'),
      srtp: suite,
    });
    try {
      await caller.dial(server.ready.sip.replace('sip:', 'sip:bob@'));
      await delay(6_000);
      await caller.hangUp();
      const ready = await events.next('RecordingFileStatusUpdated');
      const mixed = await readClip(recordingFile(server, ready));
      expectPlanned(mixed, CALLER);
      expectPlanned(mixed, CALLEE);
      expect(ready.data).toMatchObject({ sessionEndReason: 'CallEnded' });
      await callee.event('CALL_CLOSED');
      const byCallee = await readClip(await callee.heard());
      expect(heardSpans(byCallee, CALLER.frequencyHz, CALLER.amplitude)).toHaveLength(2);
      const byCaller = await readClip(caller.heard);
      expect(heardSpans(byCaller, CALLEE.frequencyHz, CALLEE.amplitude)).toHaveLength(2);
    } finally {
      await caller.close();
    }
  },
);

test('linphonec without SRTP is refused there', async () => {
  const caller = await Linphone.start({
    sipPort: 5_481,
    rtpPorts: '32100-32199',
    speaks: join(directory, 'caller.wav'),
    srtp: 'none',
  });
  try {
    const rung = callee.trace.split('INVITE sip:').length;
    caller.call(server.ready.sip.replace('sip:', 'sip:bob@'));
    await caller.says(/Call 1 with .* error/);
    expect(callee.trace.split('INVITE sip:')).toHaveLength(rung);
  } finally {
    await caller.close();
  }
});
