import { beforeEach, expect, test } from 'vitest';
import { phoneNumber } from '../core/identifier.ts';
import type { LegId } from '../core/ids.ts';
import type { Recognize } from '../core/ports/call-control.ts';
import { Conference, numberOf, type HeldCall } from './testing/conference.ts';
import { settled } from './testing/fake-world.ts';

const HELLO = { kind: 'file', cacheId: undefined, uri: 'https://app.test/hello.wav' } as const;

let conference: Conference;
let call: HeldCall;

beforeEach(async () => {
  conference = await Conference.open();
  conference.world.prompts.clips.set(HELLO.uri, new Int16Array(320));
  call = await conference.with(1, 2);
});

const commandFor = (
  digit: number,
): { callConnectionId: HeldCall['id']; target: ReturnType<typeof phoneNumber> } => ({
  callConnectionId: call.id,
  target: phoneNumber(numberOf(digit)),
});

const recognizeOf = (digit: number): Recognize => ({
  ...commandFor(digit),
  prompts: [],
  interruptPrompt: false,
  interrupt: false,
  initialSilenceMs: 5_000,
  input: 'dtmf',
  interToneMs: 2_000,
  maxTones: 1,
  stopTones: [],
});

const legOf = (digit: number): LegId => [...conference.world.media.legs.keys()][digit - 1]!;

const keysHeard = (): readonly unknown[] =>
  conference
    .heard(call.id)
    .filter(({ name }) => name === 'ContinuousDtmfRecognitionToneReceived')
    .map(({ data }) => (data as { tone: string }).tone);

test('a key counts whichever way it comes, and once when it comes by both', async () => {
  await conference.calls.operations.startContinuousDtmf(commandFor(1));
  const { callMedia } = conference.world;
  callMedia.press(legOf(1), '1');
  conference.phone(1).onTone('2', 100);
  callMedia.press(legOf(1), '3');
  conference.phone(1).onTone('3', 100);
  callMedia.press(legOf(2), '4');
  callMedia.press('nobody' as LegId, '5');
  await settled();
  expect(keysHeard()).toEqual(['one', 'two', 'three']);
});

test('what is played is of the application, which by default is the user tapedeck', async () => {
  const { callConnectionId } = commandFor(1);
  const play = { callConnectionId, sources: [HELLO], playTo: [], loop: false, interrupt: false };
  await conference.calls.operations.play(play);
  await settled();
  expect([...conference.world.callMedia.players.values()]).toMatchObject([
    { sourceId: '8:acs:resource_tapedeck', toLegs: undefined },
  ]);
});

test('who leaves takes what was wanted of them along; the call goes on', async () => {
  await conference.calls.operations.recognize(recognizeOf(2));
  conference.phone(2).hangUp();
  await settled();
  expect(conference.heard(call.id).at(-1)).toMatchObject({
    name: 'RecognizeFailed',
    data: { resultInformation: { code: 400, subCode: 8558 } },
  });
});

test('the end of the call ends what goes on in it, before it is told', async () => {
  const { callConnectionId } = commandFor(1);
  const play = { callConnectionId, sources: [HELLO], playTo: [], loop: true, interrupt: false };
  const { clock } = conference.world;
  const timersBefore = clock.pendingTimers;
  await conference.calls.operations.play(play);
  await conference.calls.operations.play(play);
  await conference.calls.operations.recognize(recognizeOf(1));
  await settled();
  expect(clock.pendingTimers).toBe(timersBefore + 1);
  await conference.calls.terminate({ callConnectionId });
  await settled();
  expect(conference.names(call.id).slice(-5)).toEqual([
    'PlayStarted',
    'PlayFailed',
    'PlayFailed',
    'RecognizeFailed',
    'CallDisconnected',
  ]);
  expect(conference.world.callMedia.players.size).toBe(0);
  expect(clock.pendingTimers).toBe(timersBefore);
});

test('what is asked for while the application lets go of the call ends before that is told, or is refused', async () => {
  const { callConnectionId } = commandFor(1);
  const play = { callConnectionId, sources: [HELLO], playTo: [], loop: true, interrupt: false };
  const { operations } = conference.calls;
  await operations.play(play);
  await settled();
  conference.world.pace.turns = () => 10;
  const asked = [Promise.resolve(conference.calls.hangUp(callConnectionId))];
  for (let turn = 0; turn < 60; turn += 1) {
    asked.push(operations.play(play));
    await Promise.resolve();
  }
  const [hungUp, ...plays] = await Promise.allSettled(asked);
  await settled();
  expect(hungUp?.status).toBe('fulfilled');
  const accepted = plays.filter(({ status }) => status === 'fulfilled').length;
  expect(accepted).toBeLessThan(plays.length);
  const names = conference.names(call.id);
  expect(names.filter((name) => name === 'PlayFailed')).toHaveLength(1 + accepted);
  expect(names.at(-1)).toBe('CallDisconnected');
  expect(conference.world.callMedia.players.size).toBe(0);
});

test('a server that stops ends what goes on, each with one event', async () => {
  const { callConnectionId } = commandFor(1);
  const play = { callConnectionId, sources: [HELLO], playTo: [], loop: true, interrupt: false };
  await conference.calls.operations.play(play);
  await settled();
  const drained = conference.calls.drain(0, new AbortController().signal);
  await settled();
  conference.world.clock.advance(10_000);
  await settled();
  await drained;
  expect(conference.names(call.id).slice(-3)).toEqual([
    'PlayStarted',
    'PlayFailed',
    'CallDisconnected',
  ]);
});
