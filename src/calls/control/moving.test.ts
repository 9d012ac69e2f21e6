import { beforeEach, expect, test } from 'vitest';
import { phoneNumber } from '../../core/identifier.ts';
import type { Participant } from '../../core/ports/call-service.ts';
import { Conference, numberOf, type HeldCall } from '../testing/conference.ts';
import { settled } from '../testing/fake-world.ts';

let conference: Conference;
let here: HeldCall;
let there: HeldCall;

beforeEach(async () => {
  conference = await Conference.open();
  here = await conference.with(1);
  there = await conference.with(2, 3);
});

function move(...digits: readonly number[]): Promise<readonly Participant[]> {
  return conference.calls.control.moveParticipants({
    callConnectionId: here.id,
    fromCall: there.id,
    participants: digits.map((digit) => phoneNumber(numberOf(digit))),
    operationContext: 'moved',
  });
}

test('a participant comes over by new media alone, and both applications see it', async () => {
  const before = conference.heard(here.id).length;
  expect(await move(2)).toEqual([
    { identifier: phoneNumber(numberOf(2)), isMuted: false, isOnHold: false },
  ]);
  await settled();
  expect(conference.phone(2).ended).toBeUndefined();
  expect(conference.phone(2).reoffered).toHaveLength(1);
  expect(await conference.roster(here.id)).toEqual(['4:+15550101', '4:+15550102']);
  expect(await conference.roster(there.id)).toEqual(['4:+15550103']);
  expect(conference.heard(here.id).slice(before)).toMatchObject([
    { name: 'ParticipantsUpdated' },
    {
      name: 'MoveParticipantSucceeded',
      data: {
        participant: { rawId: '4:+15550102' },
        fromCall: there.id,
        operationContext: 'moved',
      },
    },
  ]);
  expect(conference.heard(there.id).at(-1)).toMatchObject({
    name: 'ParticipantsUpdated',
    data: { participants: [{ identifier: { rawId: '4:+15550103' } }] },
  });
  conference.phone(2).hangUp();
  await settled();
  expect(await conference.roster(here.id)).toEqual(['4:+15550101']);
});

test('the call that is left empty ends, with everybody in the other one', async () => {
  await move(2, 3);
  await settled();
  expect(await conference.roster(here.id)).toEqual(['4:+15550101', '4:+15550102', '4:+15550103']);
  expect(conference.heard(there.id).at(-1)).toMatchObject({
    name: 'CallDisconnected',
    data: { resultInformation: { code: 200, subCode: 5010 } },
  });
  expect(conference.phone(2).ended ?? conference.phone(3).ended).toBeUndefined();
  expect(conference.names(here.id).filter((name) => name.startsWith('Move'))).toHaveLength(2);
});

test('who is muted stays so', async () => {
  const participant = phoneNumber(numberOf(2));
  await conference.calls.control.muteParticipant({ callConnectionId: there.id, participant });
  await move(2);
  await settled();
  expect(await conference.calls.participant(here.id, '4:+15550102')).toMatchObject({
    isMuted: true,
  });
  const [legId] = [...conference.world.callMedia.controls.keys()].slice(-1);
  expect(conference.world.media.legs.has(legId!)).toBe(true);
});

test('a phone that takes no new media stays where it is', async () => {
  const legs = conference.world.media.legs.size;
  conference.phone(2).refusesOffers = true;
  await move(2);
  await settled();
  expect(conference.heard(here.id).at(-1)).toMatchObject({
    name: 'MoveParticipantFailed',
    data: { fromCall: there.id, resultInformation: { code: 480, subCode: 8546 } },
  });
  expect(await conference.roster(there.id)).toEqual(['4:+15550102', '4:+15550103']);
  expect(conference.world.media.legs.size).toBe(legs);
});

test('a call that ends meanwhile fails the move before its own end', async () => {
  conference.phone(2).reoffer = () => new Promise(() => undefined);
  await move(2);
  await conference.calls.terminate({ callConnectionId: here.id });
  await settled();
  expect(conference.heard(here.id).slice(-2)).toMatchObject([
    { name: 'MoveParticipantFailed', data: { resultInformation: { code: 400, subCode: 8528 } } },
    { name: 'CallDisconnected' },
  ]);
  expect(await conference.roster(there.id)).toEqual(['4:+15550102', '4:+15550103']);
});

test('a call that everybody leaves while it waits for somebody is over when nobody comes', async () => {
  let refuse: (reason: Error) => void = () => undefined;
  conference.phone(2).reoffer = () =>
    new Promise((_, reject) => {
      refuse = reject;
    });
  await move(2);
  conference.phone(1).hangUp();
  await settled();
  expect(conference.names(here.id)).not.toContain('CallDisconnected');
  refuse(new Error('the phone takes no new media'));
  await settled();
  expect(conference.names(here.id).slice(-2)).toEqual([
    'MoveParticipantFailed',
    'CallDisconnected',
  ]);
  expect(await conference.roster(there.id)).toEqual(['4:+15550102', '4:+15550103']);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'a call that ends %i turns before the move says nothing after its end',
  async (turns) => {
    const ending = conference.calls.terminate({ callConnectionId: here.id });
    for (let left = turns; left > 0; left -= 1) await Promise.resolve();
    const moving = move(2).catch((error: unknown) => error);
    await Promise.all([ending, moving]);
    await settled();
    expect(conference.names(here.id).at(-1)).toBe('CallDisconnected');
  },
);

test('who is not there, or is here already, cannot be moved', async () => {
  await expect(move(9)).rejects.toMatchObject({ code: 'participant-not-found' });
  const both = await conference.with(1);
  there = both;
  await expect(move(1)).rejects.toMatchObject({ code: 'call-state-conflict' });
  there = here;
  await expect(move(1)).rejects.toMatchObject({ code: 'call-state-conflict' });
});

test('a client that does not know the event gets none', async () => {
  const { callConnectionId } = await conference.calls.createCall({
    targets: [phoneNumber(numberOf(4))],
    callbackUri: 'https://app.test/events',
    apiVersion: '2025-06-15',
  });
  await settled();
  conference.phone(4).accept();
  await settled();
  here = { ...here, id: callConnectionId };
  await move(2);
  await settled();
  expect(conference.names(callConnectionId)).toEqual([
    'CallConnected',
    'ParticipantsUpdated',
    'ParticipantsUpdated',
  ]);
});
