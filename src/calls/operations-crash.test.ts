import fc from 'fast-check';
import { expect, test } from 'vitest';
import { phoneNumber } from '../core/identifier.ts';
import type { Operation } from '../core/ports/call-control.ts';
import type { Fact } from '../core/ports/ledger.ts';
import { Calls } from './calls.ts';
import { Conference, numberOf, type HeldCall } from './testing/conference.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';
import type { MemoryLedger } from './testing/memory-ledger.ts';

const MUSIC = { kind: 'file', uri: 'https://app.test/music.wav', cacheId: undefined } as const;
const ANNA = phoneNumber(numberOf(1));
const RESTARTED = { resultInformation: { code: 500, subCode: 10_045 } };

/** The process is killed: another one starts over what this one stored. */
async function restarted(before: MemoryLedger): Promise<FakeWorld> {
  const world = new FakeWorld();
  world.ledger.takeOver(before);
  await new Calls(world.ports, world.settings()).start();
  await settled();
  return world;
}

/** Callbacks, oldest first, and where each goes. */
function callbacks(facts: readonly Fact[]): readonly {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly destination: string | undefined;
  readonly orderKey: string | undefined;
}[] {
  return facts.flatMap((fact) => {
    if (fact.kind !== 'event' || fact.event.kind !== 'callback') return [];
    const [delivery] = fact.deliveries;
    return [
      {
        name: fact.event.type.replace(/^.*\./, ''),
        data: JSON.parse(fact.event.data) as Record<string, unknown>,
        destination: delivery?.destination,
        orderKey: delivery?.orderKey,
      },
    ];
  });
}

async function conferenceWithMusic(): Promise<Conference> {
  const conference = await Conference.open();
  conference.world.prompts.clips.set(MUSIC.uri, new Int16Array(160));
  return conference;
}

const looping = (about: Operation): Parameters<Calls['operations']['play']>[0] => ({
  ...about,
  sources: [MUSIC],
  playTo: [],
  loop: true,
  interrupt: false,
});

test('what was under way at a crash fails at the restart, before the end of its connection', async () => {
  const conference = await conferenceWithMusic();
  const { world, calls } = conference;
  const call = await conference.with(1, 2);
  const about = (operationContext: string): Operation => ({
    callConnectionId: call.id,
    operationContext,
  });
  await calls.operations.play(looping(about('music')));
  await calls.control.addParticipant({
    ...about('guest'),
    operationCallbackUri: 'https://app.test/guests',
    participant: phoneNumber(numberOf(3)),
    headers: {},
  });
  // One that is over by then is not told of again.
  await calls.operations.sendDtmf({ ...about('keys'), target: ANNA, tones: ['1'] });
  await settled();
  expect(world.ledger.operations().map(({ endings }) => endings[0]?.name)).toEqual([
    'PlayFailed',
    'AddParticipantFailed',
  ]);

  const next = await restarted(world.ledger);
  const fresh = callbacks(next.ledger.facts.slice(world.ledger.facts.length));
  expect(fresh).toMatchObject([
    {
      name: 'PlayFailed',
      data: { operationContext: 'music', callConnectionId: call.id, ...RESTARTED },
      orderKey: call.id,
    },
    {
      name: 'AddParticipantFailed',
      data: {
        operationContext: 'guest',
        participant: { phoneNumber: { value: numberOf(3) } },
        ...RESTARTED,
      },
      destination: 'https://app.test/guests',
      orderKey: `${call.id} https://app.test/guests`,
    },
    { name: 'CallDisconnected', data: RESTARTED, orderKey: call.id },
  ]);
  expect(next.ledger.operations()).toEqual([]);
});

test('a recovery that is killed too is done once by the next one, and not again', async () => {
  const conference = await conferenceWithMusic();
  const { world, calls } = conference;
  const { id } = await conference.with(1);
  await calls.operations.play(looping({ callConnectionId: id }));
  const second = new FakeWorld();
  second.ledger.takeOver(world.ledger);
  second.ledger.refusals = 1;
  await expect(new Calls(second.ports, second.settings()).start()).rejects.toMatchObject({
    code: 'database-failed',
  });
  const third = await restarted(second.ledger);
  const fourth = await restarted(third.ledger);
  const names = callbacks(fourth.ledger.facts).map(({ name }) => name);
  expect(names.filter((name) => name === 'PlayFailed')).toHaveLength(1);
  expect(names.slice(-2)).toEqual(['PlayFailed', 'CallDisconnected']);
});

test('nothing is told of an operation of a connection that is over, and its row goes', async () => {
  const world = new FakeWorld();
  const { id, serverCallId } = await (await Conference.open()).with(1);
  const ending = { name: 'PlayFailed', request: {}, data: {} };
  const record = {
    ...{ operationId: 'left', callConnectionId: id, serverCallId },
    endings: [ending],
  };
  world.ledger.facts.push({ kind: 'operation-accepted', record });
  const next = await restarted(world.ledger);
  expect(callbacks(next.ledger.facts)).toEqual([]);
  expect(next.ledger.operations()).toEqual([]);
});

test('an operation whose acceptance cannot be stored is refused, and is not told of by a restart either', async () => {
  const conference = await conferenceWithMusic();
  const call = await conference.with(1);
  conference.world.ledger.refusals = 1;
  await expect(
    conference.calls.operations.play(looping({ callConnectionId: call.id })),
  ).rejects.toMatchObject({ code: 'database-failed' });
  await settled();
  expect(conference.world.callMedia.players.size).toBe(0);
  const next = await restarted(conference.world.ledger);
  expect(callbacks(next.ledger.facts).map(({ name }) => name)).not.toContain('PlayFailed');
});

test('hold audio that is on leaves nothing to be told', async () => {
  const conference = await conferenceWithMusic();
  const call = await conference.with(1, 2);
  await conference.calls.control.hold({
    callConnectionId: call.id,
    participant: ANNA,
    playSource: MUSIC,
  });
  expect(conference.world.ledger.operations()).toHaveLength(1);
  await settled();
  expect(conference.world.ledger.operations()).toEqual([]);
});

test('a media stream that is on has stopped after a crash, and one that was not has failed', async () => {
  for (const isOn of [true, false]) {
    const conference = await Conference.open();
    const sockets = conference.world.audioSockets;
    if (!isOn) sockets.answer = () => new Promise(() => undefined);
    const call = await conference.withOptions({ mediaStreaming: STREAMING }, 1);
    await conference.calls.operations.startMediaStreaming({
      callConnectionId: call.id,
      operationContext: 'begin',
    });
    await settled();
    const next = await restarted(conference.world.ledger);
    const told = callbacks(next.ledger.facts).filter(({ name }) => name.startsWith('Media'));
    expect(told).toMatchObject(
      isOn
        ? [{ name: 'MediaStreamingStarted' }, { name: 'MediaStreamingStopped' }]
        : [{ name: 'MediaStreamingFailed', data: RESTARTED }],
    );
    expect(told.every(({ data }) => data['operationContext'] === 'begin')).toBe(true);
  }
});

const STREAMING = {
  transportUrl: 'wss://app.test/audio',
  channelType: 'mixed',
  startMediaStreaming: false,
  enableBidirectional: false,
  audioFormat: 'pcm16KMono',
  enableDtmfTones: false,
} as const;

/** How each operation that has an event of its end is asked for, and what tells of it. */
const ASKED: Readonly<
  Record<
    string,
    {
      readonly ends: RegExp;
      readonly ask: (calls: Calls, about: Operation) => Promise<unknown>;
    }
  >
> = {
  play: {
    ends: /^Play(Completed|Failed|Canceled)$/,
    ask: ({ operations }, about) => operations.play(looping(about)),
  },
  recognize: {
    ends: /^Recognize(Completed|Failed|Canceled)$/,
    ask: ({ operations }, about) =>
      operations.recognize({
        ...about,
        ...{ target: ANNA, prompts: [], interrupt: false, interruptPrompt: false },
        ...{ initialSilenceMs: 5_000, input: 'dtmf', interToneMs: 2_000, maxTones: 2 },
        stopTones: [],
      }),
  },
  keys: {
    ends: /^SendDtmfTones(Completed|Failed)$/,
    ask: ({ operations }, about) => operations.sendDtmf({ ...about, target: ANNA, tones: ['1'] }),
  },
  unlisten: {
    ends: /^ContinuousDtmfRecognitionStopped$/,
    ask: ({ operations }, about) => operations.stopContinuousDtmf({ ...about, target: ANNA }),
  },
  stream: {
    ends: /^MediaStreaming(Started|Failed)$/,
    ask: ({ operations }, about) => operations.startMediaStreaming(about),
  },
  unstream: {
    ends: /^MediaStreamingStopped$/,
    ask: ({ operations }, about) => operations.stopMediaStreaming(about),
  },
  add: {
    ends: /^AddParticipant(Succeeded|Failed)$/,
    ask: ({ control }, about) =>
      control.addParticipant({ ...about, participant: phoneNumber(numberOf(3)), headers: {} }),
  },
  remove: {
    ends: /^RemoveParticipant(Succeeded|Failed)$/,
    ask: ({ control }, about) => control.removeParticipant({ ...about, participant: ANNA }),
  },
};

type Doing = { readonly what: string; readonly turns: number };

/** What was answered until the crash, by its context, and everything that was told up to now. */
async function crashAfter(
  doings: readonly Doing[],
  pace: readonly number[],
): Promise<{ readonly accepted: readonly string[]; readonly next: FakeWorld; call: HeldCall }> {
  const conference = await conferenceWithMusic();
  const call = await conference.withOptions({ mediaStreaming: STREAMING }, 1, 2);
  let asked = 0;
  conference.world.pace.turns = () => pace[(asked += 1) % pace.length] ?? 0;
  const accepted: string[] = [];
  for (const [index, { what, turns }] of doings.entries()) {
    const context = `${what} ${index}`;
    if (what === 'hang up') {
      conference.calls.hangUp(call.id).catch(() => undefined);
    } else if (what === 'answer') {
      for (const phone of conference.world.signalling.placed) phone.accept();
    } else {
      ASKED[what]!.ask(conference.calls, {
        callConnectionId: call.id,
        operationContext: context,
      }).then(
        () => accepted.push(context),
        () => undefined,
      );
    }
    for (let left = turns; left > 0; left -= 1) await Promise.resolve();
  }
  return { accepted: [...accepted], next: await restarted(conference.world.ledger), call };
}

test('whenever the process is killed, each operation that was accepted ends in one event', async () => {
  const what = fc.constantFrom(...Object.keys(ASKED), 'answer', 'hang up');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ what, turns: fc.nat({ max: 40 }) }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 5 }),
      async (doings, pace) => {
        const { accepted, next, call } = await crashAfter(doings, pace);
        const told = callbacks(next.ledger.facts);
        const endsOf = (context: string): number =>
          told.filter(
            ({ name, data }) =>
              data['operationContext'] === context &&
              ASKED[context.split(' ')[0]!]!.ends.test(name),
          ).length;
        expect(accepted.map((context) => [context, endsOf(context)])).toEqual(
          accepted.map((context) => [context, 1]),
        );
        for (const [index, doing] of doings.entries()) {
          if (doing.what in ASKED) expect(endsOf(`${doing.what} ${index}`)).toBeLessThan(2);
        }
        const names = told.filter(({ orderKey }) => orderKey === call.id).map(({ name }) => name);
        expect(names.indexOf('CallDisconnected')).toBe(names.length - 1);
        expect(next.ledger.operations()).toEqual([]);
      },
    ),
    { numRuns: 150 },
  );
});
