import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { WavClip } from '../../src/media/wav/wav-reader.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { expectPlanned } from '../support/expect-planned.ts';
import { Baresip, type BaresipOptions } from '../support/peers/baresip.ts';
import { recordingFile } from '../support/recording-file.ts';
import { ServerProcess } from '../support/server-process.ts';
import { heardSpans, readClip, writeTonePlan, type TonePlan } from '../support/tone-plan.ts';
import { ALICE, BOB } from '../support/two-voices.ts';

const CALL_MS = 5_500;
/** On a busy machine phones lose some of what they hear; the recording has all of it. */
const MOST = 0.6;
/** What baresip samples at for each codec. */
const RATES_HZ: Readonly<Record<BaresipOptions['codec'], number>> = {
  pcmu: 8_000,
  pcma: 8_000,
  'G722/16000/1': 16_000,
  'opus/48000/2': 48_000,
  'L16/16000/1': 16_000,
};

let directory: string;
let events: EventReceiver;
let server: ServerProcess;
let phones: Baresip[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-secure-'));
  for (const rateHz of new Set(Object.values(RATES_HZ))) {
    await writeTonePlan(ALICE, join(directory, `alice-${rateHz}.wav`), rateHz);
    await writeTonePlan(BOB, join(directory, `bob-${rateHz}.wav`), rateHz);
  }
  events = await EventReceiver.open();
  server = await ServerProcess.start({
    flags: ['--event-webhook', events.url, '--log-level', 'debug'],
    file: {
      users: [
        { name: 'alice', password: 'wonderland' },
        { name: 'bob', password: 'builder' },
        { name: 'carol', password: 'singer', secure: 'require' },
        { name: 'dave', password: 'diver', secure: 'require' },
      ],
      routes: [{ to: '^(alice|bob|carol|dave)$', action: 'registered', record: {} }],
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

type How = Pick<BaresipOptions, 'codec' | 'transport' | 'srtp'>;

const PASSWORDS = { alice: 'wonderland', bob: 'builder', carol: 'singer', dave: 'diver' };

async function startPhone(
  user: keyof typeof PASSWORDS,
  side: 'caller' | 'callee',
  how: How,
): Promise<Baresip> {
  const address = how.transport === 'tls' ? (server.ready.sips ?? '') : server.ready.sip;
  const isCaller = side === 'caller';
  const { caFile } = server.ready;
  const phone = await Baresip.start({
    user,
    password: PASSWORDS[user],
    registrar: address.replace(/^sips?:/, ''),
    sipPort: isCaller ? 5_310 : 5_320,
    controlPort: isCaller ? 4_471 : 4_470,
    rtpPort: isCaller ? 31_600 : 31_400,
    speaks: join(directory, `${isCaller ? 'alice' : 'bob'}-${RATES_HZ[how.codec]}.wav`),
    speaksHz: RATES_HZ[how.codec],
    ...(caFile === null ? {} : { caFile }),
    ...how,
  });
  phones.push(phone);
  return phone;
}

function addressOf(user: string, { transport = 'udp' }: How): string {
  const host = (transport === 'tls' ? (server.ready.sips ?? '') : server.ready.sip).replace(
    /^sips?:/,
    '',
  );
  return `sip:${user}@${host};transport=${transport}`;
}

/** The first channel alone, for codecs that baresip always decodes to two. */
function mono(clip: WavClip): WavClip {
  const { channels, samples } = clip;
  const first = Int16Array.from(
    { length: samples.length / channels },
    (_, at) => samples[at * channels] ?? 0,
  );
  return { ...clip, channels: 1, samples: first };
}

/** Both talk as planned and hear each other, and the recording has what they said. */
async function talk(
  names: readonly [keyof typeof PASSWORDS, keyof typeof PASSWORDS],
  how: readonly [How, How],
): Promise<readonly [Baresip, Baresip]> {
  const callee = await startPhone(names[1], 'callee', how[1]);
  const caller = await startPhone(names[0], 'caller', how[0]);
  await caller.dial(addressOf(names[1], how[0]));
  await delay(CALL_MS);
  caller.hangUp();
  const ready = await events.next('RecordingFileStatusUpdated');
  expect(ready.data).toMatchObject({ sessionEndReason: 'CallEnded' });
  const mixed = await readClip(recordingFile(server, ready));
  expectPlanned(mixed, ALICE);
  expectPlanned(mixed, BOB);
  // Phones write the end of what they have heard when their call is over.
  for (const phone of [caller, callee]) await phone.event('CALL_CLOSED');
  const byCallee = mono(await readClip(await callee.heard()));
  const byCaller = mono(await readClip(await caller.heard()));
  expect(shareHeard(byCallee, ALICE)).toBeGreaterThan(MOST);
  expect(shareHeard(byCaller, BOB)).toBeGreaterThan(MOST);
  expect(shareHeard(byCallee, BOB)).toBe(0);
  expect(shareHeard(byCaller, ALICE)).toBe(0);
  return [caller, callee];
}

/** How much of a tone was heard. */
function shareHeard(clip: WavClip, plan: TonePlan): number {
  const lengthMs = (spans: TonePlan['spans']): number =>
    spans.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  return lengthMs(heardSpans(clip, plan.frequencyHz, plan.amplitude)) / lengthMs(plan.spans);
}

/** The keys in all SDP that went over the wire. */
function keysIn(phone: Baresip): readonly string[] {
  return [...phone.trace.matchAll(/inline:([A-Za-z0-9+/=]+)/g)].map(([, key]) => key ?? '');
}

async function textsUnder(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  return Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name), 'latin1')));
}

describe.each(['G722/16000/1', 'opus/48000/2', 'L16/16000/1'] as const)(
  'baresip with %s',
  (codec) => {
    test('two phones hear each other, and the recording has both at their planned times', async () => {
      await talk(['alice', 'bob'], [{ codec }, { codec }]);
    });
  },
);

describe('baresip with SRTP', () => {
  test('over UDP two phones are relayed and recorded, and no key is kept anywhere', async () => {
    const how = { codec: 'pcmu', srtp: true } as const;
    const [caller, callee] = await talk(['carol', 'dave'], [how, how]);
    expect(caller.trace).toMatch(/^m=audio \d+ RTP\/SAVP /m);
    const keys = new Set([...keysIn(caller), ...keysIn(callee)]);
    // Theirs, and ours towards each of them: baresip offers two suites, we four.
    expect(keys.size).toBeGreaterThanOrEqual(4);
    const kept = [server.output, ...(await textsUnder(server.dataDirectory))];
    for (const key of keys) {
      const bytes = Buffer.from(key, 'base64').toString('latin1');
      const hex = Buffer.from(key, 'base64').toString('hex');
      expect(kept.some((text) => [key, bytes, hex].some((form) => text.includes(form)))).toBe(
        false,
      );
    }
  });

  test('over TLS two phones are recorded as well', async () => {
    const how = { codec: 'pcma', srtp: true, transport: 'tls' } as const;
    const [caller] = await talk(['carol', 'dave'], [how, how]);
    expect(caller.trace).toMatch(/^Contact: <sip:\S+;transport=tls>/m);
  });

  test('a plain phone and one that encrypts talk with each other where that is wanted', async () => {
    await talk(['alice', 'dave'], [{ codec: 'pcmu' }, { codec: 'pcmu', srtp: true }]);
  });

  test('a user that has to encrypt is refused with 488 without', async () => {
    const caller = await startPhone('carol', 'caller', { codec: 'pcmu' });
    await startPhone('bob', 'callee', { codec: 'pcmu' });
    caller.call(addressOf('bob', { codec: 'pcmu' }));
    await caller.event('CALL_CLOSED');
    expect(caller.trace).toMatch(/^SIP\/2\.0 488 /m);
  });
});

test.each([
  ['G722/16000/1', 'pcmu'],
  ['pcma', 'opus/48000/2'],
] as const)('phones of %s and %s hear each other', async (caller, callee) => {
  await talk(['alice', 'bob'], [{ codec: caller }, { codec: callee }]);
});
