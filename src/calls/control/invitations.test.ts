import { beforeEach, describe, expect, test } from 'vitest';
import { phoneNumber } from '../../core/identifier.ts';
import type { AddParticipant } from '../../core/ports/call-control.ts';
import { Conference, numberOf, type HeldCall } from '../testing/conference.ts';
import { settled } from '../testing/fake-world.ts';

let conference: Conference;
let call: HeldCall;

beforeEach(async () => {
  conference = await Conference.open();
  call = await conference.with(1);
});

const participant = phoneNumber(numberOf(2));
const model = { kind: 'phoneNumber', rawId: '4:+15550102' };

function add(options: Partial<AddParticipant> = {}): Promise<{ invitationId: string }> {
  return conference.calls.control.addParticipant({
    callConnectionId: call.id,
    participant,
    headers: {},
    operationContext: 'added',
    ...options,
  });
}

const last = (): { readonly name: string; readonly data: object } =>
  conference.heard(call.id).at(-1)!;

describe('who is added', () => {
  test('is in the call when the phone answers, and the application hears of it once', async () => {
    await add({ headers: { 'X-Order': '1' }, sourceCallerIdNumber: '+15550190' });
    await settled();
    const { request } = conference.phone(2);
    expect(request.headers).toMatchObject({ 'X-Order': '1' });
    expect(request.from.user).toBe('+15550190');
    expect(await conference.roster(call.id)).toEqual(['4:+15550101']);
    conference.phone(2).accept();
    await settled();
    expect(await conference.roster(call.id)).toEqual(['4:+15550101', '4:+15550102']);
    expect(conference.names(call.id)).toEqual([
      'CallConnected',
      'ParticipantsUpdated',
      'ParticipantsUpdated',
      'AddParticipantSucceeded',
    ]);
    expect(last().data).toMatchObject({
      participant: model,
      operationContext: 'added',
      resultInformation: { code: 200, subCode: 0 },
    });
  });

  test.each([
    [486, 'Busy Here', 8539],
    [600, 'Busy Everywhere', 8540],
    [603, 'Decline', 8538],
    [404, 'Not Found', 8543],
    [480, 'Temporarily Unavailable', 8541],
    [408, 'Request Timeout', 8544],
    [488, 'Not Acceptable Here', 8546],
    [500, 'Server Internal Error', 560_500],
  ])('and refuses with %i %s is not: sub-code %i', async (status, reason, subCode) => {
    await add();
    await settled();
    conference.phone(2).refuse(status, reason);
    await settled();
    expect(last()).toMatchObject({
      name: 'AddParticipantFailed',
      data: {
        participant: model,
        operationContext: 'added',
        resultInformation: { code: status, subCode, sipDetails: { code: status, message: reason } },
      },
    });
    expect(await conference.roster(call.id)).toEqual(['4:+15550101']);
  });

  test('and is nowhere is not found', async () => {
    await add({ participant: phoneNumber('+15559999') });
    await settled();
    expect(last()).toMatchObject({
      name: 'AddParticipantFailed',
      data: { resultInformation: { code: 404, subCode: 8543 } },
    });
  });

  test.each([
    [20, 20_000],
    [0, 85_000],
    [undefined, 85_000],
  ])('and asked for %s seconds rings for %i ms', async (seconds, ringsMs) => {
    await add(seconds === undefined ? {} : { invitationTimeoutSeconds: seconds });
    await settled();
    conference.world.clock.advance(ringsMs - 1);
    await settled();
    expect(conference.phone(2).ended).toBeUndefined();
    conference.world.clock.advance(1);
    await settled();
    expect(conference.phone(2).ended?.status).toBe(487);
    expect(last()).toMatchObject({
      name: 'AddParticipantFailed',
      data: { resultInformation: { code: 480, subCode: 8587 } },
    });
  });

  test('twice, or is in the call already, is refused at once', async () => {
    await expect(add({ participant: phoneNumber(numberOf(1)) })).rejects.toMatchObject({
      code: 'call-state-conflict',
    });
    await add();
    await expect(add()).rejects.toMatchObject({ code: 'call-state-conflict' });
  });

  test('as the 351st is refused', async () => {
    const { control } = conference.calls;
    const numbers = Array.from({ length: 350 }, (_, index) => `+1666${String(index)}`);
    for (const number of numbers) conference.world.signalling.contacts.set(number, ['sip:a@b']);
    const results = await Promise.allSettled(
      numbers.map((number) =>
        control.addParticipant({
          callConnectionId: call.id,
          participant: phoneNumber(number),
          headers: {},
        }),
      ),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(349);
    expect(results.at(-1)).toMatchObject({
      status: 'rejected',
      reason: { code: 'call-state-conflict', field: 'participantToAdd' },
    });
  });

  test('when the ledger refuses is not rung, and may be asked again', async () => {
    conference.world.ledger.refusals = 1;
    const repeat = { key: 'add', answer: () => ({ status: 202, body: '{}' }) };
    await expect(add({ repeat })).rejects.toMatchObject({ code: 'database-failed' });
    expect(() => conference.phone(2)).toThrow();
    await add({ repeat });
  });
});

describe('an invitation', () => {
  test('that is cancelled rings no more, and both operations end', async () => {
    const { invitationId } = await add();
    await settled();
    const { control } = conference.calls;
    const callConnectionId = call.id;
    await control.cancelAddParticipant({
      callConnectionId,
      invitationId,
      operationContext: 'never mind',
    });
    await settled();
    expect(conference.phone(2).ended?.status).toBe(487);
    expect(conference.heard(call.id).slice(-2)).toMatchObject([
      {
        name: 'AddParticipantFailed',
        data: { operationContext: 'added', resultInformation: { code: 487, subCode: 8542 } },
      },
      {
        name: 'CancelAddParticipantSucceeded',
        data: { invitationId, operationContext: 'never mind' },
      },
    ]);
  });

  test.each(['unknown', 'answered', 'of another call'])('that is %s cannot be', async (kind) => {
    const other = await conference.with(3);
    const { invitationId } = await add();
    await settled();
    if (kind === 'answered') conference.phone(2).accept();
    await settled();
    await conference.calls.control.cancelAddParticipant({
      callConnectionId: kind === 'of another call' ? other.id : call.id,
      invitationId: kind === 'unknown' ? 'nonsense' : invitationId,
    });
    await settled();
    const heard = conference.heard(kind === 'of another call' ? other.id : call.id);
    expect(heard.at(-1)).toMatchObject({
      name: 'CancelAddParticipantFailed',
      data: { resultInformation: { code: 404, subCode: 8522 } },
    });
    expect(conference.phone(2).ended).toBeUndefined();
  });

  test('fails before the end of the call that it was for', async () => {
    await add();
    await settled();
    await conference.calls.terminate({ callConnectionId: call.id });
    await settled();
    expect(conference.phone(2).ended?.status).toBe(487);
    expect(conference.heard(call.id).slice(-2)).toMatchObject([
      { name: 'AddParticipantFailed', data: { resultInformation: { code: 400, subCode: 8528 } } },
      { name: 'CallDisconnected' },
    ]);
  });

  test('fails when the application leaves, and nothing comes after its end', async () => {
    call = await conference.with(4, 5);
    await add();
    await settled();
    await conference.calls.hangUp(call.id);
    await settled();
    conference.phone(2).accept();
    await settled();
    expect(conference.heard(call.id).slice(-2)).toMatchObject([
      { name: 'AddParticipantFailed', data: { resultInformation: { code: 400, subCode: 8501 } } },
      { name: 'CallDisconnected' },
    ]);
  });
});
