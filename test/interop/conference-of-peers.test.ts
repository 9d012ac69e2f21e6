import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { levelDb } from '../../src/media/tone/tone-meter.ts';
import type { WavClip } from '../../src/media/wav/wav-reader.ts';
import { expectPlanned } from '../support/expect-planned.ts';
import { Baresip, type BaresipOptions } from '../support/peers/baresip.ts';
import { Linphone } from '../support/peers/linphone.ts';
import {
  channelOf,
  clipOf,
  loudestDb,
  RecordingSession,
  type RecordingChunk,
} from '../support/recording-session.ts';
import { heardSpans, writeTonePlan, type TonePlan } from '../support/tone-plan.ts';

const GROUP = '2f0b53c6-5f3f-4a57-8f7a-0c5f6a1d9e77';
/** From the beginning of a phone's call: by then all are in it, and it is recorded. */
const FIRST_TONE_MS = 9_000;
const TALK_MS = 13_500;
/** baresip hangs up when it has nothing more to play. */
const SILENCE_MS = 45_000;
/** Four at a time are far below full scale. */
const AMPLITUDE = 5_000;
/** A tone on a channel of somebody else: codecs of 8 bits are not quite silent. */
const ELSEWHERE_DB = -40;
/** So that phones hear what they are sent, however busy the machine is. */
const WAITS_MS = 600;
/** A talker that stood still is heard late. */
const HEARD = { withinMs: 200, withinDb: 3, selfDb: -15 };

/** Tones of all overlap, but none begins or ends when another does. */
function planOf(frequencyHz: number, offsetMs: number): TonePlan {
  const at = FIRST_TONE_MS + offsetMs;
  const spans = [
    { startMs: at, endMs: at + 1_200 },
    { startMs: at + 1_900, endMs: at + 2_700 },
  ];
  return { frequencyHz, spans, totalMs: TALK_MS + SILENCE_MS, amplitude: AMPLITUDE };
}

type Name = 'alice' | 'bob' | 'carol' | 'dave';
const PLANS: Readonly<Record<Name, TonePlan>> = {
  alice: planOf(440, 0),
  bob: planOf(1_000, 150),
  carol: planOf(1_700, 300),
  dave: planOf(2_600, 450),
};
const NAMES = Object.keys(PLANS) as readonly Name[];
/** Carol calls without an account, by linphonec. */
const PARTICIPANTS: Readonly<Record<Name, RegExp>> = {
  alice: /alice/,
  bob: /bob/,
  carol: /linphone/,
  dave: /dave/,
};

let directory: string;
let session: RecordingSession;
const phones = new Map<Name, Baresip>();
let carol: Linphone;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-conference-'));
  session = await RecordingSession.open({
    file: {
      users: [
        { name: 'alice', password: 'wonderland' },
        { name: 'bob', password: 'builder' },
        { name: 'dave', password: 'diver', secure: 'require' },
      ],
      routes: [
        { to: '^conference$', action: 'group', group: GROUP, record: { channel: 'unmixed' } },
      ],
    },
  });
  const [, linphone] = await Promise.all([
    startBaresips(),
    wavOf('carol', 8_000).then((speaks) =>
      Linphone.start({
        sipPort: 5_490,
        rtpPorts: '32200-32299',
        speaks,
        srtp: 'AES_CM_128_HMAC_SHA1_80',
        codec: 'PCMA',
        waitsMs: WAITS_MS,
      }),
    ),
  ]);
  carol = linphone;
});

afterAll(async () => {
  await Promise.all([...phones.values()].map((phone) => phone.close()));
  await carol.close();
  await session.close();
  await rm(directory, { recursive: true });
});

async function startBaresips(): Promise<void> {
  const secure = { codec: 'L16/16000/1', transport: 'tls', srtp: true } as const;
  await Promise.all([
    startBaresip('alice', 0, 'wonderland', { codec: 'G722/16000/1' }, 16_000),
    startBaresip('bob', 1, 'builder', { codec: 'opus/48000/2' }, 48_000),
    startBaresip('dave', 2, 'diver', secure, 16_000),
  ]);
}

async function startBaresip(
  user: Name,
  place: number,
  password: string,
  how: Pick<BaresipOptions, 'codec' | 'transport' | 'srtp'>,
  speaksHz: number,
): Promise<void> {
  const phone = await Baresip.start({
    user,
    password,
    registrar: hostOf(how.transport === 'tls'),
    sipPort: 5_410 + place * 10,
    controlPort: 4_520 + place,
    rtpPort: 32_400 + place * 100,
    speaks: await wavOf(user, speaksHz),
    speaksHz,
    caFile: session.server.ready.caFile ?? '',
    waitsMs: WAITS_MS,
    ...how,
  });
  phones.set(user, phone);
}

async function wavOf(name: Name, rateHz: number): Promise<string> {
  const path = join(directory, `${name}.wav`);
  await writeTonePlan(PLANS[name], path, rateHz);
  return path;
}

/** `host:port` of the server. */
function hostOf(tls: boolean): string {
  const { sip, sips } = session.server.ready;
  return ((tls ? sips : sip) ?? '').replace(/^sips?:/, '');
}

test('four phones of four codecs hear each other, and are recorded unmixed and mixed', async () => {
  const conference = `sip:conference@${hostOf(false)}`;
  await phones.get('alice')!.dial(`${conference};transport=udp`);
  await phones.get('bob')!.dial(`${conference};transport=udp`);
  await carol.dial(conference);
  await phones.get('dave')!.dial(`sip:conference@${hostOf(true)};transport=tls`);
  const callLocator = { kind: 'groupCallLocator', id: GROUP };
  const call = await session.sdk.call<{ callConnectionId: string; serverCallId: string }>(
    'connectCall',
    callLocator,
    `${session.events.url}callbacks`,
  );
  const { recordingId } = await session.start(call, { callLocator });
  await delay(TALK_MS);
  const participants = await session.sdk.call<readonly unknown[]>(
    'participants',
    call.callConnectionId,
  );
  expect(participants).toHaveLength(NAMES.length);
  await session.sdk.call('stopRecording', recordingId);
  const mixed = await clipOfChunk(await session.finished(recordingId));
  await session.sdk.call('hangUp', call.callConnectionId, true);
  const unmixed = await session.events.next('RecordingFileStatusUpdated');
  // Phones write the end of what they have heard when their call is over.
  await carol.says(/Call \d+ with .* ended/i);
  for (const phone of phones.values()) await phone.event('CALL_CLOSED');
  const info = unmixed.data['recordingStorageInfo'] as { recordingChunks: RecordingChunk[] };
  const chunk = info.recordingChunks[0]!;

  await expectChannels(chunk);
  expect(mixed.channels).toBe(1);
  for (const name of NAMES) expectPlanned(mixed, PLANS[name]);
  expect(phones.get('dave')!.trace).toMatch(/^m=audio \d+ RTP\/SAVP /m);
  for (const name of NAMES) await expectHeard(name, mixed);
});

/** Each on the channel that the metadata names, all on one clock, and on no other. */
async function expectChannels(chunk: RecordingChunk): Promise<void> {
  const clip = await clipOfChunk(chunk);
  expect(clip.channels).toBe(NAMES.length);
  const { participants } = await session.metadataOf(chunk);
  const channelsOf = NAMES.map((name) => {
    const own = participants.filter(({ participantId }) => PARTICIPANTS[name].test(participantId));
    expect(own).toHaveLength(1);
    return own[0]?.channel;
  });
  expect(new Set(channelsOf)).toEqual(new Set(NAMES.keys()));
  for (const [at, name] of NAMES.entries()) {
    for (let channel = 0; channel < clip.channels; channel += 1) {
      const one = channelOf(clip, channel);
      if (channel === channelsOf[at]) expectPlanned(one, PLANS[name]);
      else expect(levelOf(one, name)).toBeLessThan(ELSEWHERE_DB);
    }
  }
}

/** A phone hears the three others as planned, as far apart as they are in the recording, and not itself. */
async function expectHeard(listener: Name, mixed: WavClip): Promise<void> {
  const path = listener === 'carol' ? carol.heard : await phones.get(listener)!.heard();
  const heard = channelOf(clipOf(await readFile(path)), 0);
  expect(levelOf(heard, listener)).toBeLessThan(HEARD.selfDb);
  const others = NAMES.filter((name) => name !== listener);
  const shifts = others.map((name) => {
    const plan = PLANS[name];
    const spans = heardSpans(heard, plan.frequencyHz, AMPLITUDE);
    expect(spans).toHaveLength(plan.spans.length);
    const offsetMs = spans[0]!.startMs - plan.spans[0]!.startMs;
    for (const [at, planned] of plan.spans.entries()) {
      const { startMs, endMs, amplitude } = spans[at]!;
      expect(Math.abs(startMs - planned.startMs - offsetMs)).toBeLessThan(HEARD.withinMs);
      expect(Math.abs(endMs - planned.endMs - offsetMs)).toBeLessThan(HEARD.withinMs);
      expect(Math.abs(levelDb(amplitude, AMPLITUDE))).toBeLessThan(HEARD.withinDb);
    }
    return spans[0]!.startMs - heardSpans(mixed, plan.frequencyHz, AMPLITUDE)[0]!.startMs;
  });
  expect(Math.max(...shifts) - Math.min(...shifts)).toBeLessThan(HEARD.withinMs);
}

/** The tone of this phone where it is loudest, in decibels of what the phone says. */
function levelOf(clip: WavClip, name: Name): number {
  return loudestDb(clip, PLANS[name].frequencyHz) - levelDb(AMPLITUDE);
}

async function clipOfChunk(chunk: RecordingChunk): Promise<WavClip> {
  return clipOf(await session.download(chunk.contentLocation));
}
