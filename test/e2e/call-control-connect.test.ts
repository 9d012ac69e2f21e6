import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ControlSession,
  PHONES,
  TONES_HZ,
  type ControlledCall,
} from '../support/control-session.ts';
import { hears, hearsMore } from '../support/listening.ts';
import { levelAt, recorded } from '../support/recorded-call.ts';

const { first, second, third } = PHONES;
const GROUP = '6a1f4f0e-3f7b-4ac1-9f3c-8f5a5f0d2b11';

let session: ControlSession;

beforeAll(async () => {
  session = await ControlSession.open({
    routes: [
      { to: '^600$', action: 'group', group: GROUP },
      { to: '.*', action: 'application' },
    ],
  });
});

afterAll(() => session.close());

const connect = (
  callLocator: unknown,
  options: Readonly<Record<string, unknown>> = {},
): Promise<ControlledCall> =>
  session.sdk.call('connectCall', callLocator, session.callback, options);

const located = ({ serverCallId }: ControlledCall): { kind: 'serverCallLocator'; id: string } => ({
  kind: 'serverCallLocator',
  id: serverCallId,
});

describe('connectCall', () => {
  test('by serverCallId joins a call that is on, and each application has its own events', async () => {
    const call = await session.callTo(first, second);
    const joined = await connect(located(call), { operationContext: 'observer' });
    expect(joined.serverCallId).toBe(call.serverCallId);
    expect(joined.callConnectionId).not.toBe(call.callConnectionId);
    const { data } = await session.next(joined, 'CallConnected');
    expect(data).toMatchObject({
      operationContext: 'observer',
      resultInformation: { code: 200, subCode: 0 },
    });
    await session.rosterOf(joined, 2);
    await session.on(joined, 'addParticipant', { targetParticipant: third });
    await session.next(joined, 'AddParticipantSucceeded');
    await Promise.all([session.rosterOf(call, 3), session.rosterOf(joined, 3)]);

    await session.on(joined, 'hangUp', false);
    await session.next(joined, 'CallDisconnected');
    expect(await session.parsed(joined)).toEqual([
      'CallConnected',
      'ParticipantsUpdated',
      'ParticipantsUpdated',
      'AddParticipantSucceeded',
      'CallDisconnected',
    ]);
    expect(await session.on(call, 'listParticipants')).toMatchObject({
      values: [{ identifier: first }, { identifier: second }, { identifier: third }],
    });
    const kinds = await session.finish(call);
    expect(kinds).not.toContain('AddParticipantSucceeded');
  });

  test('by groupCallId finds the call that callers came into by a route, and records it', async () => {
    const [one, other] = [await session.dial(first, '600'), await session.dial(second, '600')];
    await Promise.all([one.answered, other.answered]);
    const group = { kind: 'groupCallLocator', id: GROUP.toUpperCase() } as const;
    const call = await connect(group);
    await session.rosterOf(call, 2);
    await hears(one, { loud: [TONES_HZ.second] });
    await hears(other, { loud: [TONES_HZ.first] });
    const clip = await recorded(session, group, async () => {
      await session.on(call, 'addParticipant', { targetParticipant: third });
      await session.next(call, 'AddParticipantSucceeded');
      await hears(one, { loud: [TONES_HZ.second, TONES_HZ.third] });
      await hearsMore(one, 500);
    });
    for (const hz of [TONES_HZ.first, TONES_HZ.second, TONES_HZ.third]) {
      expect(levelAt(clip, 'end', hz)).toBeGreaterThan(-12);
    }
    await session.finish(call);
    expect(await one.ended).toMatchObject({ status: 200 });
    // The group goes on with the next caller, in a call of its own.
    const again = await session.dial(first, '600');
    await again.answered;
    const next = await connect(group);
    expect(next.serverCallId).not.toBe(call.serverCallId);
    await session.next(next, 'CallConnected');
    await session.finish(next);
  });

  test.each([
    ['groupCallLocator', '00000000-0000-4000-8000-000000000000', 404, '8522'],
    ['serverCallLocator', 'aHR0cHM6Ly9leGFtcGxlLnRlc3Q', 404, '8522'],
    ['roomCallLocator', '99999999999999999', 405, '8520'],
  ])('is refused by a %s of nothing', async (kind, id, status, code) => {
    await expect(connect({ kind, id })).rejects.toMatchObject({ status, code });
    const start = {
      callLocator: { kind, id },
      recordingStateCallbackEndpointUrl: session.callback,
    };
    await expect(
      session.sdk.call('startRecording', {
        ...start,
        recordingContent: 'audio',
        recordingChannel: 'mixed',
        recordingFormat: 'wav',
      }),
    ).rejects.toMatchObject({ status, code });
  });

  test('comes too late for a call that is over', async () => {
    const call = await session.callTo(first);
    await session.finish(call);
    await expect(connect(located(call))).rejects.toMatchObject({ status: 400, code: '8528' });
  });
});
