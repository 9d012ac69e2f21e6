import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PhoneCall } from '../../src/sim/phone-call.ts';
import type { SimPhones } from '../../src/sim/sim-phones.ts';
import { until } from '../contract/until.ts';
import { EventReceiver, type ReceivedEvent } from '../support/event-receiver.ts';
import { levelHeard, openPhones, tonePhone } from '../support/peers/sim-phones.ts';
import { RawPhone } from '../support/peers/raw-phone.ts';
import { SDK_PACKAGES, SdkSession } from '../support/sdk-session.ts';
import { ServerProcess } from '../support/server-process.ts';

const CALLER = '+15550177';
const SILENT = '+15550179';
const SIMULATED = '+15550100';
const ALICE = '8:acs:tapedeck_alice';

type Properties = { readonly callConnectionId: string; readonly serverCallId: string };

let server: ServerProcess;
let events: EventReceiver;
let sdk: SdkSession;
let phones: SimPhones;
let callback: string;
const raw: RawPhone[] = [];

beforeAll(async () => {
  events = await EventReceiver.open();
  callback = `${events.url}callbacks`;
  server = await ServerProcess.start({
    flags: ['--event-webhook', `${events.url}grid`, '--answer-timeout', '2s'],
    file: {
      users: [{ name: 'alice', password: 'wonderland' }],
      sim: [{ identifier: SIMULATED, tone: 440, answerAfter: '50ms' }],
    },
  });
  sdk = await SdkSession.open(server, SDK_PACKAGES[0]);
  phones = await openPhones(
    server.ready.sip,
    [
      tonePhone(CALLER, 1000),
      tonePhone('+15550178', 600, 'alice'),
      { ...tonePhone(SILENT, 600), neverAnswers: true },
    ],
    [{ name: 'alice', password: 'wonderland' }],
  );
});

afterAll(async () => {
  sdk.close();
  await phones.close();
  await Promise.all(raw.map((phone) => phone.close()));
  events.close();
  expect(await server.stop()).toBe(0);
});

/** A phone calls a number that nobody has, and the application hears of it. */
async function offered(to: string): Promise<{ call: PhoneCall; incoming: ReceivedEvent }> {
  const call = await phones.call({ phone: CALLER, to });
  const incoming = await events.next('IncomingCall', (event) =>
    JSON.stringify(event.data['to']).includes(to),
  );
  return { call, incoming };
}

async function rawPhone(host?: string): Promise<RawPhone> {
  const phone = await RawPhone.open(server, host);
  raw.push(phone);
  return phone;
}

describe('an incoming call', () => {
  test('that no application answers ends with 480', async () => {
    const { call, incoming } = await offered('+15558001');
    expect(await call.ended).toMatchObject({ status: 480 });
    await expect(
      sdk.call('answerCall', incoming.data['incomingCallContext'], callback),
    ).rejects.toMatchObject({ status: 404, code: '8522' });
  });

  test.each([
    ['busy', 486],
    ['forbidden', 403],
    ['none', 603],
  ])('that is rejected as %s gets %i', async (callRejectReason, status) => {
    const { call, incoming } = await offered(`+1555810${status}`);
    const context = incoming.data['incomingCallContext'];
    await sdk.call('rejectCall', context, { callRejectReason });
    expect(await call.ended).toMatchObject({ status });
  });

  test('is redirected to a simulated phone, and the two hear each other', async () => {
    const { call, incoming } = await offered('+15558002');
    const context = incoming.data['incomingCallContext'];
    await sdk.call('redirectCall', context, { targetParticipant: { phoneNumber: SIMULATED } });
    await call.answered;
    const { serverCallId } = incoming.data;
    await events.next('CallStarted', (event) => event.data['serverCallId'] === serverCallId);
    await until('the simulated phone is heard', () => levelHeard(call, 440) > -7);
    await call.hangUp();
    const ended = await events.next('CallEnded', (e) => e.data['serverCallId'] === serverCallId);
    expect(ended.data).toMatchObject({
      endedBy: { communicationIdentifier: { rawId: `4:${CALLER}` }, kind: 'Participant' },
      reason: { code: 200 },
    });
  });

  test('is redirected to a registered user, whose phone shows the same call', async () => {
    const { call, incoming } = await offered('+15558003');
    const rung: PhoneCall[] = [];
    phones.onCall = (one) => rung.push(one);
    const context = incoming.data['incomingCallContext'];
    await sdk.call('redirectCall', context, { targetParticipant: { communicationUserId: ALICE } });
    await call.answered;
    expect(rung.map((one) => one.serverCallId)).toEqual([incoming.data['serverCallId']]);
    const [alices] = rung;
    if (alices === undefined) throw new Error('nobody rang');
    await until('both are heard', () => {
      return levelHeard(call, 600) > -7 && levelHeard(alices, 1000) > -7;
    });
    await alices.hangUp();
    await call.ended;
  });

  test('redirected to somebody who is nowhere is not found', async () => {
    const { call, incoming } = await offered('+15558004');
    const context = incoming.data['incomingCallContext'];
    await sdk.call('redirectCall', context, {
      targetParticipant: { communicationUserId: '8:acs:tapedeck_nobody' },
    });
    expect(await call.ended).toMatchObject({ status: 404 });
  });

  test('brings its headers along, tells its id to the caller, and is withdrawn with CANCEL', async () => {
    const phone = await rawPhone();
    const headers = ['X-Customer: 42', 'User-To-User: 0123;encoding=hex', 'Subject: private'];
    phone.invite('+15558005', headers, '+15550188');
    const incoming = await events.next('IncomingCall', (event) =>
      JSON.stringify(event.data['to']).includes('+15558005'),
    );
    expect(incoming.data).toEqual({
      to: { kind: 'phoneNumber', rawId: '4:+15558005', phoneNumber: { value: '+15558005' } },
      from: { kind: 'phoneNumber', rawId: '4:+15550188', phoneNumber: { value: '+15550188' } },
      serverCallId: expect.stringMatching(/^[A-Za-z0-9+/_-]+=*$/) as unknown,
      callerDisplayName: 'A Caller',
      customContext: {
        sipHeaders: { 'X-Customer': '42', 'User-To-User': '0123;encoding=hex' },
        voipHeaders: {},
      },
      incomingCallContext: expect.any(String) as unknown,
      correlationId: expect.any(String) as unknown,
    });
    expect(incoming.envelope['subject']).toBe('/caller/4:+15550188/recipient/4:+15558005');
    const ringing = await phone.response(180);
    expect(ringing.headers.get('X-Tapedeck-Server-Call-Id')).toBe(incoming.data['serverCallId']);
    phone.cancel();
    await phone.response(487);
    await expect(
      sdk.call('answerCall', incoming.data['incomingCallContext'], callback),
    ).rejects.toMatchObject({ status: 404, code: '8522' });
  });

  test('that is answered raises callbacks in order, in their envelope, signed with a published key', async () => {
    const phone = await rawPhone();
    phone.invite('+15558006');
    const incoming = await events.next('IncomingCall', (event) =>
      JSON.stringify(event.data['to']).includes('+15558006'),
    );
    const call = await sdk.call<Properties>(
      'answerCall',
      incoming.data['incomingCallContext'],
      callback,
      { operationContext: 'my context' },
    );
    expect(call).toMatchObject({
      serverCallId: incoming.data['serverCallId'],
      callConnectionState: 'connecting',
      targetParticipants: [{ id: expect.stringMatching(/^sip:raw@/) as unknown }],
    });
    const answer = await phone.response(200);
    expect(answer.headers.get('X-Tapedeck-Server-Call-Id')).toBe(call.serverCallId);
    phone.acknowledge(answer);
    await events.next('ParticipantsUpdated', (e) => e.data['serverCallId'] === call.serverCallId);
    expect(await sdk.call('properties', call.callConnectionId)).toMatchObject({
      callConnectionState: 'connected',
    });
    expect(await sdk.call('participants', call.callConnectionId)).toMatchObject([
      { identifier: { id: expect.stringMatching(/^sip:raw@/) as unknown } },
    ]);
    phone.hangUp(answer);
    await events.next('CallDisconnected', (e) => e.data['serverCallId'] === call.serverCallId);

    const callbacks = events.received.filter(
      (event) => event.data['callConnectionId'] === call.callConnectionId,
    );
    expect(callbacks.map((event) => event.type.replace(/^.*\./, ''))).toEqual([
      'CallConnected',
      'ParticipantsUpdated',
      'CallDisconnected',
    ]);
    const path = `calling/callConnections/${call.callConnectionId}`;
    for (const { envelope, headers, isArray } of callbacks) {
      expect(isArray).toBe(true);
      expect(headers['content-type']).toBe('application/json');
      expect(envelope).toMatchObject({ source: path, subject: path, specversion: '1.0' });
      expect(envelope['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00$/);
    }
    expect(callbacks[0]?.data).toMatchObject({
      operationContext: 'my context',
      resultInformation: { code: 200, subCode: 0 },
    });
    expect(callbacks[1]?.data).toMatchObject({ sequenceNumber: 1, participants: [{}] });

    const document = (await (
      await fetch(`${server.ready.http}/calling/.well-known/acsopenidconfiguration`)
    ).json()) as { issuer: string; jwks_uri: string };
    expect(document.jwks_uri).toMatch(/^https:.*\/calling\/keys$/);
    const keys = createRemoteJWKSet(new URL('/calling/keys', server.ready.http));
    const tokens = await Promise.all(
      callbacks.map(async ({ headers }) => {
        const token = headers.authorization?.replace(/^Bearer /, '') ?? '';
        const { issuer } = document;
        return (await jwtVerify(token, keys, { issuer, audience: 'tapedeck' })).payload;
      }),
    );
    expect(document.issuer).toBe('https://acscallautomation.communication.azure.com');
    expect(tokens.map(({ exp = 0, iat = 0 }) => exp - iat)).toEqual([300, 300, 300]);
    expect(new Set(tokens.map(({ jti }) => jti)).size).toBe(3);
  });
});

describe('a call of the application', () => {
  test('that it gives up while it rings is CreateCallFailed, and the phone is cancelled', async () => {
    const rung = Promise.withResolvers<PhoneCall>();
    phones.onCall = rung.resolve;
    const target = { id: phones.uriOf(SILENT) };
    const call = await sdk.call<Properties>('createCall', { targetParticipant: target }, callback);
    const ringing = await rung.promise;
    await sdk.call('hangUp', call.callConnectionId, true);
    const over = await events.next('CreateCallFailed', (event) => {
      return event.data['callConnectionId'] === call.callConnectionId;
    });
    expect(await ringing.ended).toMatchObject({ status: 487 });
    expect(over.data).toMatchObject({ resultInformation: { code: 487, subCode: 540_487 } });
    expect(await sdk.call('properties', call.callConnectionId)).toMatchObject({
      callConnectionState: 'disconnected',
    });
  });
});
