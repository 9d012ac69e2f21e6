import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findTone } from '../../src/media/tone/tone-meter.ts';
import { AudioApplication, type AudioSession } from '../support/audio-application.ts';
import {
  type ControlledCall,
  ControlSession,
  PHONES,
  TONES_HZ,
} from '../support/control-session.ts';
import { levelHeard } from '../support/peers/sim-phones.ts';
import { recorded } from '../support/recorded-call.ts';

/** What the application sends. */
const SENT_HZ = 1_900;
const SENT_MS = 2_500;
const LOUD_DB = -9;
/** Of phones, whose window is longer. */
const HEARD_DB = -13;
const SILENT_DB = -40;
const PATIENCE = { timeout: 10_000, interval: 20 } as const;
/** Says nothing but its keys. */
const KEYPAD = { phoneNumber: '+15550309' };

let session: ControlSession;
let application: AudioApplication;

beforeAll(async () => {
  session = await ControlSession.open({
    sim: [
      {
        identifier: KEYPAD.phoneNumber,
        answerAfter: '20ms',
        script: [{ silence: '1500ms' }, { digits: '12#' }],
      },
    ],
  });
  application = await AudioApplication.open();
});

afterAll(async () => {
  application.close();
  await session.close();
});

type Options = Readonly<Record<string, unknown>>;

const options = (more: Options = {}): Options => ({
  transportType: 'websocket',
  transportUrl: application.url,
  contentType: 'audio',
  audioChannelType: 'mixed',
  startMediaStreaming: true,
  enableBidirectional: true,
  ...more,
});

async function callTo(
  phones: readonly { readonly phoneNumber: string }[],
  mediaStreamingOptions: Options,
): Promise<ControlledCall> {
  const call = await session.sdk.call<ControlledCall>('createGroupCall', phones, session.callback, {
    mediaStreamingOptions,
  });
  await session.rosterOf(call, phones.length);
  return call;
}

const media = (
  call: ControlledCall,
  method: string,
  ...args: readonly unknown[]
): Promise<unknown> => session.sdk.call('media', call.callConnectionId, method, ...args);

/** The result of the next event of this name, and its details. */
async function told(call: ControlledCall, name: string): Promise<readonly unknown[]> {
  const { data } = await session.next(call, name);
  const update = data['mediaStreamingUpdate'] as Readonly<Record<string, unknown>>;
  const result = data['resultInformation'] as Readonly<Record<string, unknown>>;
  expect(update).toMatchObject({ contentType: 'audio' });
  return [result['code'], result['subCode'], update['mediaStreamingStatusDetails']];
}

async function stateOf(call: ControlledCall): Promise<unknown> {
  const properties = await session.sdk.call<Options>('properties', call.callConnectionId);
  return properties['mediaStreamingSubscription'];
}

const expectTone = (audio: AudioSession, frequencyHz: number, who?: string): Promise<void> =>
  expect.poll(() => audio.levelOf(frequencyHz, who), PATIENCE).toBeGreaterThan(LOUD_DB);

const expectNoTone = (audio: AudioSession, frequencyHz: number, who?: string): Promise<void> =>
  expect.poll(() => audio.levelOf(frequencyHz, who), PATIENCE).toBeLessThan(SILENT_DB);

async function expectHeardBy(phone: { readonly phoneNumber: string }): Promise<void> {
  const heard = await session.phone(phone);
  await expect.poll(() => levelHeard(heard, SENT_HZ), PATIENCE).toBeGreaterThan(HEARD_DB);
}

async function expectNotHeardBy(phone: { readonly phoneNumber: string }): Promise<void> {
  const heard = await session.phone(phone);
  await expect.poll(() => levelHeard(heard, SENT_HZ), PATIENCE).toBeLessThan(SILENT_DB);
}

test('the phones are in the frames, and the application is in the phones and in the recording', async () => {
  const { first, second } = PHONES;
  const call = await callTo([first, second], options());
  const audio = await application.next();
  expect(await told(call, 'MediaStreamingStarted')).toEqual([200, 0, 'subscriptionStarted']);

  const { callConnectionId } = call;
  const properties = await session.sdk.call<Options>('properties', callConnectionId);
  expect(audio.headers).toMatchObject({
    'x-ms-call-connection-id': callConnectionId,
    'x-ms-call-correlation-id': properties['correlationId'],
  });
  const subscription = await stateOf(call);
  expect(subscription).toMatchObject({ state: 'active', subscribedContentTypes: ['audio'] });
  const { id } = subscription as { readonly id: string };
  expect(audio.metadata).toEqual([
    { subscriptionId: id, encoding: 'PCM', sampleRate: 16_000, channels: 1 },
  ]);
  await expectToken(String(audio.headers.authorization));

  await expectTone(audio, TONES_HZ.first);
  await expectTone(audio, TONES_HZ.second);
  expect(audio.heard.every(({ samples }) => samples.length === 320)).toBe(true);
  expect(audio.heard.some(({ isSilent }) => !isSilent)).toBe(true);
  const times = audio.heard.map(({ atMs }) => atMs);
  expect(times).toEqual([...times].sort((one, other) => one - other));

  const clip = await recorded(
    session,
    { kind: 'serverCallLocator', id: call.serverCallId },
    async () => {
      audio.sendTone(SENT_HZ, SENT_MS);
      await Promise.all([expectHeardBy(first), expectHeardBy(second)]);
      await expectNotHeardBy(first);
    },
  );
  const spans = findTone(clip.samples, clip.sampleRateHz, {
    frequencyHz: SENT_HZ,
    threshold: 4_096,
    bridgeMs: 5,
  });
  // All of it and no more, in one piece.
  expect(spans).toHaveLength(1);
  const [{ startMs, endMs } = { startMs: NaN, endMs: NaN }] = spans;
  expect(Math.abs(endMs - startMs - SENT_MS)).toBeLessThan(20);

  expect(await session.finish(call)).toEqual(
    expect.arrayContaining(['MediaStreamingStarted', 'MediaStreamingStopped', 'CallDisconnected']),
  );
  expect(session.told(call).at(-2)?.type).toBe('Microsoft.Communication.MediaStreamingStopped');
  expect(await audio.closed()).toBe(1000);
});

test('what the application takes back is not heard, and what it sends next is', async () => {
  const { third } = PHONES;
  const call = await callTo([third], options());
  const audio = await application.next();
  await expectTone(audio, TONES_HZ.third);
  audio.sendTone(SENT_HZ, 20_000);
  await expectHeardBy(third);
  // Nobody hears themselves.
  await expectNoTone(audio, SENT_HZ);
  await expectTone(audio, TONES_HZ.third);
  await expectHeardBy(third);
  audio.stopAudio();
  await expectNotHeardBy(third);
  audio.sendTone(SENT_HZ, 1_000);
  await expectHeardBy(third);
  await session.finish(call);
});

test('each participant has frames of its own at 24 kHz, and keys are told of', async () => {
  const { first, second } = PHONES;
  const call = await callTo(
    [first, second, KEYPAD],
    options({ audioChannelType: 'unmixed', audioFormat: 'Pcm24KMono', enableDtmfTones: true }),
  );
  const audio = await application.next();
  for (const [name, other] of [
    ['first', 'second'],
    ['second', 'first'],
  ] as const) {
    const who = PHONES[name].phoneNumber;
    await expectTone(audio, TONES_HZ[name], who);
    await expectNoTone(audio, TONES_HZ[other], who);
  }
  await expect.poll(() => audio.keys, PATIENCE).toEqual(['1', '2', '#']);
  const { phoneNumber } = KEYPAD;
  const silent = audio.heard.filter(({ who }) => who === phoneNumber);
  expect(silent.length).toBeGreaterThan(10);
  expect(silent.every(({ isSilent }) => isSilent)).toBe(true);
  const speaking = audio.heard.filter(({ who }) => who === first.phoneNumber);
  expect(speaking.some(({ isSilent }) => !isSilent)).toBe(true);
  expect(audio.metadata).toMatchObject([{ sampleRate: 24_000 }]);
  expect(audio.heard.every(({ samples }) => samples.length === 480)).toBe(true);
  await session.finish(call);
  expect(audio.keys).toEqual(['1', '2', '#']);
});

describe('streams that are started and stopped in a call', () => {
  test('have a socket each, and events with their contexts', async () => {
    const call = await callTo([PHONES.first], options({ startMediaStreaming: false }));
    expect(await stateOf(call)).toMatchObject({ state: 'inactive' });
    await expect(media(call, 'stopMediaStreaming')).rejects.toMatchObject({ code: '8585' });
    await media(call, 'startMediaStreaming', { operationContext: 'begin' });
    const audio = await application.next();
    await expectTone(audio, TONES_HZ.first);
    expect(await told(call, 'MediaStreamingStarted')).toEqual([200, 0, 'subscriptionStarted']);
    await expect(media(call, 'startMediaStreaming')).rejects.toMatchObject({ code: '8585' });
    await media(call, 'stopMediaStreaming', { operationContext: 'enough' });
    expect(await told(call, 'MediaStreamingStopped')).toEqual([200, 0, 'subscriptionStopped']);
    expect(await audio.closed()).toBe(1000);
    expect(await stateOf(call)).toMatchObject({ state: 'inactive' });
    await media(call, 'startMediaStreaming', {});
    const next = await application.next();
    await expectTone(next, TONES_HZ.first);
    await session.finish(call);
    const contexts = session
      .told(call)
      .filter(({ type }) => type.includes('MediaStreaming'))
      .map(({ data }) => data['operationContext']);
    expect(contexts).toEqual(['begin', 'enough', undefined, undefined]);
  });

  test('belong to applications that answer or connect as well', async () => {
    const { first, second } = PHONES;
    const call = await session.callTo(first, second);
    const joined = await session.sdk.call<ControlledCall>(
      'connectCall',
      { kind: 'serverCallLocator', id: call.serverCallId },
      session.callback,
      { mediaStreamingOptions: options() },
    );
    await expectTone(await application.next(), TONES_HZ.second);
    expect(await told(joined, 'MediaStreamingStarted')).toEqual([200, 0, 'subscriptionStarted']);
    await session.finish(call);
    const phone = await session.dial(PHONES.third, '+15550999');
    const incoming = await session.events.next('IncomingCall');
    const answered = await session.sdk.call<ControlledCall>(
      'answerCall',
      incoming.data['incomingCallContext'],
      session.callback,
      { mediaStreamingOptions: options() },
    );
    const audio = await application.next();
    await expectTone(audio, TONES_HZ.third);
    await phone.hangUp();
    await session.next(answered, 'CallDisconnected');
    expect(await audio.closed()).toBe(1000);
    await session.parsed(answered);
  });
});

/** Signed by the server, for a day. */
async function expectToken(authorization: string): Promise<void> {
  const keys = await fetch(new URL('/calling/keys', session.server.ready.http));
  const published = createLocalJWKSet((await keys.json()) as JSONWebKeySet);
  const { payload } = await jwtVerify(authorization.replace(/^Bearer /, ''), published, {
    issuer: 'https://acscallautomation.communication.azure.com',
  });
  expect(payload.exp! - payload.iat!).toBe(86_400);
}
