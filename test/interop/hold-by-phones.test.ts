import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { findTone, type ToneSpan } from '../../src/media/tone/tone-meter.ts';
import type { WavClip } from '../../src/media/wav/wav-reader.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { Baresip } from '../support/peers/baresip.ts';
import { Linphone } from '../support/peers/linphone.ts';
import { loudestDb } from '../support/recording-session.ts';
import { recordingFile } from '../support/recording-file.ts';
import { ServerProcess } from '../support/server-process.ts';
import { readClip, writeTonePlan } from '../support/tone-plan.ts';

/** Each says its tone all the time; baresip hangs up at the end of its file, long after the test. */
const TONES_HZ = { caller: 440, callee: 1_000 } as const;
const AMPLITUDE = 16_384;
const FILE_MS = 60_000;
const BEFORE_MS = 2_500;
const HOLD_MS = 2_500;
const AFTER_MS = 2_500;
/** Media of a phone that shows another address is taken after 500 ms; a busy machine takes its time, too. */
const SLACK_MS = 1_200;
/** What a loaded machine may lose of a tone, without it being a hold. */
const BRIDGE_MS = 300;

type Side = keyof typeof TONES_HZ;

let directory: string;
let events: EventReceiver;
let server: ServerProcess;
let phones: Baresip[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-hold-'));
  for (const side of ['caller', 'callee'] as const) {
    const spans = [{ startMs: 0, endMs: FILE_MS }];
    const plan = { frequencyHz: TONES_HZ[side], spans, totalMs: FILE_MS, amplitude: AMPLITUDE };
    await writeTonePlan(plan, join(directory, `${side}.wav`));
  }
  events = await EventReceiver.open();
  server = await ServerProcess.start({
    flags: ['--event-webhook', events.url],
    file: {
      users: [
        { name: 'alice', password: 'secret' },
        { name: 'bob', password: 'secret' },
        { name: 'carol', password: 'secret', secure: 'require' },
        { name: 'dave', password: 'secret', secure: 'require' },
      ],
      routes: [{ to: '^(bob|dave)$', action: 'registered', record: {} }],
    },
  });
});

afterEach(async () => {
  await Promise.all(phones.map((phone) => phone.close()));
  phones = [];
});

afterAll(async () => {
  events.close();
  expect(await server.stop()).toBe(0);
  await rm(directory, { recursive: true });
});

async function start(side: Side, srtp: boolean): Promise<Baresip> {
  const isCaller = side === 'caller';
  const [caller, callee] = srtp ? (['carol', 'dave'] as const) : (['alice', 'bob'] as const);
  const phone = await Baresip.start({
    user: isCaller ? caller : callee,
    password: 'secret',
    registrar: server.ready.sip.replace('sip:', ''),
    sipPort: isCaller ? 5_440 : 5_450,
    controlPort: isCaller ? 4_530 : 4_531,
    rtpPort: isCaller ? 32_700 : 32_800,
    codec: 'pcmu',
    srtp,
    speaks: join(directory, `${side}.wav`),
  });
  phones.push(phone);
  return phone;
}

test.each([
  ['caller', 'plain RTP', false],
  ['callee', 'plain RTP', false],
  ['caller', 'SRTP', true],
  ['callee', 'SRTP', true],
] as const)(
  'a %s that holds the call (%s) is silent in the recording meanwhile, and then heard again',
  async (holding, _transport, srtp) => {
    const callee = await start('callee', srtp);
    const caller = await start('caller', srtp);
    await caller.dial(server.ready.sip.replace('sip:', `sip:${srtp ? 'dave' : 'bob'}@`));
    const holder = holding === 'caller' ? caller : callee;
    await delay(BEFORE_MS);
    holder.hold();
    await delay(HOLD_MS);
    holder.resume();
    await delay(AFTER_MS);
    caller.hangUp();
    const ready = await events.next('RecordingFileStatusUpdated');
    expect(ready.data).toMatchObject({ sessionEndReason: 'CallEnded' });
    expect(holder.trace).toMatch(/^a=sendonly/m);
    expect(holder.trace).toMatch(/^a=recvonly/m);

    const mixed = await readClip(recordingFile(server, ready));
    const [before, after, ...more] = spansOf(mixed, TONES_HZ[holding]);
    expect(more).toEqual([]);
    expect(lengthMs(before)).toBeGreaterThan(BEFORE_MS - SLACK_MS);
    expect(lengthMs(after)).toBeGreaterThan(AFTER_MS - SLACK_MS);
    const [fromMs, toMs] = [before!.endMs, after!.startMs];
    expect(toMs - fromMs).toBeGreaterThan(HOLD_MS - SLACK_MS);
    const meanwhile = cut(mixed, fromMs + 100, toMs - 100);
    expect(loudestDb(meanwhile, TONES_HZ[holding])).toBeLessThan(-60);
    // The other one was not told to be silent, and is in the recording all the time.
    const other = holding === 'caller' ? 'callee' : 'caller';
    const [whole, ...gaps] = spansOf(mixed, TONES_HZ[other]);
    expect(gaps).toEqual([]);
    expect(lengthMs(whole)).toBeGreaterThan(BEFORE_MS + HOLD_MS + AFTER_MS - SLACK_MS);
    await expectHeardAgain(holding === 'caller' ? callee : caller, TONES_HZ[holding]);
    if (srtp) expectSameKeys(holder);
  },
);

test('linphonec with SRTP holds the call, hears nothing meanwhile, and then hears it again', async () => {
  const callee = await start('callee', false);
  const caller = await Linphone.start({
    sipPort: 5_500,
    rtpPorts: '32900-32999',
    speaks: join(directory, 'caller.wav'),
    srtp: 'AES_CM_128_HMAC_SHA1_80',
  });
  try {
    await caller.dial(server.ready.sip.replace('sip:', 'sip:bob@'));
    await delay(BEFORE_MS);
    caller.hold();
    await caller.says(/is now paused/);
    await delay(HOLD_MS);
    caller.resume();
    await delay(AFTER_MS);
    await caller.hangUp();
    const ready = await events.next('RecordingFileStatusUpdated');
    const mixed = await readClip(recordingFile(server, ready));
    // It goes on to speak while it holds: an announcement, or music, which is in the recording.
    const wholes = Object.values(TONES_HZ).map((frequencyHz) => spansOf(mixed, frequencyHz));
    expect(wholes.map(({ length }) => length)).toEqual([1, 1]);
    const lengthsMs = wholes.map(([whole]) => lengthMs(whole));
    expect(Math.min(...lengthsMs)).toBeGreaterThan(BEFORE_MS + HOLD_MS + AFTER_MS - SLACK_MS);
    await expectHeardAgain(callee, TONES_HZ.caller);
    // Its file stands still where nothing comes.
    const heard = spansOf(await readClip(caller.heard), TONES_HZ.callee);
    const heardMs = heard.map(lengthMs).reduce((sum, one) => sum + one, 0);
    expect(heardMs).toBeGreaterThan(BEFORE_MS + AFTER_MS - 2 * SLACK_MS);
    expect(heardMs).toBeLessThan(Math.max(...lengthsMs) - HOLD_MS / 2);
  } finally {
    await caller.close();
  }
});

/** Who was held has heard what came before and after, one right behind the other. */
async function expectHeardAgain(phone: Baresip, frequencyHz: number): Promise<void> {
  await phone.event('CALL_CLOSED');
  const heard = spansOf(await readClip(await phone.heard()), frequencyHz);
  const lengthsMs = heard.map(lengthMs).reduce((sum, one) => sum + one, 0);
  expect(lengthsMs).toBeGreaterThan(BEFORE_MS + AFTER_MS - 2 * SLACK_MS);
}

/** Our descriptions are those with the address that we are bound to: none has begun with new keys. */
function expectSameKeys(phone: Baresip): void {
  const ours = phone.trace.split('v=0').filter((text) => text.includes('c=IN IP4 127.0.0.1'));
  expect(ours.length).toBeGreaterThanOrEqual(3);
  const keys = ours.map((text) => /inline:(\S+)/.exec(text)?.[1]);
  expect(keys).not.toContain(undefined);
  // Of a first offer of ours with a line for each suite, the phone has taken one.
  expect(new Set(keys.slice(1)).size).toBe(1);
}

function spansOf({ samples, sampleRateHz }: WavClip, frequencyHz: number): readonly ToneSpan[] {
  const search = { frequencyHz, threshold: AMPLITUDE / 2, bridgeMs: BRIDGE_MS };
  return findTone(samples, sampleRateHz, search);
}

function lengthMs(span: ToneSpan | undefined): number {
  return span === undefined ? 0 : span.endMs - span.startMs;
}

function cut(clip: WavClip, fromMs: number, toMs: number): WavClip {
  const perMs = clip.sampleRateHz / 1000;
  return { ...clip, samples: clip.samples.subarray(fromMs * perMs, toMs * perMs) };
}
