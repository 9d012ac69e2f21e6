import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, test } from 'vitest';
import { TapedeckError } from '../../core/error.ts';
import { phoneNumber, communicationUser } from '../../core/identifier.ts';
import type { CallConnectionId, LegId, ServerCallId } from '../../core/ids.ts';
import type { PlayMedia, Recognize } from '../../core/ports/call-control.ts';
import type { CallMediaEvents, CallMediaPort, PlayAudio } from '../../core/ports/call-media.ts';
import type { StoredAnswer } from '../../core/ports/call-service.ts';
import type { Fact } from '../../core/ports/ledger.ts';
import type { PlaySource } from '../../core/ports/prompts.ts';
import type { ConnectionRecord } from '../../core/records.ts';
import type { Tone } from '../../core/tone.ts';
import { CallEvents } from '../events/call-events.ts';
import { EventPublisher } from '../events/publisher.ts';
import { type Leg, LiveCall } from '../live-call.ts';
import { FakeWorld, settled } from '../testing/fake-world.ts';
import { CallMediaOperations } from './media-operations.ts';

const CONNECTION = 'connection' as CallConnectionId;
const ANNA = phoneNumber('+15550100');
const LEG = 'leg-anna' as LegId;

/** A call with one phone in it, and media that do what the test says. */
class Setting {
  readonly world = new FakeWorld();
  readonly players = new Map<string, PlayAudio>();
  readonly sent: (readonly Tone[])[] = [];
  readonly events: Record<string, unknown>[] = [];
  readonly destinations: string[] = [];
  readonly prompts = new Map<string, number>([['https://a.test/hello', 100]]);
  readonly speech: { canSpeak: boolean };
  readonly call: LiveCall;
  readonly operations: CallMediaOperations;
  readonly #media = new EventEmitter<CallMediaEvents>();

  constructor(apiVersion = '2026-03-12') {
    const { ports } = this.world;
    this.call = new LiveCall({
      serverCallId: 'call' as ServerCallId,
      correlationId: 'correlation',
      startedBy: communicationUser('8:acs:resource_app'),
      createdAtMs: 0,
      state: 'connected',
    });
    const connection: ConnectionRecord = {
      callConnectionId: CONNECTION,
      serverCallId: this.call.serverCallId,
      state: 'connected',
      callbackUri: 'https://app.test/events',
      operationContext: undefined,
      apiVersion,
      targets: [ANNA.rawId],
      source: '8:acs:resource_app',
      sourceCallerIdNumber: undefined,
      sourceDisplayName: undefined,
      answeredBy: undefined,
      createdAtMs: 0,
    };
    this.call.connections.set(CONNECTION, {
      record: connection,
      failureEvent: 'CreateCallFailed',
    });
    this.call.legs.set(LEG, { legId: LEG, participant: ANNA } as Leg);
    const callMedia = {
      startPlay: (request: PlayAudio) => {
        this.players.set(request.playId, request);
        return Promise.resolve();
      },
      stopPlay: (playId: string) => {
        this.endPlayer(playId, 'stopped');
        return Promise.resolve();
      },
      sendTones: (_legId: LegId, tones: readonly Tone[]) => {
        this.sent.push(tones);
        return Promise.resolve();
      },
      on: this.#media.on.bind(this.#media),
    } as unknown as CallMediaPort;
    const prompts = {
      canSpeak: false,
      load: (source: PlaySource) => {
        const samples = source.kind === 'file' ? this.prompts.get(source.uri) : 10;
        return samples === undefined
          ? Promise.reject(new TapedeckError('prompt-unreachable', 'not there'))
          : Promise.resolve(new Int16Array(samples));
      },
    };
    this.speech = prompts;
    this.operations = new CallMediaOperations({
      ports: { ...ports, callMedia, prompts },
      connections: {
        established: () => Promise.resolve({ call: this.call, connection }),
      },
      events: new CallEvents(new EventPublisher(ports), ports.responseTokens),
      insistent: {
        commit: (facts) => {
          this.note(facts);
          return Promise.resolve();
        },
      },
      log: ports.log,
      applicationId: '8:acs:resource_tapedeck',
    });
  }

  note(facts: readonly Fact[]): void {
    for (const fact of facts) {
      if (fact.kind !== 'event') continue;
      const data = JSON.parse(fact.event.data) as Record<string, unknown>;
      this.events.push({ ...data, name: fact.event.type.split('.').at(-1) });
      this.destinations.push(...fact.deliveries.map(({ destination }) => destination));
    }
  }

  endPlayer(playId: string, end: 'completed' | 'stopped'): void {
    if (this.players.delete(playId)) this.#media.emit('playEnded', playId, end);
  }

  async endPlayers(): Promise<void> {
    for (const playId of [...this.players.keys()]) this.endPlayer(playId, 'completed');
    await settled();
  }

  async press(...tones: readonly Tone[]): Promise<void> {
    for (const tone of tones) this.operations.heard(this.call, LEG, tone);
    await settled();
  }
}

const file = (uri: string): PlaySource => ({ kind: 'file', uri, cacheId: undefined });
const HELLO = file('https://a.test/hello');
const MISSING = file('https://a.test/missing');

const play = (more: Partial<PlayMedia> = {}): PlayMedia => ({
  callConnectionId: CONNECTION,
  operationContext: 'my play',
  sources: [HELLO],
  playTo: [],
  loop: false,
  interrupt: false,
  ...more,
});

const recognize = (more: object = {}): Recognize => ({
  callConnectionId: CONNECTION,
  operationContext: 'my recognition',
  target: ANNA,
  prompts: [],
  interruptPrompt: false,
  interrupt: false,
  initialSilenceMs: 5_000,
  input: 'dtmf',
  interToneMs: 2_000,
  maxTones: 2,
  stopTones: ['#'],
  ...more,
});

let on: Setting;
beforeEach(() => {
  on = new Setting();
});

const result = (code: number, subCode: number): object => ({
  resultInformation: expect.objectContaining({ code, subCode }) as unknown,
});

describe('play', () => {
  test('to everybody is started and completed, with its context, by the application', async () => {
    await on.operations.play(play({ loop: true, sources: [HELLO, HELLO] }));
    await settled();
    const [player] = on.players.values();
    expect(player).toMatchObject({
      toLegs: undefined,
      loop: true,
      sourceId: '8:acs:resource_app',
    });
    expect(player?.clips).toHaveLength(2);
    await on.endPlayers();
    expect(on.events).toMatchObject([
      { name: 'PlayStarted', operationContext: 'my play', ...result(200, 0) },
      { name: 'PlayCompleted', operationContext: 'my play', ...result(200, 0) },
    ]);
  });

  test('tells a client of 1.0.0 of the end only, and whoever the request names', async () => {
    on = new Setting('2023-03-06');
    await on.operations.play(play({ operationCallbackUri: 'https://other.test/' }));
    await settled();
    await on.endPlayers();
    expect(on.events.map(({ name }) => name)).toEqual(['PlayCompleted']);
    expect(on.destinations).toEqual(['https://other.test/']);
  });

  test('of what cannot be fetched fails with the source that it was', async () => {
    await on.operations.play(play({ sources: [HELLO, MISSING] }));
    await settled();
    expect(on.events).toMatchObject([
      { name: 'PlayFailed', failedPlaySourceIndex: 1, ...result(400, 8536) },
    ]);
    expect(on.players.size).toBe(0);
  });

  test('to one goes to their leg; another one is refused until the first is over', async () => {
    await on.operations.play(play({ playTo: [ANNA] }));
    await settled();
    expect([...on.players.values()][0]?.toLegs).toEqual([LEG]);
    await expect(on.operations.play(play({ playTo: [ANNA] }))).rejects.toMatchObject({
      code: 'media-conflict',
    });
    await on.endPlayers();
    await on.operations.play(play({ playTo: [ANNA] }));
    await settled();
    expect(on.players.size).toBe(1);
  });

  test('to somebody who is not there is refused', async () => {
    const playTo = [phoneNumber('+15550177')];
    await expect(on.operations.play(play({ playTo }))).rejects.toMatchObject({
      code: 'participant-not-found',
      field: 'playTo',
    });
  });

  test('of text is refused without an engine, and spoken with one', async () => {
    const text = { kind: 'ssml', ssml: '<speak/>', cacheId: undefined } as const;
    await expect(on.operations.play(play({ sources: [text] }))).rejects.toMatchObject({
      code: 'not-supported',
    });
    on.speech.canSpeak = true;
    await on.operations.play(play({ sources: [text] }));
    await settled();
    expect(on.players.size).toBe(1);
  });

  test('is cancelled with everything that waits behind it', async () => {
    await on.operations.play(play());
    await on.operations.play(play({ operationContext: 'second' }));
    await settled();
    await on.operations.cancelAll({ callConnectionId: CONNECTION });
    await settled();
    expect(on.players.size).toBe(0);
    expect(on.events.slice(1)).toMatchObject([
      { name: 'PlayCanceled', operationContext: 'my play', ...result(400, 8508) },
      { name: 'PlayCanceled', operationContext: 'second', ...result(400, 8508) },
    ]);
  });

  test('of an application that lets go meanwhile is refused: nothing would tell of its end', async () => {
    const asked = on.operations.play(play());
    on.call.connections.delete(CONNECTION);
    await expect(asked).rejects.toMatchObject({ code: 'call-ended' });
    await settled();
    expect([on.players.size, on.events]).toEqual([0, []]);
  });

  test('whose connection is over fails by that, and tells of nothing else', async () => {
    await on.operations.play(play());
    await settled();
    on.note(
      on.call.operations.failAllOf(CONNECTION, { code: 400, subCode: 8528, message: 'over' }),
    );
    await settled();
    await on.endPlayers();
    on.operations.forget(on.call);
    await settled();
    expect(on.players.size).toBe(0);
    expect(on.events).toMatchObject([
      { name: 'PlayStarted' },
      { name: 'PlayFailed', ...result(400, 8528) },
    ]);
  });
});

describe('recognize', () => {
  test.each([
    [['1', '*'], 8531, ['one', 'asterisk']],
    [['7', '#'], 8514, ['seven']],
  ] as const)('of the keys %j: %s', async (keys, subCode, tones) => {
    await on.operations.recognize(recognize());
    await on.press(...keys);
    expect(on.events).toMatchObject([
      {
        name: 'RecognizeCompleted',
        operationContext: 'my recognition',
        recognitionType: 'dtmf',
        dtmfResult: { tones },
        ...result(200, subCode),
      },
    ]);
  });

  test('of a choice tells its label', async () => {
    const choices = [
      { label: 'Yes', phrases: ['yes'], tone: '1' },
      { label: 'No', phrases: ['no'], tone: '2' },
    ];
    await on.operations.recognize(recognize({ input: 'choices', choices }));
    await on.press('2');
    expect(on.events).toMatchObject([
      {
        name: 'RecognizeCompleted',
        recognitionType: 'choices',
        choiceResult: { label: 'No' },
        ...result(200, 8533),
      },
    ]);
  });

  test.each<[readonly Tone[], number, number]>([
    [[], 5_000, 8510],
    [['1'], 2_000, 8532],
  ])('fails after the keys %j and %i ms: %i', async (keys, silenceMs, subCode) => {
    await on.operations.recognize(recognize());
    await on.press(...keys);
    on.world.clock.advance(silenceMs);
    await settled();
    expect(on.events).toMatchObject([{ name: 'RecognizeFailed', ...result(400, subCode) }]);
  });

  test('whose prompt cannot be played fails, with its index', async () => {
    await on.operations.recognize(recognize({ prompts: [MISSING] }));
    await settled();
    expect(on.events).toMatchObject([
      { name: 'RecognizeFailed', failedPlaySourceIndex: 0, ...result(500, 8511) },
    ]);
  });

  test('has a prompt that a key interrupts; nothing tells of the prompt itself', async () => {
    await on.operations.recognize(recognize({ prompts: [HELLO], interruptPrompt: true }));
    await settled();
    expect(on.players.size).toBe(1);
    await on.press('1');
    expect(on.players.size).toBe(0);
    await on.press('2');
    expect(on.events.map(({ name }) => name)).toEqual(['RecognizeCompleted']);
  });

  test('fails when its participant leaves, and is cancelled when everything is', async () => {
    await on.operations.recognize(recognize());
    on.operations.left(on.call, LEG);
    await settled();
    await on.operations.recognize(recognize());
    await on.operations.cancelAll({ callConnectionId: CONNECTION });
    await settled();
    expect(on.events).toMatchObject([
      { name: 'RecognizeFailed', ...result(400, 8558) },
      { name: 'RecognizeCanceled', ...result(400, 8508) },
    ]);
  });
});

describe('keys', () => {
  const target = { callConnectionId: CONNECTION, target: ANNA };

  test('are sent, and told of when they were', async () => {
    await on.operations.sendDtmf({ ...target, tones: ['1', '#'], operationContext: 'keys' });
    await settled();
    expect(on.sent).toEqual([['1', '#']]);
    expect(on.events).toMatchObject([
      { name: 'SendDtmfTonesCompleted', operationContext: 'keys', ...result(200, 0) },
    ]);
  });

  test('are sent one by one where a longer pause is wanted, and no more once nobody waits', async () => {
    const pass = async (ms: number): Promise<void> => {
      on.world.clock.advance(ms);
      await settled();
    };
    // 60 ms are behind each of them anyway.
    await on.operations.sendDtmf({ ...target, tones: ['1', '2', '3'], pauseMs: 500 });
    await settled();
    expect(on.sent).toEqual([['1']]);
    await pass(439);
    expect(on.sent).toEqual([['1']]);
    await pass(1);
    expect(on.sent).toEqual([['1'], ['2']]);
    expect(on.events).toEqual([]);
    await pass(440);
    expect(on.sent).toEqual([['1'], ['2'], ['3']]);
    expect(on.events).toMatchObject([{ name: 'SendDtmfTonesCompleted', ...result(200, 0) }]);
    await on.operations.sendDtmf({ ...target, tones: ['4', '5'], pauseMs: 500 });
    await settled();
    await on.operations.cancelAll({ callConnectionId: CONNECTION });
    await pass(1_000);
    expect(on.sent.slice(3)).toEqual([['4']]);
    expect(on.events.slice(1)).toMatchObject([
      { name: 'SendDtmfTonesFailed', ...result(400, 8508) },
    ]);
    expect(on.world.clock.pendingTimers).toBe(0);
    await on.operations.sendDtmf({ ...target, tones: ['6', '7'], pauseMs: 60 });
    await settled();
    expect(on.sent.slice(4)).toEqual([['6', '7']]);
  });

  test('whose answer cannot be stored are refused, and nothing is told of them', async () => {
    on.world.ledger.refusals = 1;
    const answer = (): StoredAnswer => ({ status: 202, body: '' });
    const command = { ...target, tones: ['1'], repeat: { key: 'key', answer } } as const;
    await expect(on.operations.sendDtmf(command)).rejects.toMatchObject({
      code: 'database-failed',
    });
    await settled();
    expect(on.events).toEqual([]);
    await on.operations.sendDtmf(command);
    await settled();
    expect(on.events.map(({ name }) => name)).toEqual(['SendDtmfTonesCompleted']);
  });

  test('are told of one by one while somebody wants to hear of them', async () => {
    await on.press('9');
    await on.operations.startContinuousDtmf({ ...target, operationContext: 'started' });
    await on.press('1', '#');
    await on.operations.stopContinuousDtmf({ ...target, operationContext: 'stopped' });
    await on.press('2');
    const received = { name: 'ContinuousDtmfRecognitionToneReceived', ...result(200, 0) };
    expect(on.events).toMatchObject([
      { ...received, operationContext: 'started', sequenceId: 1, tone: 'one' },
      { ...received, operationContext: 'started', sequenceId: 2, tone: 'pound' },
      { name: 'ContinuousDtmfRecognitionStopped', operationContext: 'stopped' },
    ]);
  });

  test('of which the application wants to hear no more when it has let go of the call: refused', async () => {
    const stopped = on.operations.stopContinuousDtmf(target);
    on.call.connections.delete(CONNECTION);
    await expect(stopped).rejects.toMatchObject({ code: 'call-ended' });
    expect(on.events).toEqual([]);
  });

  test('are told of no more once the application lets go of the call', async () => {
    await on.operations.startContinuousDtmf(target);
    on.call.connections.delete(CONNECTION);
    await on.press('1');
    expect(on.events).toEqual([]);
  });

  test('that are listened for go on during a recognition, and fail when the participant leaves', async () => {
    await on.operations.startContinuousDtmf(target);
    await on.operations.recognize(recognize());
    await on.press('1', '2');
    on.operations.left(on.call, LEG);
    await on.press('3');
    expect(on.events.map(({ name }) => name)).toEqual([
      'ContinuousDtmfRecognitionToneReceived',
      'ContinuousDtmfRecognitionToneReceived',
      'RecognizeCompleted',
      'ContinuousDtmfRecognitionToneFailed',
    ]);
  });
});
