import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SILENT_LOGGER } from '../../src/core/ports/log.ts';
import { levelDb, toneAmplitude } from '../../src/media/tone/tone-meter.ts';
import { readWav } from '../../src/media/wav/wav-reader.ts';
import type { IncomingInvite } from '../../src/core/ports/signalling.ts';
import type { PhoneCall } from '../../src/sim/phone-call.ts';
import type { SimPhones } from '../../src/sim/sim-phones.ts';
import { NodeDatagramNetwork } from '../../src/sip/node-datagram-network.ts';
import { NodeStreamNetwork } from '../../src/sip/node-stream-network.ts';
import { createSipServer, type SipServer } from '../../src/sip/server.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../src/telemetry/system-random.ts';
import { until } from '../contract/until.ts';
import { EventReceiver, type ReceivedEvent } from '../support/event-receiver.ts';
import { freePort } from '../support/free-port.ts';
import { RawPhone } from '../support/peers/raw-phone.ts';
import { levelHeard, openPhones, tonePhone } from '../support/peers/sim-phones.ts';
import { recordingFile } from '../support/recording-file.ts';
import { SDK_PACKAGES, SdkSession } from '../support/sdk-session.ts';
import { ServerProcess } from '../support/server-process.ts';

const STRANGER = '+15550190';
const RECORDED_NUMBERS = ['+15557001', '+15557002'] as const;
/** From where the session border controller of the carrier calls in. */
const BORDER_ADDRESS = '127.0.0.2';
const USERS = [
  { name: 'alice', password: 'wonderland' },
  { name: 'carol', password: 'carols' },
  { name: 'dave', password: 'daves' },
];
const FREQUENCY_HZ: Readonly<Record<string, number>> = {
  '+15557001': 440,
  '+15557002': 650,
  carol: 1000,
  dave: 1500,
};

let server: ServerProcess;
let events: EventReceiver;
let sdk: SdkSession;
/** Phones of the carrier: reached through the trunk. */
let far: SimPhones;
/** A carrier that asks for credentials. */
let carrier: SipServer;
/** Phones of users, and of nobody. */
let near: SimPhones;
const raw: RawPhone[] = [];
const closing: SimPhones[] = [];

beforeAll(async () => {
  events = await EventReceiver.open();
  const sip = await freePort();
  far = await openPhones(
    `sip:127.0.0.1:${sip}`,
    RECORDED_NUMBERS.map((number) => tonePhone(number, FREQUENCY_HZ[number] ?? 0)),
  );
  const farAddress = far.uriOf(RECORDED_NUMBERS[0])?.replace(/^.*@/, '') ?? '';
  carrier = await createSipServer(
    // Whoever shows this number has to prove that it is the subscriber.
    {
      hosts: ['127.0.0.1'],
      port: 0,
      users: [{ name: 'subscriber', secret: 'trunk-secret', number: 'carol' }],
      trunks: [],
    },
    {
      clock: systemClock,
      random: systemRandom,
      log: SILENT_LOGGER,
      datagrams: new NodeDatagramNetwork(systemClock),
      streams: new NodeStreamNetwork(),
      resolveHost: () => Promise.resolve([]),
    },
  );
  server = await ServerProcess.start({
    ports: { http: 0, https: 0, sip, management: 0 },
    flags: ['--event-webhook', `${events.url}grid`],
    file: {
      users: USERS,
      trunks: [
        { name: 'far', uri: `sip:${farAddress}` },
        {
          name: 'digest',
          uri: `sip:127.0.0.1:${carrier.addresses[0]?.port}`,
          username: 'subscriber',
          password: 'trunk-secret',
        },
        { name: 'border', uri: 'sip:127.0.0.2:5060', addresses: [BORDER_ADDRESS] },
      ],
      routes: [
        { to: '^\\+15557', action: 'trunk', trunk: 'far', record: { retention: '1h' } },
        { to: '^\\+15556', action: 'trunk', trunk: 'digest' },
        { to: '^\\+15550666$', action: 'reject' },
        { to: '^\\+15555', from: `^\\${STRANGER}$`, action: 'reject' },
        { to: '^alice$', action: 'registered' },
        { to: '.*', action: 'application' },
      ],
    },
  });
  sdk = await SdkSession.open(server, SDK_PACKAGES[1]);
  near = await openPhones(
    server.ready.sip,
    [
      tonePhone('8:acs:tapedeck_carol', FREQUENCY_HZ['carol'] ?? 0, 'carol'),
      tonePhone('8:acs:tapedeck_dave', FREQUENCY_HZ['dave'] ?? 0, 'dave'),
      tonePhone(STRANGER, 700),
    ],
    USERS,
  );
});

afterAll(async () => {
  sdk.close();
  await Promise.all([near, far, ...closing].map((phones) => phones.close()));
  await carrier.close();
  await Promise.all(raw.map((phone) => phone.close()));
  events.close();
  expect(await server.stop()).toBe(0);
});

const callOf = (name: string, to: string): Promise<PhoneCall> =>
  near.call({ phone: `8:acs:tapedeck_${name}`, to });

/** The next call that arrives behind the trunk. */
function arrival(): Promise<PhoneCall> {
  return new Promise((resolve) => {
    far.onCall = resolve;
  });
}

const ofCall =
  (serverCallId: unknown) =>
  (event: ReceivedEvent): boolean =>
    event.data['serverCallId'] === serverCallId;

describe('a call that a route sends to a trunk', () => {
  test('is relayed and recorded with no application, and each phone hears the other alone', async () => {
    const arrived = arrival();
    const call = await callOf('carol', '+15557001');
    const callee = await arrived;
    await until('both are heard', () => {
      return levelHeard(call, 440) > -7 && levelHeard(callee, 1000) > -7;
    });
    expect(levelHeard(call, 1000)).toBeLessThan(-50);
    expect(levelHeard(callee, 440)).toBeLessThan(-50);
    await new Promise((resolve) => setTimeout(resolve, 600));
    await call.hangUp();
    const ready = await events.next('RecordingFileStatusUpdated', ofCall(callee.serverCallId));
    expect(ready.data).toMatchObject({ sessionEndReason: 'CallEnded' });
    const wav = readWav(await readFile(recordingFile(server, ready)));
    if (!wav.ok) throw new Error(wav.defect);
    const { samples, sampleRateHz } = wav.value;
    const at = samples.length - 8_000;
    for (const frequencyHz of [440, 1000]) {
      const level = levelDb(toneAmplitude(samples, sampleRateHz, frequencyHz, at, 3_200));
      expect(Math.abs(level + 6)).toBeLessThan(1);
    }
    const lived = events.received.filter(ofCall(callee.serverCallId)).map((event) => event.type);
    expect(lived.map((type) => type.replace(/^.*\./, '')).sort()).toEqual([
      'CallEnded',
      'CallParticipantAdded',
      'CallParticipantAdded',
      'CallParticipantRemoved',
      'CallParticipantRemoved',
      'CallStarted',
      'RecordingFileStatusUpdated',
    ]);
  });

  test('is closed to strangers, whatever number they show', async () => {
    const call = await near.call({ phone: STRANGER, to: '+15557001' });
    expect(await call.ended).toMatchObject({ status: 403 });
  });

  test('authenticates at a trunk that asks', async () => {
    const reached = new Promise<IncomingInvite>((resolve) => {
      carrier.onInvite = resolve;
    });
    const call = await callOf('carol', '+15556001');
    const invite = await reached;
    expect(invite.authenticatedUser).toBe('subscriber');
    expect(invite.to.user).toBe('+15556001');
    await invite.end({ status: 486, reason: 'Busy Here' });
    expect(await call.ended).toMatchObject({ status: 486 });
  });

  test('has its own recording when two are on at once, and leaves room for one of the API', async () => {
    const calls: { call: PhoneCall; callee: PhoneCall }[] = [];
    for (const [name, to] of [
      ['carol', '+15557001'],
      ['dave', '+15557002'],
    ] as const) {
      const arrived = arrival();
      const call = await callOf(name, to);
      calls.push({ call, callee: await arrived });
    }
    const [first, second] = calls;
    if (first === undefined || second === undefined) throw new Error('no calls');
    await Promise.all(calls.map(({ call }) => call.answered));
    await until('the second is heard', () => levelHeard(second.call, 650) > -7);

    const started = await sdk.call<{ recordingId: string }>('startRecording', {
      callLocator: { kind: 'serverCallLocator', id: first.callee.serverCallId },
      recordingContent: 'audio',
      recordingChannel: 'mixed',
      recordingFormat: 'wav',
      recordingStateCallbackEndpointUrl: `${events.url}state`,
    });
    const active = await events.next('RecordingStateChanged');
    expect(active.data).toMatchObject({ state: 'active', recordingId: started.recordingId });
    const subject = `calling/recordings/${first.callee.serverCallId}/recordingId/${started.recordingId}`;
    expect(active.envelope).toMatchObject({
      source: `${subject}/RecordingStateChanged`,
      subject,
    });
    await new Promise((resolve) => setTimeout(resolve, 400));
    await sdk.call('stopRecording', started.recordingId);
    const inactive = await events.next('RecordingStateChanged');
    expect(inactive.data).toMatchObject({
      state: 'inactive',
      recordingKind: 'azureCommunicationServices',
    });
    const byApi = await events.next(
      'RecordingFileStatusUpdated',
      ofCall(first.callee.serverCallId),
    );
    expect(byApi.data).toMatchObject({
      recordingId: started.recordingId,
      sessionEndReason: 'RecordingStopped',
    });

    await Promise.all(calls.map(({ callee }) => callee.hangUp()));
    const files = await Promise.all(
      calls.map(({ callee }) =>
        events.next('RecordingFileStatusUpdated', ofCall(callee.serverCallId)),
      ),
    );
    const tones = [
      [1000, 440, 1500],
      [1500, 650, 1000],
    ];
    for (const [index, [own = 0, other = 0, foreign = 0]] of tones.entries()) {
      const ready = files[index];
      if (ready === undefined) throw new Error('no file');
      const wav = readWav(await readFile(recordingFile(server, ready)));
      if (!wav.ok) throw new Error(wav.defect);
      const { samples, sampleRateHz } = wav.value;
      const at = samples.length - 8_000;
      const level = (hz: number): number =>
        levelDb(toneAmplitude(samples, sampleRateHz, hz, at, 3_200));
      expect([level(own) > -7, level(other) > -7, level(foreign) < -45]).toEqual([
        true,
        true,
        true,
      ]);
    }
    const routed = files[0]?.data['recordingId'];
    await expect(sdk.call('stopRecording', routed)).rejects.toMatchObject({ status: 403 });
  });
});

test('a call that a route rejects is declined, by number called or by caller', async () => {
  const called = await near.call({ phone: STRANGER, to: '+15550666' });
  expect(await called.ended).toMatchObject({ status: 603 });
  const caller = await near.call({ phone: STRANGER, to: '+15555001' });
  expect(await caller.ended).toMatchObject({ status: 603 });
});

test.each([
  [BORDER_ADDRESS, '4:+15551234'],
  ['127.0.0.3', 'sip:raw@127.0.0.3'],
])('a caller asserted from %s is %s', async (host, rawId) => {
  const phone = await RawPhone.open(server, host);
  raw.push(phone);
  phone.invite('+15559100', ['P-Asserted-Identity: "Asserted" <sip:+15551234@carrier.test>']);
  const incoming = await events.next('IncomingCall', (event) => {
    return (event.data['from'] as { rawId: string }).rawId === rawId;
  });
  expect(incoming.data['callerDisplayName']).toBe(
    host === BORDER_ADDRESS ? 'Asserted' : 'A Caller',
  );
  phone.cancel();
  await phone.response(487);
});

test('a source under a trunk’s addresses may call out through a trunk', async () => {
  const phone = await RawPhone.open(server, BORDER_ADDRESS);
  raw.push(phone);
  const arrived = arrival();
  phone.invite('+15557002');
  const callee = await arrived;
  const answer = await phone.response(200);
  expect(answer.headers.get('X-Tapedeck-Server-Call-Id')).toBe(callee.serverCallId);
  phone.acknowledge(answer);
  phone.hangUp(answer);
  await callee.ended;
});

test('a user with two phones is rung on both, and the one that is slower is cancelled', async () => {
  const open = async (answerAfterMs: number): Promise<SimPhones> => {
    const phone = { ...tonePhone('8:acs:tapedeck_alice', 440, 'alice'), answerAfterMs };
    const phones = await openPhones(server.ready.sip, [phone], USERS);
    closing.push(phones);
    return phones;
  };
  const [quick, slow] = [await open(300), await open(20_000)];
  const rang = [quick, slow].map(
    (phones) =>
      new Promise<PhoneCall>((resolve) => {
        phones.onCall = resolve;
      }),
  );
  const call = await near.call({ phone: STRANGER, to: 'alice' });
  const [winner, loser] = await Promise.all(rang);
  await call.answered;
  expect(await loser?.ended).toMatchObject({ status: 487 });
  expect(winner?.state).toBe('up');
  expect(winner?.serverCallId).toBe(loser?.serverCallId);
  await call.hangUp();
  await winner?.ended;
});
