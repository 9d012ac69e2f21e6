import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BUSY,
  ControlSession,
  DECLINING,
  NOWHERE,
  OLDEST_SDK,
  PHONES,
  SILENT,
  TONES_HZ,
} from '../support/control-session.ts';
import { hears, hearsMore } from '../support/listening.ts';
import { levelAt, recorded } from '../support/recorded-call.ts';
import { SdkSession } from '../support/sdk-session.ts';

const { first, second, third, fourth } = PHONES;

let session: ControlSession;

beforeAll(async () => {
  session = await ControlSession.open();
});

afterAll(() => session.close());

describe('participants of a call', () => {
  test('are called all at once, and all of them hear each other', async () => {
    const call = await session.callTo(first, second, third, fourth);
    const phone = await session.phone(fourth);
    await hears(phone, {
      loud: [TONES_HZ.first, TONES_HZ.second, TONES_HZ.third],
      silent: [TONES_HZ.fourth],
    });
    // Once each, though a number and its owner's name both lead to it.
    expect([first, second, third, fourth].map((one) => session.callsOf(one))).toEqual([1, 1, 1, 1]);
    expect(await session.finish(call)).toEqual([
      'CallConnected',
      ...Array.from({ length: 4 }, () => 'ParticipantsUpdated'),
      'CallDisconnected',
    ]);
  });

  test('are added, listed and removed, with events at the callback of the request', async () => {
    const call = await session.callTo(first);
    const added = await session.on(
      call,
      'addParticipant',
      { targetParticipant: second },
      {
        operationContext: 'welcome',
        operationCallbackUrl: `${session.events.url}operations`,
      },
    );
    expect(added).toMatchObject({
      operationContext: 'welcome',
      invitationId: expect.any(String) as unknown,
      participant: { identifier: second, isMuted: false, isOnHold: false },
    });
    const succeeded = await session.next(call, 'AddParticipantSucceeded');
    expect(succeeded.data).toMatchObject({
      operationContext: 'welcome',
      participant: { rawId: `4:${second.phoneNumber}` },
      resultInformation: { code: 200, subCode: 0 },
    });
    const phone = await session.phone(second);
    await hears(phone, { loud: [TONES_HZ.first] });
    expect(await session.on(call, 'listParticipants')).toMatchObject({
      values: [{ identifier: first }, { identifier: second }],
    });
    expect(await session.on(call, 'getParticipant', second)).toMatchObject({ isMuted: false });
    await expect(
      session.on(call, 'addParticipant', { targetParticipant: second }),
    ).rejects.toMatchObject({ status: 400, code: '8585' });

    await session.on(call, 'removeParticipant', second, { operationContext: 'farewell' });
    const removed = await session.next(call, 'RemoveParticipantSucceeded');
    expect(removed.data).toMatchObject({
      operationContext: 'farewell',
      participant: { rawId: `4:${second.phoneNumber}` },
    });
    expect(await phone.ended).toMatchObject({ status: 200 });
    await expect(session.on(call, 'removeParticipant', second)).rejects.toMatchObject({
      status: 404,
      code: '8522',
    });
    // The last one: the call ends with it.
    await session.on(call, 'removeParticipant', first);
    await session.next(call, 'RemoveParticipantSucceeded');
    const over = await session.next(call, 'CallDisconnected');
    expect(over.data).toMatchObject({ resultInformation: { code: 200, subCode: 5010 } });
    const kinds = await session.parsed(call);
    expect(kinds.at(-1)).toBe('CallDisconnected');
    expect(kinds.filter((kind) => /^(Add|Remove)/.test(kind))).toEqual([
      'AddParticipantSucceeded',
      'RemoveParticipantSucceeded',
      'RemoveParticipantSucceeded',
    ]);
  });

  test.each([
    ['is busy', BUSY, 486, 8539],
    ['declines', DECLINING, 603, 8538],
    ['is nowhere', NOWHERE, 404, 8543],
    ['never answers', SILENT, 480, 8587],
  ])('are not added when who is called %s', async (_, targetParticipant, code, subCode) => {
    const call = await session.callTo(first);
    const options = { operationContext: 'try', invitationTimeoutInSeconds: 1 };
    await session.on(call, 'addParticipant', { targetParticipant }, options);
    const failed = await session.next(call, 'AddParticipantFailed');
    expect(failed.data).toMatchObject({
      operationContext: 'try',
      participant: { rawId: `4:${targetParticipant.phoneNumber}` },
      resultInformation: { code, subCode },
    });
    expect(await session.finish(call)).toEqual([
      'CallConnected',
      'ParticipantsUpdated',
      'AddParticipantFailed',
      'CallDisconnected',
    ]);
  });

  test('are no longer invited when the invitation is cancelled; another one is not found', async () => {
    const call = await session.callTo(first);
    const { invitationId } = await session.on(call, 'addParticipant', {
      targetParticipant: SILENT,
    });
    const cancelled = await session.on(call, 'cancelAddParticipantOperation', invitationId, {
      operationContext: 'never mind',
    });
    expect(cancelled).toMatchObject({ invitationId, operationContext: 'never mind' });
    const succeeded = await session.next(call, 'CancelAddParticipantSucceeded');
    expect(succeeded.data).toMatchObject({ invitationId, operationContext: 'never mind' });
    const added = await session.next(call, 'AddParticipantFailed');
    expect(added.data).toMatchObject({ resultInformation: { code: 487, subCode: 8542 } });

    await session.on(call, 'cancelAddParticipantOperation', 'nonsense');
    const failed = await session.next(call, 'CancelAddParticipantFailed');
    expect(failed.data).toMatchObject({
      invitationId: 'nonsense',
      resultInformation: { code: 404, subCode: 8522 },
    });
    await session.finish(call);
  });

  test('are muted for everybody, and shown so', async () => {
    const call = await session.callTo(first, second, third);
    const phone = await session.phone(first);
    await hears(phone, { loud: [TONES_HZ.second, TONES_HZ.third] });
    expect(
      await session.on(call, 'muteParticipant', second, { operationContext: 'quiet' }),
    ).toMatchObject({ operationContext: 'quiet' });
    const roster = await session.rosterOf(call, 3);
    expect(roster.map(({ isMuted }) => isMuted)).toContain(true);
    await hears(phone, { loud: [TONES_HZ.third], silent: [TONES_HZ.second] });
    expect(await session.on(call, 'getParticipant', second)).toMatchObject({ isMuted: true });
    await session.finish(call);
  });

  test('are muted for recordings too', async () => {
    const call = await session.callTo(first, second, third);
    const phone = await session.phone(first);
    const { second: muted, third: other } = TONES_HZ;
    const locator = { kind: 'serverCallLocator', id: call.serverCallId } as const;
    const clip = await recorded(session, locator, async () => {
      await hears(phone, { loud: [muted, other] });
      await hearsMore(phone, 500);
      await session.on(call, 'muteParticipant', second);
      await hears(phone, { loud: [other], silent: [muted] });
      await hearsMore(phone, 500);
    });
    expect(levelAt(clip, 'beginning', muted)).toBeGreaterThan(-15);
    expect(levelAt(clip, 'end', muted)).toBeLessThan(-40);
    expect(levelAt(clip, 'end', other)).toBeGreaterThan(-15);
    await session.finish(call);
  });
});

test('an application of the first generation hears nothing that its parser does not know', async () => {
  const old = await SdkSession.open(session.server, OLDEST_SDK);
  const created = await old.call<{ callConnectionId: string; serverCallId: string }>(
    'createGroupCall',
    [first, second],
    session.callback,
  );
  await session.rosterOf(created, 2);
  const add = (targetParticipant: unknown): Promise<unknown> =>
    old.call('connection', created.callConnectionId, 'addParticipant', { targetParticipant });
  await add(BUSY);
  await session.next(created, 'AddParticipantFailed');
  await add(third);
  await session.next(created, 'AddParticipantSucceeded');
  // Asked for by a newer client, on the call of the older one.
  const { invitationId } = await session.on(created, 'addParticipant', {
    targetParticipant: SILENT,
  });
  await session.on(created, 'cancelAddParticipantOperation', invitationId);
  await session.next(created, 'AddParticipantFailed');
  await old.call('connection', created.callConnectionId, 'removeParticipant', third);
  await session.next(created, 'RemoveParticipantSucceeded');
  const kinds = await session.finish(created, old);
  expect(kinds).not.toContain('CancelAddParticipantSucceeded');
  expect(kinds.at(-1)).toBe('CallDisconnected');
  expect(kinds.filter((kind) => kind.startsWith('Add'))).toEqual([
    'AddParticipantFailed',
    'AddParticipantSucceeded',
    'AddParticipantFailed',
  ]);
  old.close();
});
