import { beforeEach, describe, expect, test } from 'vitest';
import { phoneNumber } from '../../core/identifier.ts';
import { Conference, numberOf, type HeldCall } from '../testing/conference.ts';
import { settled } from '../testing/fake-world.ts';

let conference: Conference;
let call: HeldCall;

beforeEach(async () => {
  conference = await Conference.open();
  call = await conference.with(1, 2, 3);
});

const commandFor = (
  digit: number,
): {
  callConnectionId: HeldCall['id'];
  participant: ReturnType<typeof phoneNumber>;
  operationContext: string;
} => ({
  callConnectionId: call.id,
  participant: phoneNumber(numberOf(digit)),
  operationContext: 'mine',
});

describe('a participant', () => {
  test('that is removed gets a BYE, and the others go on', async () => {
    await conference.calls.control.removeParticipant(commandFor(2));
    await settled();
    expect(conference.phone(2).ended?.status).toBe(200);
    expect(await conference.roster(call.id)).toEqual(['4:+15550101', '4:+15550103']);
    expect(conference.heard(call.id).slice(-2)).toMatchObject([
      { name: 'ParticipantsUpdated', data: { participants: [{}, {}] } },
      {
        name: 'RemoveParticipantSucceeded',
        data: { operationContext: 'mine', participant: { rawId: '4:+15550102' } },
      },
    ]);
  });

  test('that is the last to be removed ends the call, after its own event', async () => {
    for (const digit of [1, 2, 3]) {
      await conference.calls.control.removeParticipant(commandFor(digit));
      await settled();
    }
    expect(conference.names(call.id).slice(-2)).toEqual([
      'RemoveParticipantSucceeded',
      'CallDisconnected',
    ]);
    expect(await conference.calls.calls()).toEqual([]);
  });

  test('that leaves just before is a failed removal', async () => {
    const removal = conference.calls.control.removeParticipant(commandFor(2));
    conference.phone(2).hangUp();
    await removal;
    await settled();
    expect(conference.heard(call.id).at(-1)).toMatchObject({
      name: 'RemoveParticipantFailed',
      data: { resultInformation: { code: 404, subCode: 8522 } },
    });
  });

  test('that is not in the call can neither be removed nor muted', async () => {
    const { control } = conference.calls;
    const absent = { code: 'participant-not-found' };
    await expect(control.removeParticipant(commandFor(9))).rejects.toMatchObject(absent);
    await expect(control.muteParticipant(commandFor(9))).rejects.toMatchObject(absent);
  });

  test('that is muted is shown as such, once', async () => {
    await conference.calls.control.muteParticipant(commandFor(2));
    expect([...conference.world.callMedia.controls.values()]).toEqual([
      { isMuted: true, isOnHold: false },
    ]);
    const updates = conference.names(call.id).length;
    expect(conference.heard(call.id).at(-1)).toMatchObject({
      name: 'ParticipantsUpdated',
      data: {
        participants: [{ isMuted: false }, { isMuted: true, isOnHold: false }, { isMuted: false }],
      },
    });
    expect(await conference.calls.participant(call.id, '4:+15550102')).toMatchObject({
      isMuted: true,
    });
    await conference.calls.control.muteParticipant(commandFor(2));
    expect(conference.names(call.id)).toHaveLength(updates);
  });
});

test('nothing can be done to a call that is not established, or is over', async () => {
  const { callConnectionId } = await conference.calls.createCall({
    targets: [phoneNumber(numberOf(4))],
    callbackUri: 'https://app.test/events',
    apiVersion: '2026-03-12',
  });
  await expect(
    conference.calls.control.muteParticipant({ ...commandFor(4), callConnectionId }),
  ).rejects.toMatchObject({ code: 'call-not-established' });
  await conference.calls.terminate({ callConnectionId: call.id });
  await expect(conference.calls.control.removeParticipant(commandFor(1))).rejects.toMatchObject({
    code: 'call-ended',
  });
});
