import { beforeEach, describe, expect, test } from 'vitest';
import { communicationUser, phoneNumber } from '../../core/identifier.ts';
import type { TransferCall } from '../../core/ports/call-control.ts';
import type { ReferOutcome } from '../../core/ports/session-control.ts';
import { Conference, numberOf, type HeldCall } from '../testing/conference.ts';
import { settled } from '../testing/fake-world.ts';

const TRUNK = { name: 'carrier', uri: 'sip:192.0.2.10:5060' };
const BOB = { name: 'bob', identity: '8:acs:resource_bob', number: undefined };

let conference: Conference;
let call: HeldCall;

beforeEach(async () => {
  conference = await Conference.open({ trunks: [TRUNK], users: [BOB] });
  conference.world.signalling.contacts.set('bob', ['sip:bob@192.0.2.77']);
  call = await conference.with(1);
});

async function transfer(options: Partial<TransferCall> = {}): Promise<void> {
  await conference.calls.control.transfer({
    callConnectionId: call.id,
    target: phoneNumber(numberOf(5)),
    headers: { 'X-Order': '1' },
    operationContext: 'over',
    ...options,
  });
  await settled();
}

describe('a transfer', () => {
  test('refers the phone, and the application leaves when it is through', async () => {
    await transfer();
    expect(conference.phone(1).referred).toEqual([
      { uri: `sip:${numberOf(5)}@tapedeck.test:5060`, headers: { 'X-Order': '1' } },
    ]);
    expect(conference.phone(1).ended?.status).toBe(200);
    expect(conference.heard(call.id).slice(-2)).toMatchObject([
      {
        name: 'CallTransferAccepted',
        data: {
          operationContext: 'over',
          transferTarget: { rawId: '4:+15550105' },
          transferee: { rawId: '4:+15550101' },
        },
      },
      { name: 'CallDisconnected', data: { resultInformation: { code: 200, subCode: 7015 } } },
    ]);
  });

  test.each([
    [communicationUser('8:acs:resource_bob'), 'sip:bob@tapedeck.test:5060'],
    [phoneNumber('+4930123456'), 'sip:+4930123456@192.0.2.10:5060'],
    [{ kind: 'unknown', rawId: 'sip:eve@example.net' } as const, 'sip:eve@example.net'],
  ])('to %o sends the phone to %s', async (target, uri) => {
    await transfer({ target });
    expect(conference.phone(1).referred[0]?.uri).toBe(uri);
  });

  test('to nobody who could be reached fails, and the phone hears nothing of it', async () => {
    await transfer({ target: communicationUser('8:acs:resource_nobody') });
    expect(conference.phone(1).referred).toEqual([]);
    expect(conference.heard(call.id).at(-1)).toMatchObject({
      name: 'CallTransferFailed',
      data: { operationContext: 'over', resultInformation: { code: 404, subCode: 8543 } },
    });
  });

  test('that the target does not take leaves the call as it is', async () => {
    conference.phone(1).referOutcome = { status: 486, reason: 'Busy Here' };
    await transfer();
    expect(conference.heard(call.id).at(-1)).toMatchObject({
      name: 'CallTransferFailed',
      data: {
        resultInformation: {
          code: 486,
          subCode: 8539,
          sipDetails: { code: 486, message: 'Busy Here' },
        },
      },
    });
    expect(await conference.roster(call.id)).toEqual(['4:+15550101']);
  });

  test('of one of several takes that one out, and the others go on', async () => {
    call = await conference.with(2, 3, 4);
    await expect(transfer()).rejects.toMatchObject({ code: 'argument-invalid' });
    await transfer({ transferee: phoneNumber(numberOf(3)) });
    expect(conference.phone(3).ended).toBeDefined();
    expect(await conference.roster(call.id)).toEqual(['4:+15550102', '4:+15550104']);
    expect(conference.names(call.id).slice(-2)).toEqual([
      'CallTransferAccepted',
      'ParticipantsUpdated',
    ]);
  });

  test('is not broken off by a phone that hangs up before the outcome is known', async () => {
    const outcome = Promise.withResolvers<ReferOutcome>();
    const phone = conference.phone(1);
    phone.refer = () => outcome.promise;
    await transfer();
    phone.hangUp();
    await settled();
    expect(conference.names(call.id)).not.toContain('CallDisconnected');
    outcome.resolve({ status: 200, reason: 'OK' });
    await settled();
    expect(conference.names(call.id).slice(-2)).toEqual([
      'CallTransferAccepted',
      'CallDisconnected',
    ]);
  });

  test('that fails after the phone has hung up ends the call', async () => {
    const outcome = Promise.withResolvers<ReferOutcome>();
    const phone = conference.phone(1);
    phone.refer = () => outcome.promise;
    await transfer();
    phone.hangUp();
    await settled();
    outcome.resolve({ status: 603, reason: 'Decline' });
    await settled();
    expect(conference.names(call.id).slice(-2)).toEqual(['CallTransferFailed', 'CallDisconnected']);
  });
});

describe('a transfer to a call of the application', () => {
  let other: HeldCall;

  beforeEach(async () => {
    other = await conference.with(5);
  });

  test('takes the transferee there, and the application leaves both', async () => {
    await transfer({ replaces: other.id });
    expect(conference.phone(1).referred).toEqual([]);
    for (const id of [call.id, other.id]) {
      expect(conference.heard(id).at(-1)).toMatchObject({
        name: 'CallDisconnected',
        data: { resultInformation: { code: 200, subCode: 7015 } },
      });
    }
    expect(conference.names(call.id).slice(-2)).toEqual([
      'CallTransferAccepted',
      'CallDisconnected',
    ]);
    const [talk, ...more] = await conference.calls.calls();
    expect(more).toEqual([]);
    expect(talk?.serverCallId).toBe(other.serverCallId);
    expect(talk?.participants.map(({ identifier }) => identifier.rawId)).toEqual([
      '4:+15550105',
      '4:+15550101',
    ]);
    conference.phone(5).hangUp();
    await settled();
    expect(conference.phone(1).ended).toBeDefined();
  });

  test('of one of several leaves the application with the others', async () => {
    call = await conference.with(2, 3, 4);
    await transfer({ replaces: other.id, transferee: phoneNumber(numberOf(3)) });
    expect(await conference.roster(call.id)).toEqual(['4:+15550102', '4:+15550104']);
    expect(conference.names(call.id)).toContain('CallTransferAccepted');
    expect(conference.names(call.id)).not.toContain('CallDisconnected');
    expect(conference.names(other.id).at(-1)).toBe('CallDisconnected');
  });

  test('that the phone does not go along with fails, and both calls go on', async () => {
    conference.phone(1).refusesOffers = true;
    await transfer({ replaces: other.id });
    expect(conference.heard(call.id).at(-1)).toMatchObject({
      name: 'CallTransferFailed',
      data: { resultInformation: { code: 500, subCode: 7700 } },
    });
    expect(await conference.roster(call.id)).toEqual(['4:+15550101']);
    expect(await conference.roster(other.id)).toEqual(['4:+15550105']);
  });

  test('is refused for the call itself, and for one that is over', async () => {
    await expect(transfer({ replaces: call.id })).rejects.toMatchObject({
      code: 'argument-invalid',
    });
    conference.phone(5).hangUp();
    await settled();
    await expect(transfer({ replaces: other.id })).rejects.toMatchObject({
      code: 'call-ended',
    });
  });
});

describe('a phone that takes no REFER', () => {
  beforeEach(() => {
    conference.phone(1).referOutcome = { status: 405, reason: 'No', isRefused: true };
  });

  test('is put through to the target by us, in the same call, without the application', async () => {
    await transfer();
    conference.phone(5).accept();
    await settled();
    expect(conference.heard(call.id).slice(-2)).toMatchObject([
      { name: 'CallTransferAccepted' },
      { name: 'CallDisconnected', data: { resultInformation: { code: 200, subCode: 7015 } } },
    ]);
    const [talk] = await conference.calls.calls();
    expect(talk?.serverCallId).toBe(call.serverCallId);
    expect(talk?.participants.map(({ identifier }) => identifier.rawId)).toEqual([
      '4:+15550101',
      '4:+15550105',
    ]);
    conference.phone(5).hangUp();
    await settled();
    expect(conference.phone(1).ended).toBeDefined();
    expect(await conference.calls.calls()).toEqual([]);
  });

  test('stays in the call when the target does not come', async () => {
    await transfer();
    conference.phone(5).refuse(603, 'Decline');
    await settled();
    expect(conference.heard(call.id).at(-1)).toMatchObject({
      name: 'CallTransferFailed',
      data: { resultInformation: { code: 603, subCode: 8538 } },
    });
    expect(await conference.roster(call.id)).toEqual(['4:+15550101']);
  });

  test('of a larger call gets a call of its own with the target', async () => {
    call = await conference.with(2, 3);
    conference.phone(3).referOutcome = { status: 603, reason: 'Decline', isRefused: true };
    await transfer({ transferee: phoneNumber(numberOf(3)) });
    conference.phone(5).accept();
    await settled();
    expect(await conference.roster(call.id)).toEqual(['4:+15550102']);
    const talks = (await conference.calls.calls()).map(({ participants }) =>
      participants.map(({ identifier }) => identifier.rawId),
    );
    expect(talks).toContainEqual(['4:+15550105', '4:+15550103']);
    expect(conference.names(call.id).at(-1)).toBe('CallTransferAccepted');
    conference.phone(3).hangUp();
    await settled();
    expect(conference.phone(5).ended).toBeDefined();
  });

  test('of a larger call stays there when the target does not come, and nothing is left over', async () => {
    call = await conference.with(2, 3);
    conference.phone(3).referOutcome = { status: 501, reason: 'No', isRefused: true };
    const before = (await conference.calls.calls()).length;
    await transfer({ transferee: phoneNumber(numberOf(3)) });
    conference.phone(5).refuse(486, 'Busy Here');
    await settled();
    expect(conference.names(call.id).at(-1)).toBe('CallTransferFailed');
    expect(await conference.roster(call.id)).toHaveLength(2);
    expect(await conference.calls.calls()).toHaveLength(before);
  });
});
