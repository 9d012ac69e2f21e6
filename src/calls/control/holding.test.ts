import { beforeEach, expect, test } from 'vitest';
import { phoneNumber } from '../../core/identifier.ts';
import { Conference, numberOf, type HeldCall } from '../testing/conference.ts';
import { settled } from '../testing/fake-world.ts';

const MUSIC = { kind: 'file', cacheId: 'music', uri: 'https://app.test/music.wav' } as const;

let conference: Conference;
let call: HeldCall;

beforeEach(async () => {
  conference = await Conference.open();
  call = await conference.with(1, 2);
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
  operationContext: 'hold',
});

const last = (): object => conference.heard(call.id).at(-1)!;

test('who is on hold hears nothing and is not heard, until taken off hold', async () => {
  const { control } = conference.calls;
  await control.hold(commandFor(2));
  const { callMedia } = conference.world;
  expect([...callMedia.controls.values()]).toEqual([{ isMuted: false, isOnHold: true }]);
  expect(callMedia.players.size).toBe(0);
  expect(last()).toMatchObject({
    name: 'ParticipantsUpdated',
    data: { participants: [{ isOnHold: false }, { isOnHold: true }] },
  });
  await control.muteParticipant(commandFor(2));
  expect([...callMedia.controls.values()]).toEqual([{ isMuted: true, isOnHold: true }]);
  await control.unhold(commandFor(2));
  expect([...callMedia.controls.values()]).toEqual([{ isMuted: true, isOnHold: false }]);
  expect(last()).toMatchObject({
    data: { participants: [{}, { isMuted: true, isOnHold: false }] },
  });
  const before = conference.names(call.id);
  await control.unhold(commandFor(2));
  expect(conference.names(call.id)).toEqual(before);
});

test('hold audio is played to who is on hold alone, again and again, until the end of it', async () => {
  const { control } = conference.calls;
  const { callMedia, prompts } = conference.world;
  const clip = new Int16Array(320);
  prompts.clips.set(MUSIC.uri, clip);
  await control.hold({ ...commandFor(2), playSource: MUSIC });
  await settled();
  const [play] = callMedia.players.values();
  expect(play).toMatchObject({ loop: true, clips: [clip], serverCallId: call.serverCallId });
  expect(play?.toLegs).toEqual([...callMedia.controls.keys()]);
  expect(conference.names(call.id).at(-1)).toBe('ParticipantsUpdated');
  // Other audio takes the place of the first.
  await control.hold({ ...commandFor(2), playSource: MUSIC });
  await settled();
  expect(callMedia.players.size).toBe(1);
  expect([...callMedia.players.keys()]).not.toEqual([play?.playId]);
  await control.unhold(commandFor(2));
  expect(callMedia.players.size).toBe(0);
});

test.each([
  ['cannot be fetched', MUSIC, 400, 8536],
  [
    'nobody here can speak',
    {
      kind: 'text',
      cacheId: undefined,
      text: 'Please hold.',
      locale: undefined,
      voiceKind: undefined,
      voiceName: undefined,
    } as const,
    405,
    8520,
  ],
])('audio that %s fails the hold', async (_, playSource, code, subCode) => {
  await conference.calls.control.hold({ ...commandFor(2), playSource });
  await settled();
  expect(last()).toMatchObject({
    name: 'HoldFailed',
    data: { operationContext: 'hold', resultInformation: { code, subCode } },
  });
  expect(await conference.calls.participant(call.id, '4:+15550102')).toMatchObject({
    isOnHold: false,
  });
});

test('a call that ends while the audio is fetched is a failed hold, before its end', async () => {
  const { prompts } = conference.world;
  prompts.load = (_source, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(new Error('given up'));
      });
    });
  await conference.calls.control.hold({ ...commandFor(2), playSource: MUSIC });
  await conference.calls.terminate({ callConnectionId: call.id });
  await settled();
  expect(conference.heard(call.id).slice(-2)).toMatchObject([
    { name: 'HoldFailed', data: { resultInformation: { code: 400, subCode: 8528 } } },
    { name: 'CallDisconnected' },
  ]);
});

test('who is not in the call cannot be put on hold', async () => {
  const absent = { code: 'participant-not-found' };
  await expect(conference.calls.control.hold(commandFor(9))).rejects.toMatchObject(absent);
  await expect(conference.calls.control.unhold(commandFor(9))).rejects.toMatchObject(absent);
});
