import { beforeEach, describe, expect, test } from 'vitest';
import { phoneNumber } from '../../core/identifier.ts';
import type { ReferOutcome } from '../../core/ports/session-control.ts';
import { Conference, numberOf, type HeldCall } from '../testing/conference.ts';
import { remoteMedia } from '../testing/fake-signalling.ts';
import { settled } from '../testing/fake-world.ts';

const REFUSED: ReferOutcome = { status: 405, reason: 'Method Not Allowed', isRefused: true };
const GIVEN_UP = { resultInformation: { code: 400, subCode: 8501 } };

let conference: Conference;

beforeEach(async () => {
  conference = await Conference.open();
});

const who = (digit: number): ReturnType<typeof phoneNumber> => phoneNumber(numberOf(digit));
const last = ({ id }: HeldCall): object | undefined => conference.heard(id).at(-1);

/** Nothing else gets a turn in the call until it is released. */
function busy(call: HeldCall, digit: number): () => void {
  const held = Promise.withResolvers<undefined>();
  const { callMedia } = conference.world;
  const { controlLeg } = callMedia;
  callMedia.controlLeg = async (legId, control) => {
    callMedia.controlLeg = controlLeg;
    await held.promise;
    await controlLeg(legId, control);
  };
  const { control } = conference.calls;
  void control.muteParticipant({ callConnectionId: call.id, participant: who(digit) });
  return () => {
    held.resolve(undefined);
  };
}

describe('when its application leaves the call', () => {
  let call: HeldCall;
  let about: { readonly callConnectionId: HeldCall['id']; readonly operationContext: string };

  beforeEach(async () => {
    call = await conference.with(1, 2);
    about = { callConnectionId: call.id, operationContext: 'late' };
  });

  test('who is being added is not rung any more', async () => {
    await conference.calls.control.addParticipant({ ...about, participant: who(3), headers: {} });
    await settled();
    await conference.calls.hangUp(call.id);
    await settled();
    expect(conference.heard(call.id).slice(-2)).toMatchObject([
      { name: 'AddParticipantFailed', data: GIVEN_UP },
      { name: 'CallDisconnected' },
    ]);
    expect(conference.phone(3).ended).toMatchObject({ status: 487 });
    expect(conference.world.media.legs.size).toBe(2);
  });

  test('who answers just then is turned away', async () => {
    await conference.calls.control.addParticipant({ ...about, participant: who(3), headers: {} });
    await settled();
    const release = busy(call, 1);
    await settled();
    const leaving = conference.calls.hangUp(call.id);
    await settled();
    conference.phone(3).accept();
    await settled();
    release();
    await leaving;
    await settled();
    expect(conference.phone(3).ended).toBeDefined();
    expect(conference.world.media.legs.size).toBe(2);
  });

  test('the target of a transfer is not rung any more, and the transferee stays', async () => {
    conference.phone(1).referOutcome = REFUSED;
    const { control } = conference.calls;
    await control.transfer({ ...about, target: who(4), transferee: who(1), headers: {} });
    await settled();
    await conference.calls.hangUp(call.id);
    await settled();
    expect(conference.phone(4).ended).toBeDefined();
    expect(conference.phone(1).ended).toBeUndefined();
    expect(conference.phone(1).reoffered).toEqual([]);
    conference.phone(1).hangUp();
    await settled();
    expect(await conference.calls.calls()).toEqual([]);
  });
});

describe('a participant that two calls want', () => {
  let call: HeldCall;
  let other: HeldCall;
  let third: HeldCall;
  const move = (to: HeldCall): Promise<unknown> =>
    conference.calls.control.moveParticipants({
      callConnectionId: to.id,
      fromCall: call.id,
      participants: [who(1)],
    });

  beforeEach(async () => {
    call = await conference.with(1, 2);
    other = await conference.with(3);
    third = await conference.with(4);
  });

  test('goes to the first, and its phone sends there', async () => {
    await Promise.all([move(other), move(third)]);
    await settled();
    expect(last(other)).toMatchObject({ name: 'MoveParticipantSucceeded' });
    expect(last(third)).toMatchObject({
      name: 'MoveParticipantFailed',
      data: { resultInformation: { code: 400, subCode: 8585 } },
    });
    expect(conference.phone(1).reoffered).toHaveLength(1);
    expect(await conference.roster(other.id)).toEqual(['4:+15550103', '4:+15550101']);
    expect(conference.world.media.legs.size).toBe(4);
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'leaves nothing in one that ends %i turns after it was asked for',
    async (turns) => {
      const moving = move(other).catch((error: unknown) => error);
      let answers = 0;
      conference.world.pace.turns = () => (answers++ % 2 === 0 ? 0 : 3);
      for (let left = turns; left > 0; left -= 1) await Promise.resolve();
      await conference.calls.terminate({ callConnectionId: other.id });
      await moving;
      await settled();
      expect(conference.world.media.bridges).not.toContain(other.serverCallId);
      expect(conference.names(other.id).at(-1)).toBe('CallDisconnected');
    },
  );

  test('that is removed meanwhile is in neither', async () => {
    const answer = Promise.withResolvers<ReturnType<typeof remoteMedia>>();
    conference.phone(1).reoffer = () => answer.promise;
    await move(other);
    await conference.calls.control.removeParticipant({
      callConnectionId: call.id,
      participant: who(1),
    });
    await settled();
    answer.resolve(remoteMedia());
    await settled();
    expect(last(other)).toMatchObject({
      name: 'MoveParticipantFailed',
      data: { resultInformation: { code: 404, subCode: 8522 } },
    });
    expect(conference.phone(1).ended).toBeDefined();
    expect(conference.world.media.legs.size).toBe(3);
  });

  test('that is muted on its way is silent where it arrives', async () => {
    const answer = Promise.withResolvers<ReturnType<typeof remoteMedia>>();
    conference.phone(1).reoffer = () => answer.promise;
    await move(other);
    await settled();
    await conference.calls.control.muteParticipant({
      callConnectionId: call.id,
      participant: who(1),
    });
    answer.resolve(remoteMedia());
    await settled();
    expect(await conference.calls.participant(other.id, '4:+15550101')).toMatchObject({
      isMuted: true,
    });
    const { callMedia, media } = conference.world;
    const arrived = [...media.legs.keys()].at(-1);
    expect(arrived && callMedia.controls.get(arrived)).toEqual({ isMuted: true, isOnHold: false });
  });
});

describe('a transfer whose phone hangs up', () => {
  let call: HeldCall;
  let outcome: PromiseWithResolvers<ReferOutcome>;

  beforeEach(async () => {
    call = await conference.with(1);
    outcome = Promise.withResolvers<ReferOutcome>();
    conference.phone(1).refer = () => outcome.promise;
    await conference.calls.control.transfer({
      callConnectionId: call.id,
      target: who(4),
      headers: {},
    });
    await settled();
  });

  test('just before its success is told is a success all the same', async () => {
    const release = busy(call, 1);
    await settled();
    conference.phone(1).hangUp();
    outcome.resolve({ status: 200, reason: 'OK' });
    await settled();
    release();
    await settled();
    expect(conference.heard(call.id).slice(-2)).toMatchObject([
      { name: 'CallTransferAccepted' },
      { name: 'CallDisconnected', data: { resultInformation: { code: 200, subCode: 7015 } } },
    ]);
  });

  test('and has refused it leaves no empty call behind', async () => {
    conference.phone(1).hangUp();
    await settled();
    outcome.resolve(REFUSED);
    await settled();
    expect(conference.heard(call.id).slice(-2)).toMatchObject([
      { name: 'CallTransferFailed' },
      { name: 'CallDisconnected', data: { resultInformation: { code: 200, subCode: 5010 } } },
    ]);
    expect(await conference.calls.calls()).toEqual([]);
  });
});

test('a transfer for which the ledger takes no call leaves none behind', async () => {
  const call = await conference.with(1, 2);
  conference.phone(1).referOutcome = REFUSED;
  const { control } = conference.calls;
  const request = { callConnectionId: call.id, target: who(4), transferee: who(1), headers: {} };
  const outcome = Promise.withResolvers<ReferOutcome>();
  conference.phone(1).refer = () => outcome.promise;
  await control.transfer(request);
  conference.world.ledger.refusals = 1;
  outcome.resolve(REFUSED);
  await settled();
  conference.world.clock.advance(60_000);
  await settled();
  expect(conference.names(call.id).at(-1)).toBe('CallTransferFailed');
  expect(await conference.calls.calls()).toHaveLength(1);
  expect(await conference.roster(call.id)).toEqual(['4:+15550101', '4:+15550102']);
});
