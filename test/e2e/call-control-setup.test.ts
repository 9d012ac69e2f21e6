import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ReceivedEvent } from '../support/event-receiver.ts';
import {
  BUSY,
  ControlSession,
  DECLINING,
  NOWHERE,
  OLDEST_SDK,
  PHONES,
  SILENT,
  TONES_HZ,
  type ControlledCall,
} from '../support/control-session.ts';
import { RawPhone } from '../support/peers/raw-phone.ts';
import { hears } from '../support/listening.ts';
import { SdkSession } from '../support/sdk-session.ts';

const { first, second, third } = PHONES;
/** Says itself that nobody answers it. */
const UNANSWERED = { phoneNumber: '+15550482' };
const CALLER = {
  sourceCallIdNumber: { phoneNumber: '+15550399' },
  sourceDisplayName: 'Support',
};

let session: ControlSession;

beforeAll(async () => {
  session = await ControlSession.open({
    sim: [
      { identifier: BUSY.phoneNumber, refuse: 486 },
      { identifier: DECLINING.phoneNumber, refuse: 603 },
      { identifier: SILENT.phoneNumber, neverAnswers: true },
      { identifier: UNANSWERED.phoneNumber, refuse: 480 },
    ],
  });
});

afterAll(() => session.close());

const create = (
  targetParticipant: unknown,
  options: Readonly<Record<string, unknown>> = {},
  sdk = session.sdk,
): Promise<ControlledCall> =>
  sdk.call('createCall', { targetParticipant, ...CALLER }, session.callback, options);

/** A phone calls a number that nobody has, and the application hears of it. */
async function offered(to: string): Promise<ReceivedEvent> {
  await session.dial(first, to);
  return session.events.next('IncomingCall', (event) =>
    JSON.stringify(event.data['to']).includes(to),
  );
}

describe('createCall', () => {
  test('connects to one phone, and says by whose operation', async () => {
    const call = await create(first, { operationContext: 'outbound' });
    const { data } = await session.next(call, 'CallConnected');
    expect(data).toMatchObject({
      operationContext: 'outbound',
      serverCallId: call.serverCallId,
      resultInformation: { code: 200, subCode: 0 },
    });
    expect(await session.rosterOf(call, 1)).toMatchObject([
      { identifier: { rawId: `4:${first.phoneNumber}` }, isMuted: false, isOnHold: false },
    ]);
    expect(await session.on(call, 'getCallConnectionProperties')).toMatchObject({
      callConnectionState: 'connected',
      serverCallId: call.serverCallId,
      callbackUri: session.callback,
      targetParticipants: [first],
      sourceCallerIdNumber: { phoneNumber: '+15550399' },
      sourceDisplayName: 'Support',
    });
    expect(await session.finish(call)).toEqual([
      'CallConnected',
      'ParticipantsUpdated',
      'CallDisconnected',
    ]);
  });

  test.each([
    ['is busy', BUSY, 486, 560_486],
    ['declines', DECLINING, 603, 560_603],
    ['is nowhere', NOWHERE, 404, 4500],
    ['is not answered', UNANSWERED, 480, 560_480],
  ])('fails when who is called %s', async (_, target, code, subCode) => {
    const call = await create(target, { operationContext: 'try' });
    const failed = await session.next(call, 'CreateCallFailed');
    expect(failed.data).toMatchObject({
      operationContext: 'try',
      resultInformation: { code, subCode },
    });
    expect(await session.parsed(call)).toEqual(['CreateCallFailed']);
    expect(await session.on(call, 'getCallConnectionProperties')).toMatchObject({
      callConnectionState: 'disconnected',
    });
  });

  test('of a group goes on with whoever answers, and fails when nobody does', async () => {
    const call = await session.sdk.call<ControlledCall>(
      'createGroupCall',
      [BUSY, second, DECLINING],
      session.callback,
    );
    await session.next(call, 'CallConnected');
    const [only] = await session.rosterOf(call, 1);
    expect(only).toMatchObject({ identifier: { rawId: `4:${second.phoneNumber}` } });
    await session.finish(call);

    const vain = await session.sdk.call<ControlledCall>(
      'createGroupCall',
      [BUSY, DECLINING],
      session.callback,
    );
    const { data } = await session.next(vain, 'CreateCallFailed');
    const { resultInformation } = data as { resultInformation: { code: number } };
    expect([486, 603]).toContain(resultInformation.code);
  });

  test('that failed is CallDisconnected to an application of the first generation', async () => {
    const old = await SdkSession.open(session.server, OLDEST_SDK);
    const call = await create(BUSY, {}, old);
    const { data } = await session.next(call, 'CallDisconnected');
    expect(data).toMatchObject({ resultInformation: { code: 486, subCode: 560_486 } });
    expect(await session.parsed(call, old)).toEqual(['CallDisconnected']);
    old.close();
  });
});

describe('answerCall', () => {
  test('takes the call, to which others can be added', async () => {
    const incoming = await offered('+15558101');
    const call = await session.sdk.call<ControlledCall>(
      'answerCall',
      incoming.data['incomingCallContext'],
      session.callback,
      { operationContext: 'inbound' },
    );
    expect(call.serverCallId).toBe(incoming.data['serverCallId']);
    const { data } = await session.next(call, 'CallConnected');
    expect(data).toMatchObject({
      operationContext: 'inbound',
      resultInformation: { code: 200, subCode: 0 },
    });
    await session.rosterOf(call, 1);
    await session.on(call, 'addParticipant', { targetParticipant: second });
    await session.next(call, 'AddParticipantSucceeded');
    const caller = await session.phone(first);
    await hears(caller, { loud: [TONES_HZ.second] });
    await caller.hangUp();
    await (await session.phone(second)).hangUp();
    const over = await session.next(call, 'CallDisconnected');
    expect(over.data).toMatchObject({ resultInformation: { code: 200, subCode: 5010 } });
    expect(await session.parsed(call)).toContain('ParticipantsUpdated');
  });

  test('fails when the caller turns out to have no codec in common', async () => {
    const phone = await RawPhone.open(session.server);
    const invite = {
      uri: `sip:+15558102@${session.server.ready.sip.replace('sip:', '')}`,
      callId: 'late-offer',
      fromUser: '+15550388',
    };
    // Without an offer: the codecs are only known from the ACK.
    phone.peer.send({ ...invite, method: 'INVITE' });
    const incoming = await session.events.next('IncomingCall', (event) =>
      JSON.stringify(event.data['to']).includes('+15558102'),
    );
    const call = await session.sdk.call<ControlledCall>(
      'answerCall',
      incoming.data['incomingCallContext'],
      session.callback,
      { operationContext: 'in vain' },
    );
    const answer = await phone.response(200);
    const toTag = /;tag=([^;]+)/.exec(answer.headers.get('To') ?? '')?.[1] ?? '';
    phone.peer.send({
      ...invite,
      method: 'ACK',
      toTag,
      body: 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40004 RTP/AVP 18\r\n',
    });
    const { data } = await session.next(call, 'AnswerFailed');
    expect(data).toMatchObject({
      operationContext: 'in vain',
      resultInformation: { code: 487, subCode: 4501 },
    });
    expect(await session.parsed(call)).toEqual(['AnswerFailed']);
    await phone.close();
  });
});

describe('hangUp', () => {
  test('for everybody ends the call of every phone', async () => {
    const call = await session.callTo(first, second, third);
    const phones = await Promise.all([first, second, third].map((one) => session.phone(one)));
    await session.on(call, 'hangUp', true);
    const { data } = await session.next(call, 'CallDisconnected');
    expect(data).toMatchObject({ resultInformation: { code: 200, subCode: 7000 } });
    for (const phone of phones) expect(await phone.ended).toMatchObject({ status: 200 });
    await expect(session.on(call, 'listParticipants')).rejects.toMatchObject({
      status: 400,
      code: '8528',
    });
  });

  test('for oneself leaves the others talking', async () => {
    const call = await session.callTo(first, second);
    const [one, other] = await Promise.all([session.phone(first), session.phone(second)]);
    await session.on(call, 'hangUp', false);
    const { data } = await session.next(call, 'CallDisconnected');
    expect(data).toMatchObject({ resultInformation: { code: 200, subCode: 7000 } });
    await hears(one, { loud: [TONES_HZ.second] });
    await hears(other, { loud: [TONES_HZ.first] });
    expect([one.state, other.state]).toEqual(['up', 'up']);
    await one.hangUp();
    await other.ended;
    expect((await session.parsed(call)).at(-1)).toBe('CallDisconnected');
  });
});
