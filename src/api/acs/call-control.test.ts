import { describe, expect, test } from 'vitest';
import type { LightMyRequestResponse } from 'fastify';
import { ApiHarness, errorOf, VERSION } from '../../../test/support/api-harness.ts';

const api = new ApiHarness();

const ALICE = {
  kind: 'communicationUser',
  rawId: '8:acs:r_alice',
  communicationUser: { id: '8:acs:r_alice' },
};
const NUMBER = { kind: 'phoneNumber', rawId: '4:+15550100', phoneNumber: { value: '+15550100' } };
const OPERATION = {
  operationContext: 'mine',
  operationCallbackUri: 'https://app.test/operations',
};
const REPEATED = {
  'repeatability-request-id': '6d8bd4b2-4c8b-4a34-9d3b-0a8ef1e4c111',
  'repeatability-first-sent': 'Sat, 21 Nov 2026 12:00:00 GMT',
};

let connection: string;

function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<LightMyRequestResponse> {
  connection = api.fake.services.ids.callConnectionId();
  return again(path, body, headers);
}

function again(
  path: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<LightMyRequestResponse> {
  const url = path.startsWith(':') && path !== ':connect' ? `/${connection}${path}` : path;
  const whole = path.startsWith('/') ? `/${connection}${path}` : url;
  return api.signed({
    method: 'POST',
    url: `/calling/callConnections${whole}?${VERSION}`,
    body,
    headers,
  });
}

const alice = { kind: 'communicationUser', rawId: ALICE.rawId };
const number = { kind: 'phoneNumber', rawId: NUMBER.rawId, number: '+15550100' };

describe('an operation', () => {
  test.each([
    [
      '/participants:add',
      {
        participantToAdd: NUMBER,
        sourceCallerIdNumber: { value: '+15550199' },
        sourceDisplayName: 'Desk',
        invitationTimeoutInSeconds: 30,
        customCallingContext: { sipHeaders: { 'X-Order': '1' }, voipHeaders: {} },
      },
      202,
      {
        participant: { identifier: NUMBER, isMuted: false, isOnHold: false },
        invitationId: 'invitation-1',
      },
      {
        participant: number,
        sourceCallerIdNumber: '+15550199',
        sourceDisplayName: 'Desk',
        invitationTimeoutSeconds: 30,
        headers: { 'X-Order': '1' },
      },
    ],
    [
      '/participants:cancelAddParticipant',
      { invitationId: 'i' },
      202,
      { invitationId: 'i' },
      { invitationId: 'i' },
    ],
    ['/participants:remove', { participantToRemove: ALICE }, 202, {}, { participant: alice }],
    ['/participants:mute', { targetParticipants: [ALICE] }, 200, {}, { participant: alice }],
    [
      ':transferToParticipant',
      {
        targetParticipant: NUMBER,
        transferee: { rawId: ALICE.rawId },
        customCallingContext: { sipHeaders: { 'User-To-User': '00' } },
      },
      202,
      {},
      { target: number, transferee: alice, headers: { 'User-To-User': '00' } },
    ],
  ] as const)('%s is answered as the vendor does, and repeated once', async (...row) => {
    const [path, body, status, answer, command] = row;
    const whole = { ...body, ...OPERATION };
    const response = await post(path, whole, REPEATED);
    expect(response.statusCode).toBe(status);
    expect(response.json()).toEqual({ ...answer, operationContext: 'mine' });
    expect(api.fake.asked[0]?.command).toMatchObject({
      ...command,
      callConnectionId: connection,
      operationContext: 'mine',
    });
    const repeated = await again(path, whole, REPEATED);
    expect([repeated.statusCode, repeated.body]).toEqual([status, response.body]);
    expect(api.fake.asked).toHaveLength(1);
  });

  test.each([
    [':hold', { targetParticipant: ALICE }, { participant: alice }],
    [
      ':hold',
      {
        targetParticipant: ALICE,
        playSourceInfo: { kind: 'file', file: { uri: 'https://app.test/music.wav' } },
      },
      {
        playSource: { kind: 'file', cacheId: undefined, uri: 'https://app.test/music.wav' },
      },
    ],
    [':unhold', { targetParticipant: ALICE }, { participant: alice }],
  ])('%s is answered 200 without a body', async (path, body, command) => {
    const response = await post(path, { ...body, ...OPERATION });
    expect([response.statusCode, response.body]).toEqual([200, '']);
    expect(api.fake.asked[0]?.command).toMatchObject({ ...command, ...OPERATION });
  });

  test('moveHere names the call from which they come', async () => {
    const fromCall = api.fake.services.ids.callConnectionId();
    const response = await post('/participants:moveHere', {
      targetParticipants: [NUMBER],
      fromCall,
    });
    expect(response.statusCode).toBe(202);
    expect(response.json()).toEqual({
      participants: [{ identifier: NUMBER, isMuted: false, isOnHold: false }],
      fromCall,
    });
    expect(api.fake.asked[0]?.command).toMatchObject({ participants: [number], fromCall });
  });

  test('connect is answered with the properties', async () => {
    const serverCallId = api.fake.services.ids.serverCallId();
    const response = await post(':connect', {
      callLocator: { kind: 'serverCallLocator', serverCallId },
      callbackUri: 'https://app.test/events',
      operationContext: 'mine',
    });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({ callConnectionState: 'connecting' });
    expect(api.fake.asked[0]?.command).toEqual({
      call: { serverCallId },
      callbackUri: 'https://app.test/events',
      operationContext: 'mine',
      apiVersion: '2026-03-12',
    });
  });
});

describe('a wrong request is refused and nothing is asked for', () => {
  test.each([
    ['/participants:add', { participantToAdd: { kind: 'phoneNumber' } }, 'participantToAdd'],
    [
      '/participants:add',
      { participantToAdd: NUMBER, invitationTimeoutInSeconds: 181 },
      'invitationTimeoutInSeconds',
    ],
    [
      '/participants:add',
      { participantToAdd: NUMBER, customCallingContext: { sipHeaders: { Via: 'x' } } },
      'customCallingContext',
    ],
    ['/participants:remove', {}, 'participantToRemove'],
    ['/participants:mute', { targetParticipants: [] }, 'targetParticipants'],
    ['/participants:mute', { targetParticipants: [ALICE, NUMBER] }, 'targetParticipants'],
    [
      '/participants:remove',
      { participantToRemove: ALICE, operationCallbackUri: 'nonsense' },
      'operationCallbackUri',
    ],
    [':transferToParticipant', { targetParticipant: {} }, 'targetParticipant'],
    [
      ':hold',
      { targetParticipant: ALICE, playSourceInfo: { kind: 'file', file: { uri: 'music.wav' } } },
      'playSourceInfo.file.uri',
    ],
    [
      ':hold',
      { targetParticipant: ALICE, playSourceInfo: { kind: 'text' } },
      'playSourceInfo.text',
    ],
    [':connect', { callLocator: {}, callbackUri: 'https://app.test' }, 'callLocator.kind'],
  ])('%s with %j: %s', async (path, body, field) => {
    const response = await post(path, body);
    expect(response.statusCode).toBe(400);
    expect(errorOf(response)).toMatchObject({ code: '8523', target: field });
    expect(api.fake.asked).toEqual([]);
  });
});
