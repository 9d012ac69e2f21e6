import { beforeEach, describe, expect, test } from 'vitest';
import { phoneNumber } from '../../core/identifier.ts';
import type { PlayedClip } from '../../core/ports/call-media.ts';
import type { ReferOutcome } from '../../core/ports/session-control.ts';
import { API_VERSION, CALLBACK } from '../testing/answered-call.ts';
import { Conference, numberOf, type HeldCall } from '../testing/conference.ts';
import { settled } from '../testing/fake-world.ts';
import { holdBack } from '../testing/hold-back.ts';

const MUSIC = { kind: 'file', cacheId: undefined, uri: 'https://app.test/music.wav' } as const;
const REFUSED: ReferOutcome = { status: 405, reason: 'Method Not Allowed', isRefused: true };
const GIVEN_UP = { resultInformation: { code: 400, subCode: 8501 } };
const ENDED = { code: 'call-ended' };

let conference: Conference;
let call: HeldCall;

beforeEach(async () => {
  conference = await Conference.open();
  call = await conference.with(1, 2);
});

const who = (digit: number): ReturnType<typeof phoneNumber> => phoneNumber(numberOf(digit));
const about = ({ id }: Pick<HeldCall, 'id'> = call): {
  readonly callConnectionId: HeldCall['id'];
} => ({
  callConnectionId: id,
});

/** Nothing else gets a turn in the call until it is released. */
async function busy(one: Pick<HeldCall, 'id'> = call): Promise<() => Promise<void>> {
  const release = holdBack(conference.world.callMedia, 'controlLeg');
  void conference.calls.control.muteParticipant({ ...about(one), participant: who(1) });
  await settled();
  return release;
}

/** Raw ids of who is in this call, whoever holds it. */
const inCall = async (): Promise<readonly string[] | undefined> =>
  (await conference.calls.calls())
    .find(({ serverCallId }) => serverCallId === call.serverCallId)
    ?.participants.map(({ identifier }) => identifier.rawId);

describe('an application that leaves first', () => {
  test('puts nobody on hold any more, though the audio is there then', async () => {
    const { callMedia, prompts } = conference.world;
    const loaded = Promise.withResolvers<PlayedClip>();
    prompts.load = () => loaded.promise;
    await conference.calls.control.hold({ ...about(), participant: who(2), playSource: MUSIC });
    await conference.calls.hangUp(call.id);
    loaded.resolve(new Int16Array(160));
    await settled();
    expect(conference.heard(call.id).slice(-2)).toMatchObject([
      { name: 'HoldFailed', data: GIVEN_UP },
      { name: 'CallDisconnected' },
    ]);
    expect(callMedia.controls.size).toBe(0);
    expect(callMedia.players.size).toBe(0);
  });

  test('removes nobody any more', async () => {
    const release = await busy();
    const leaving = conference.calls.hangUp(call.id);
    await conference.calls.control.removeParticipant({ ...about(), participant: who(2) });
    await release();
    await leaving;
    expect(conference.heard(call.id).slice(-2)).toMatchObject([
      { name: 'RemoveParticipantFailed', data: GIVEN_UP },
      { name: 'CallDisconnected' },
    ]);
    expect(conference.phone(2).ended).toBeUndefined();
    expect(await inCall()).toEqual(['4:+15550101', '4:+15550102']);
  });

  test('moves nobody any more: the phone is not even asked', async () => {
    const other = await conference.with(3, 4);
    const release = holdBack(conference.world.media, 'openLeg');
    await conference.calls.control.moveParticipants({
      ...about(other),
      fromCall: call.id,
      participants: [who(1)],
    });
    await settled();
    await conference.calls.hangUp(other.id);
    await release();
    expect(conference.heard(other.id).slice(-2)).toMatchObject([
      { name: 'MoveParticipantFailed', data: GIVEN_UP },
      { name: 'CallDisconnected' },
    ]);
    expect(conference.phone(1).reoffered).toEqual([]);
    expect(await inCall()).toEqual(['4:+15550101', '4:+15550102']);
    expect(conference.world.media.legs.size).toBe(4);
  });

  test('puts nobody through any more, in a call that another application goes on with', async () => {
    conference.phone(2).hangUp();
    await settled();
    const second = await conference.calls.control.connect({
      call: { serverCallId: call.serverCallId },
      callbackUri: CALLBACK,
      apiVersion: API_VERSION,
    });
    conference.phone(1).referOutcome = REFUSED;
    await conference.calls.control.transfer({ ...about(), target: who(4), headers: {} });
    await settled();
    const release = await busy({ id: second.callConnectionId });
    const leaving = conference.calls.hangUp(call.id);
    await settled();
    conference.phone(4).accept();
    await settled();
    await release();
    await leaving;
    expect(conference.heard(call.id).slice(-2)).toMatchObject([
      { name: 'CallTransferFailed', data: GIVEN_UP },
      { name: 'CallDisconnected' },
    ]);
    expect(conference.phone(4).ended).toBeDefined();
    expect(await inCall()).toEqual(['4:+15550101']);
    expect(conference.world.media.legs.size).toBe(1);
  });

  test('is refused whatever it asks for while its leaving is being noted', async () => {
    const release = holdBack(conference.world.ledger, 'commit');
    const leaving = conference.calls.hangUp(call.id);
    await settled();
    const { control, operations } = conference.calls;
    const one = { ...about(), participant: who(1) };
    await expect(control.muteParticipant(one)).rejects.toMatchObject(ENDED);
    await expect(control.hold(one)).rejects.toMatchObject(ENDED);
    await expect(control.unhold(one)).rejects.toMatchObject(ENDED);
    await expect(operations.cancelAll(about())).rejects.toMatchObject(ENDED);
    await release();
    await leaving;
    expect(conference.world.callMedia.controls.size).toBe(0);
  });
});

test('an application whose leaving cannot be noted is in the call as before, and may leave later', async () => {
  conference.world.ledger.refusals = 1;
  await expect(conference.calls.hangUp(call.id)).rejects.toBeDefined();
  expect(await conference.calls.connection(call.id)).toMatchObject({ state: 'connected' });
  await conference.calls.control.muteParticipant({ ...about(), participant: who(1) });
  expect(conference.world.callMedia.controls.size).toBe(1);
  await conference.calls.hangUp(call.id);
  expect(conference.names(call.id).filter((name) => name === 'CallDisconnected')).toHaveLength(1);
  expect(await inCall()).toEqual(['4:+15550101', '4:+15550102']);
});

test.each(['muteParticipant', 'hold', 'unhold'] as const)(
  '%s whose call ends before its turn comes says so, not that its participant is missing',
  async (method) => {
    const release = await busy();
    const ending = conference.calls.terminate(about());
    await settled();
    const asked = conference.calls.control[method]({ ...about(), participant: who(2) });
    const refusal = asked.catch((error: unknown) => error);
    await release();
    await ending;
    expect(await refusal).toMatchObject(ENDED);
  },
);

test('a phone that transfers and hangs up just as the target answers leaves the other two together', async () => {
  const said: number[] = [];
  conference.phone(1).onRefer({
    user: numberOf(3),
    host: 'tapedeck.test',
    uri: `sip:${numberOf(3)}@tapedeck.test`,
    replaces: undefined,
    accept: () => ({ notify: (status) => said.push(status) }),
    refuse: (status) => said.push(status),
  });
  await settled();
  const release = await busy();
  // Without an application a call of one ends.
  const leaving = conference.calls.hangUp(call.id);
  await settled();
  conference.phone(1).hangUp();
  conference.phone(3).accept();
  await settled();
  await release();
  await leaving;
  expect(said).toEqual([200]);
  expect(await inCall()).toEqual(['4:+15550102', '4:+15550103']);
  expect(conference.phone(2).ended).toBeUndefined();
});
