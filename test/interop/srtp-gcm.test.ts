import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SrtpSuite } from '../../src/core/media-format.ts';
import type { WavClip } from '../../src/media/wav/wav-reader.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { expectPlanned } from '../support/expect-planned.ts';
import { Baresip } from '../support/peers/baresip.ts';
import { SuiteFilter } from '../support/peers/suite-filter.ts';
import { recordingFile } from '../support/recording-file.ts';
import { loudestDb } from '../support/recording-session.ts';
import { ServerProcess } from '../support/server-process.ts';
import { heardSpans, readClip, writeTonePlan, type TonePlan } from '../support/tone-plan.ts';
import { ALICE, BOB } from '../support/two-voices.ts';

const SUITES = ['AEAD_AES_128_GCM', 'AEAD_AES_256_GCM'] as const;
const BOB_PORT = 5_560;
const CALL_MS = 5_500;
const AFTER_HOLD_MS = 2_500;
/** baresip hangs up at the end of its file, long after the test. */
const LONG_MS = 60_000;

let directory: string;
let events: EventReceiver;
let server: ServerProcess;
let filter: SuiteFilter;
let suite: SrtpSuite = SUITES[0];
let phones: Baresip[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-gcm-'));
  for (const [user, plan] of Object.entries({ alice: ALICE, bob: BOB })) {
    const steady = { ...plan, spans: [{ startMs: 0, endMs: LONG_MS }], totalMs: LONG_MS };
    await writeTonePlan(plan, join(directory, `${user}-planned.wav`));
    await writeTonePlan(steady, join(directory, `${user}-steady.wav`));
  }
  events = await EventReceiver.open();
  filter = await SuiteFilter.open(BOB_PORT, () => suite);
  server = await ServerProcess.start({
    flags: ['--event-webhook', events.url],
    file: {
      users: [
        { name: 'alice', password: 'wonderland' },
        { name: 'bob', password: 'builder' },
      ],
      trunks: [{ name: 'border', uri: `sip:127.0.0.1:${filter.port}`, secure: 'require' }],
      routes: [{ to: '^bob$', action: 'trunk', trunk: 'border', record: {} }],
    },
  });
});

afterEach(async () => {
  await Promise.all(phones.map((phone) => phone.close()));
  phones = [];
});

afterAll(async () => {
  filter.close();
  events.close();
  expect(await server.stop()).toBe(0);
  await rm(directory, { recursive: true });
});

/** A plain phone has called one with which only `only` is spoken. */
async function connected(
  only: SrtpSuite,
  voice: 'planned' | 'steady',
): Promise<{ readonly alice: Baresip; readonly bob: Baresip }> {
  suite = only;
  const common = { registrar: server.ready.sip.replace('sip:', ''), codec: 'pcmu' } as const;
  const bob = await Baresip.start({
    ...{ ...common, user: 'bob', password: 'builder', srtp: true },
    ...{ sipPort: BOB_PORT, controlPort: 4_560, rtpPort: 33_400 },
    speaks: join(directory, `bob-${voice}.wav`),
  });
  phones.push(bob);
  const alice = await Baresip.start({
    ...{ ...common, user: 'alice', password: 'wonderland' },
    ...{ sipPort: 5_570, controlPort: 4_561, rtpPort: 33_500 },
    speaks: join(directory, `alice-${voice}.wav`),
  });
  phones.push(alice);
  await alice.dial(server.ready.sip.replace('sip:', 'sip:bob@'));
  return { alice, bob };
}

/** What each phone has heard, and the mixed recording. */
async function ended(): Promise<{
  readonly mixed: WavClip;
  readonly heard: readonly WavClip[];
}> {
  const ready = await events.next('RecordingFileStatusUpdated');
  const mixed = await readClip(recordingFile(server, ready));
  // Phones write the end of what they have heard when their call is over.
  for (const phone of phones) await phone.event('CALL_CLOSED');
  return {
    mixed,
    heard: await Promise.all(phones.map(async (phone) => readClip(await phone.heard()))),
  };
}

/** Of the `a=crypto` lines that went either way. */
function suitesIn(phone: Baresip): readonly string[] {
  return [...phone.trace.matchAll(/^a=crypto:\d+ (\S+) inline:/gm)].map(([, name]) => name ?? '');
}

const times = (clip: WavClip, { frequencyHz, amplitude }: TonePlan): number =>
  heardSpans(clip, frequencyHz, amplitude).length;

describe.each(SUITES)('baresip with %s', (only) => {
  test('hears and is heard, and the recording has both at their planned times', async () => {
    const { alice, bob } = await connected(only, 'planned');
    await delay(CALL_MS);
    alice.hangUp();
    const { mixed, heard } = await ended();
    expectPlanned(mixed, ALICE);
    expectPlanned(mixed, BOB);
    const [byBob, byAlice] = heard;
    expect(times(byBob!, ALICE)).toBe(2);
    expect(times(byAlice!, BOB)).toBe(2);
    expect(times(byBob!, BOB)).toBe(0);
    // Ours and its answer; the other phone knows nothing of it.
    expect(suitesIn(bob)).toEqual([only, only]);
    expect(suitesIn(alice)).toEqual([]);
  });

  test('holds the call, offering that suite, and is heard again', async () => {
    const { alice, bob } = await connected(only, 'steady');
    const answers = (direction: string): number =>
      bob.trace.split(/^(?=SIP\/2\.0 200 |[A-Z]+ sip:)/m).filter(
        // baresip's own descriptions name another address.
        (text) => text.includes(`a=${direction}`) && text.includes('c=IN IP4 127.0.0.1'),
      ).length;
    bob.hold();
    await expect.poll(() => answers('recvonly'), { timeout: 10_000 }).toBe(1);
    bob.resume();
    await expect.poll(() => answers('sendrecv'), { timeout: 10_000 }).toBe(2);
    await delay(AFTER_HOLD_MS);
    alice.hangUp();
    const { mixed, heard } = await ended();
    // What baresip itself hears after a hold of its own it writes nowhere.
    for (const clip of [mixed, heard[1]!]) {
      expect(loudestDb(lastSecond(clip), BOB.frequencyHz)).toBeGreaterThan(-8);
    }
    expect(loudestDb(lastSecond(mixed), ALICE.frequencyHz)).toBeGreaterThan(-8);
    // The first offer is ours, the two of hold and resume are its.
    expect(suitesIn(bob)).toEqual(Array.from({ length: 6 }, () => only));
  });
});

function lastSecond(clip: WavClip): WavClip {
  return { ...clip, samples: clip.samples.subarray(-clip.sampleRateHz) };
}
