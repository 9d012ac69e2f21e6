import { beforeEach, describe, expect, test } from 'vitest';
import type { CallConnectionId, ServerCallId } from '../../core/ids.ts';
import type { ConnectCall } from '../../core/ports/call-control.ts';
import type { ConnectionProperties } from '../../core/ports/call-service.ts';
import { API_VERSION } from '../testing/answered-call.ts';
import { Conference, type HeldCall } from '../testing/conference.ts';
import { FakeIncoming } from '../testing/fake-signalling.ts';
import { settled } from '../testing/fake-world.ts';

const GROUP = {
  to: /^600$/,
  from: undefined,
  action: 'group',
  trunk: undefined,
  group: 'team',
  record: undefined,
} as const;

let conference: Conference;
let call: HeldCall;

beforeEach(async () => {
  conference = await Conference.open({ routes: [GROUP] });
  call = await conference.with(1, 2);
});

function connect(options: Partial<ConnectCall> = {}): Promise<ConnectionProperties> {
  return conference.calls.control.connect({
    call: { serverCallId: call.serverCallId },
    callbackUri: 'https://second.test/events',
    operationContext: 'second',
    apiVersion: API_VERSION,
    ...options,
  });
}

describe('a second application', () => {
  test('comes into the call, and both hear what happens in it', async () => {
    const properties = await connect();
    expect(properties).toMatchObject({ state: 'connecting', serverCallId: call.serverCallId });
    const second = properties.callConnectionId;
    await settled();
    expect((await conference.calls.connection(second)).state).toBe('connected');
    expect(conference.heard(second)).toMatchObject([
      { name: 'CallConnected', data: { operationContext: 'second' } },
      { name: 'ParticipantsUpdated', data: { participants: [{}, {}] } },
    ]);
    const before = conference.names(call.id).length;
    conference.phone(2).hangUp();
    await settled();
    expect(conference.names(call.id).slice(before)).toEqual(['ParticipantsUpdated']);
    expect(conference.names(second).slice(2)).toEqual(['ParticipantsUpdated']);
    conference.phone(1).hangUp();
    await settled();
    for (const id of [call.id, second]) {
      expect(conference.names(id).at(-1)).toBe('CallDisconnected');
    }
  });

  test('that hangs up leaves the first one in the call, and nobody hears of it but itself', async () => {
    const { callConnectionId: second } = await connect();
    await settled();
    conference.phone(2).hangUp();
    await settled();
    const before = conference.names(call.id);
    await conference.calls.hangUp(second);
    await settled();
    expect(conference.heard(second).at(-1)).toMatchObject({
      name: 'CallDisconnected',
      data: { resultInformation: { code: 200, subCode: 7000 } },
    });
    expect(conference.names(call.id)).toEqual(before);
    expect(conference.phone(1).ended).toBeUndefined();
    await expect(conference.calls.participants(second)).rejects.toMatchObject({
      code: 'call-ended',
    });
    // Alone in it now, and with one leg: the call ends.
    await conference.calls.hangUp(call.id);
    expect(conference.phone(1).ended).toBeDefined();
  });

  test('hears that it came too late when the call ends before it is in', async () => {
    const connecting = connect();
    const ending = conference.calls.terminate({ callConnectionId: call.id });
    const { callConnectionId } = await connecting;
    await ending;
    await settled();
    expect(conference.heard(callConnectionId)).toMatchObject([
      { name: 'ConnectFailed', data: { resultInformation: { code: 400, subCode: 8528 } } },
    ]);
    expect((await conference.calls.connection(callConnectionId)).state).toBe('disconnected');
  });

  test('with a client that does not know ConnectFailed hears of the end', async () => {
    const connecting = connect({ apiVersion: '2023-03-06' });
    const ending = conference.calls.terminate({ callConnectionId: call.id });
    const { callConnectionId } = await connecting;
    await ending;
    await settled();
    expect(conference.names(callConnectionId)).toEqual(['CallDisconnected']);
  });

  test('comes into the call of a group by its id', async () => {
    conference.world.signalling.onInvite(new FakeIncoming('+15550100', '600'));
    await settled();
    const { callConnectionId } = await connect({ call: { groupCallId: 'TEAM' } });
    await settled();
    expect(await conference.roster(callConnectionId)).toEqual(['4:+15550100']);
  });

  test.each<[string, ConnectCall['call']]>([
    ['call-not-found', { groupCallId: 'nobody' }],
    ['call-not-found', { serverCallId: 'call-99' as ServerCallId }],
    ['call-not-found', { callConnectionId: 'connection-99' as CallConnectionId }],
  ])('gets %s for %j', async (code, located) => {
    await expect(connect({ call: located })).rejects.toMatchObject({ code });
  });

  test('cannot come into a call that is over or has nobody in it yet', async () => {
    conference.world.signalling.onInvite(new FakeIncoming('+15550100', '+15550199'));
    await settled();
    const [offered] = conference.world.ledger.eventData('IncomingCall');
    const serverCallId = offered?.['serverCallId'] as ServerCallId;
    await expect(connect({ call: { serverCallId } })).rejects.toMatchObject({
      code: 'call-not-established',
    });
    await conference.calls.terminate({ callConnectionId: call.id });
    await expect(connect()).rejects.toMatchObject({ code: 'call-ended' });
  });

  test('is not in the call when the ledger refuses, and the call goes on', async () => {
    conference.world.ledger.refusals = 1;
    await expect(connect()).rejects.toMatchObject({ code: 'database-failed' });
    conference.phone(2).hangUp();
    await settled();
    expect(await conference.roster(call.id)).toEqual(['4:+15550101']);
  });
});
