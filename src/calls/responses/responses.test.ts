import { beforeEach, describe, expect, test } from 'vitest';
import { TapedeckError } from '../../core/error.ts';
import type { LegId } from '../../core/ids.ts';
import type { HeardVoices } from '../../core/ports/media.ts';
import type { RecordResponse, ResponseCompletion } from '../../core/ports/response-recorder.ts';
import type { ResponseRecord } from '../../core/records.ts';
import { Calls } from '../calls.ts';
import { AnsweredCall } from '../testing/answered-call.ts';
import { FakeWorld, settled } from '../testing/fake-world.ts';

const PROMPT = { kind: 'file', uri: 'https://a.test/hello', cacheId: undefined } as const;
const HEARD: HeardVoices = { lengthMs: 3_456, packets: 100, hasBrokenOff: false };

let call: AnsweredCall;
let world: FakeWorld;
let count = 0;

beforeEach(async () => {
  call = await AnsweredCall.begin();
  ({ world } = call);
  world.media.heard = HEARD;
  world.prompts.clips.set(PROMPT.uri, new Int16Array(16_000));
  count = 0;
});

/** Asks for a response; its operation id. */
async function ask(options: Partial<RecordResponse> = {}): Promise<string> {
  count += 1;
  const operationId = `operation-${count}`;
  await call.calls.responses.recordResponse({
    callConnectionId: call.properties.callConnectionId,
    operationId,
    operationContext: 'order 4711',
    prompts: [],
    playBeep: false,
    bargeIn: false,
    initialSilenceMs: 5_000,
    maxSilenceMs: 2_000,
    maxDurationMs: 30_000,
    stopTones: ['#'],
    ...options,
  });
  await settled();
  return operationId;
}

async function row(operationId: string): Promise<ResponseRecord> {
  const record = await world.ledger.response(operationId);
  if (record === undefined) throw new Error(`no row of ${operationId}`);
  return record;
}

async function speak(operationId: string, isSpeaking: boolean, agoMs = 0): Promise<void> {
  const { recordingId } = await row(operationId);
  world.media.emit('voiceChanged', recordingId, isSpeaking, agoMs);
  await settled();
}

async function pass(ms: number): Promise<void> {
  world.clock.advance(ms);
  await settled();
}

/** The player that is on comes to its end. */
async function played(): Promise<void> {
  const [playId = ''] = world.callMedia.players.keys();
  world.callMedia.endPlay(playId, 'completed');
  await settled();
}

async function press(tone: '#' | '5'): Promise<void> {
  const [legId = '' as LegId] = world.media.legs.keys();
  world.callMedia.press(legId, tone);
  await settled();
}

/** What was told of ends, in order. */
const told = (): readonly ResponseCompletion[] =>
  world.ledger.eventData('RecordResponseEnded') as unknown as readonly ResponseCompletion[];

/** Where the file was cut. */
const lengths = (): readonly unknown[] => world.render.finished.map(({ mostMs }) => mostMs);

const journals = (): readonly string[] =>
  world.media.log.filter((line) => line.startsWith('journal'));

describe('a response', () => {
  test('is prompt, beep and then what is said, up to the longest duration', async () => {
    const id = await ask({ prompts: [PROMPT], playBeep: true });
    expect(journals()).toEqual(['journal opened']);
    expect(world.media.closedGates.size).toBe(1);
    await played();
    const [beep] = world.callMedia.players.keys();
    // Before the beep is heard it is known what follows it.
    expect(journals().at(-1)).toBe(`journal resumed after ${beep}`);
    await played();
    await speak(id, true);
    // The last frame of the beep is 20 ms.
    await pass(30_019);
    expect(told()).toEqual([]);
    await pass(1);
    expect(told()).toEqual([
      expect.objectContaining({
        operationId: id,
        outcome: 'max-duration',
        status: 'completed',
        resultInformation: {
          code: 200,
          subCode: 8515,
          message: 'Action completed, max record duration reached.',
        },
        completionReason: 'maxRecordDurationReached',
        operationContext: 'order 4711',
        recording: expect.objectContaining({ durationMs: 1_000 }) as unknown,
      }),
    ]);
    expect(lengths()).toEqual([30_000]);
    expect(world.ledger.operations()).toEqual([]);
  });

  test('without prompt and beep is written from the opening of its journal on', async () => {
    await ask();
    expect(world.media.closedGates.size).toBe(0);
    expect(journals()).toEqual(['journal opened']);
  });

  test('ends with a silence after the words, where that was long enough', async () => {
    const id = await ask();
    await speak(id, true);
    await speak(id, false, 300);
    world.media.heard = { ...HEARD, silentSinceMs: 1_400 };
    await pass(1_849);
    expect(told()).toEqual([]);
    await pass(1);
    expect(told()).toMatchObject([
      { outcome: 'max-silence', resultInformation: { subCode: 8509 } },
    ]);
    expect(lengths()).toEqual([3_400]);
  });

  test('of whom nothing more is received was cut off by the network, not by a silence', async () => {
    const id = await ask();
    await speak(id, true);
    await speak(id, false, 300);
    world.media.heard = { ...HEARD, silentSinceMs: 1_400, hasBrokenOff: true };
    await pass(2_000);
    expect(told()).toMatchObject([{ outcome: 'media-stopped', status: 'completed' }]);
  });

  test('of nobody fails, and says whether there was anything to hear', async () => {
    const id = await ask();
    await pass(5_150);
    world.media.heard = { ...HEARD, packets: 0 };
    await ask();
    await pass(5_150);
    expect(told()).toMatchObject([
      { operationId: id, outcome: 'initial-silence', status: 'failed' },
      { outcome: 'no-media', resultInformation: { code: 500, subCode: 8513 } },
    ]);
    expect(told().map(({ recording }) => recording)).toEqual([undefined, undefined]);
    expect(world.render.finished).toEqual([]);
    expect(world.disk.removed).toHaveLength(2);
  });

  test('is cut before the stop tone, or where it came by signalling', async () => {
    await ask();
    await press('5');
    world.media.heard = { ...HEARD, tone: { tone: '#', atMs: 2_222 } };
    await press('#');
    expect(told()).toMatchObject([{ outcome: 'stop-tone', stopTone: '#' }]);
    await pass(1_000);
    await ask();
    world.media.heard = { ...HEARD, tone: { tone: '5', atMs: 2_222 } };
    await press('#');
    expect(lengths()).toEqual([2_222, 3_456]);
  });

  test.each(['prompt-unreachable', 'prompt-format'] as const)(
    'says that its prompt failed: %s',
    async (code) => {
      world.prompts.load = () => Promise.reject(new TapedeckError(code, 'no such prompt'));
      await ask({ prompts: [PROMPT], playBeep: true });
      expect(told()).toMatchObject([{ outcome: code, completionReason: 'playPromptFailed' }]);
      expect(world.media.journals.size).toBe(0);
    },
  );

  test('says that its beep, or its prompt, could not be played', async () => {
    await ask({ prompts: [PROMPT], playBeep: true });
    await played();
    const [beep = ''] = world.callMedia.players.keys();
    world.callMedia.endPlay(beep, 'stopped');
    await settled();
    await ask({ prompts: [PROMPT], playBeep: true });
    const [prompt = ''] = world.callMedia.players.keys();
    world.callMedia.endPlay(prompt, 'stopped');
    await settled();
    expect(told().map(({ resultInformation }) => resultInformation.subCode)).toEqual([8512, 8511]);
  });

  test('whose caller has gone when the prompt is to be played ends like its call', async () => {
    world.callMedia.startPlay = () =>
      Promise.reject(new TapedeckError('call-not-found', 'the call has no leg'));
    await ask({ prompts: [PROMPT] });
    await settled();
    expect(told().map(({ resultInformation }) => resultInformation.subCode)).toEqual([8528]);
  });

  test('that cannot be stored is told to have failed, once', async () => {
    const id = await ask();
    await speak(id, true);
    world.render.failures = 1;
    await pass(30_000);
    expect(told()).toMatchObject([{ outcome: 'failed', resultInformation: { subCode: 9999 } }]);
    expect(await call.calls.responses.response(id)).toMatchObject({
      completion: { outcome: 'failed' },
    });
  });

  test('whose journal cannot be written any further fails', async () => {
    const id = await ask();
    const { recordingId } = await row(id);
    world.media.fail(recordingId, { endedAtMs: 0, durationMs: 0 });
    await settled();
    expect(told()).toMatchObject([{ outcome: 'failed' }]);
  });
});

test('the file of a long response is begun while it is recorded, and dropped when it fails', async () => {
  const short = await ask({ maxDurationMs: 20_000 });
  await call.calls.operations.cancelAll({ callConnectionId: call.properties.callConnectionId });
  await settled();
  expect(world.render.followed).toEqual([]);
  const long = await ask({ maxDurationMs: 20_001 });
  const ids = [(await row(short)).recordingId, (await row(long)).recordingId];
  expect(world.render.followed).toMatchObject([{ recordingId: ids[1] }]);
  await pass(5_150);
  expect(told().at(-1)).toMatchObject({ outcome: 'initial-silence' });
  expect(world.render.abandoned).toEqual(ids);
});

describe('the queue', () => {
  test('records one after the other, and cancels what is under way and what waits', async () => {
    const first = await ask();
    const second = await ask();
    expect(world.media.journals.size).toBe(1);
    await speak(first, true);
    await call.calls.operations.cancelAll({
      callConnectionId: call.properties.callConnectionId,
    });
    await settled();
    expect(
      told()
        .map(({ operationId }) => operationId)
        .sort(),
    ).toEqual([first, second]);
    expect(told()).toMatchObject(
      [1, 2].map(() => ({
        outcome: 'canceled',
        resultInformation: { code: 400, subCode: 8508 },
      })),
    );
    expect(world.render.finished).toEqual([]);
    expect(world.media.journals.size).toBe(0);
  });

  test('is pushed aside by a response that may', async () => {
    const first = await ask();
    const second = await ask();
    const third = await ask({ bargeIn: true });
    expect(
      told()
        .map(({ operationId, outcome }) => [operationId, outcome])
        .sort(),
    ).toEqual([
      [first, 'canceled'],
      [second, 'canceled'],
    ]);
    expect(world.media.journals).toEqual(new Set([(await row(third)).recordingId]));
  });

  test('takes 64 that wait, and refuses the next, of which nothing is kept', async () => {
    for (let at = 0; at <= 64; at += 1) await ask();
    await expect(ask()).rejects.toMatchObject({ code: 'operations-throttled' });
    expect(world.ledger.responses()).toHaveLength(65);
    expect(world.ledger.operations()).toHaveLength(65);
  });
});

describe('the end of the call', () => {
  test('delivers what was said, before it is told itself', async () => {
    const spoken = await ask();
    const waiting = await ask();
    await speak(spoken, true);
    call.caller.hangUp();
    await settled();
    const events = world.ledger.events('callback');
    expect(events.slice(-3)).toEqual([
      'RecordResponseEnded',
      'RecordResponseEnded',
      'CallDisconnected',
    ]);
    const byId = new Map(told().map((each) => [each.operationId, each]));
    expect(byId.get(spoken)).toMatchObject({
      outcome: 'media-stopped',
      status: 'completed',
      resultInformation: { code: 200, subCode: 8588 },
      recording: { location: expect.stringContaining('/recordings/') as string },
    });
    expect(byId.get(waiting)).toMatchObject({
      outcome: 'call-ended',
      status: 'failed',
      resultInformation: { code: 400, subCode: 8528 },
    });
    expect(world.ledger.operations()).toEqual([]);
    expect(world.media.journals.size).toBe(0);
  });

  test('waits for a file that is being made already', async () => {
    const id = await ask();
    await speak(id, true);
    const gate = Promise.withResolvers<undefined>();
    world.render.gate = gate.promise;
    await pass(30_000);
    call.caller.hangUp();
    await settled();
    expect(world.ledger.events('callback')).not.toContain('CallDisconnected');
    gate.resolve(undefined);
    await settled();
    expect(told()).toMatchObject([{ operationId: id, outcome: 'max-duration' }]);
    expect(world.ledger.events('callback').slice(-2)).toEqual([
      'RecordResponseEnded',
      'CallDisconnected',
    ]);
  });

  test('does not wait for ever', async () => {
    const id = await ask();
    await speak(id, true);
    world.render.gate = new Promise(() => undefined);
    call.caller.hangUp();
    await settled();
    await pass(10_000);
    expect(told()).toMatchObject([{ operationId: id, status: 'failed' }]);
    expect(world.ledger.events('callback').at(-1)).toBe('CallDisconnected');
  });

  test('fails a response to which nobody said anything', async () => {
    await ask();
    call.caller.hangUp();
    await settled();
    expect(told()).toMatchObject([{ outcome: 'call-ended' }]);
    expect(world.render.finished).toEqual([]);
  });
});

describe('the file', () => {
  /** A response with a file. */
  async function recorded(): Promise<{ readonly id: string; readonly token: string }> {
    const id = await ask();
    await speak(id, true);
    await pass(30_000);
    const documentId = told().at(-1)?.recording?.documentId;
    return {
      id,
      token: documentId === undefined ? '' : world.ports.responseTokens.tokenOf(documentId),
    };
  }

  const open = async (id: string, token: string): Promise<string> => {
    const { documentId } = await row(id);
    const content = await call.calls.responses.openResponse(documentId, token);
    const pieces: Uint8Array[] = [];
    for await (const piece of content.range(0, content.sizeBytes - 1)) pieces.push(piece);
    await content.close();
    return `${content.mediaType} ${Buffer.concat(pieces).toString()}`;
  };

  test('is opened by its token alone, until some time after the call, and is gone then', async () => {
    const { id, token } = await recorded();
    expect(await open(id, token)).toMatch(/^application\/octet-stream wav mixed of \/data\//);
    await expect(open(id, 'another')).rejects.toMatchObject({ code: 'signature-invalid' });
    const { documentId } = await row(id);
    call.caller.hangUp();
    await settled();
    await pass(299_999);
    expect(await open(id, token)).toContain('wav');
    await pass(1);
    await expect(call.calls.responses.openResponse(documentId, token)).rejects.toMatchObject({
      code: 'content-not-found',
    });
    await pass(60_000);
    expect([...world.blobs.blobs.keys()]).toEqual([]);
    expect(world.disk.removed).toContain(`/data/journals/${documentId}`);
    expect(world.ledger.responses()).toEqual([]);
    expect(await call.calls.responses.response(id)).toBeUndefined();
  });

  test('is removed before its time where that is asked, once', async () => {
    const { id, token } = await recorded();
    const { documentId } = await row(id);
    const remove = (with_: string): Promise<void> =>
      call.calls.responses.removeResponse(documentId, with_);
    await expect(remove('another')).rejects.toMatchObject({ code: 'signature-invalid' });
    expect(world.blobs.blobs.size).toBe(2);
    await remove(token);
    expect(world.blobs.blobs.size).toBe(0);
    await expect(remove(token)).rejects.toMatchObject({ code: 'content-not-found' });
  });

  test('goes with the next start where a crash came in between', async () => {
    const { id } = await recorded();
    const record = await row(id);
    await world.ledger.commit([{ kind: 'response', record: { ...record, removedAtMs: 1 } }]);
    const after = new FakeWorld();
    after.ledger.takeOver(world.ledger);
    for (const [key, text] of world.blobs.blobs) after.blobs.blobs.set(key, text);
    const next = new Calls(after.ports, after.settings());
    await next.start();
    await settled();
    expect([...after.blobs.blobs.keys()]).toEqual([]);
    expect(after.ledger.responses()).toEqual([]);
  });

  test('stays until it is deleted where it is to be kept, as MP3 where that is wanted', async () => {
    call = await AnsweredCall.begin({
      responses: { graceMs: 0, isKept: true, container: 'mp3', baseUrl: () => 'https://x.test' },
    });
    ({ world } = call);
    world.media.heard = HEARD;
    const { id, token } = await recorded();
    expect(told().at(-1)?.recording?.location).toBe(
      `https://x.test/recordings/${(await row(id)).documentId}`,
    );
    call.caller.hangUp();
    await pass(7 * 86_400_000);
    expect(await open(id, token)).toContain('mp3 mixed');
  });
});

describe('a crash', () => {
  /** The next process. */
  function restarted(): FakeWorld {
    const after = new FakeWorld();
    after.ledger.takeOver(world.ledger);
    after.clock.advance(world.clock.nowMs());
    return after;
  }

  const ends = (of: FakeWorld): readonly unknown[] =>
    of.ledger.eventData('RecordResponseEnded').slice(told().length);

  test('gives what was said, before the end of the connection', async () => {
    const id = await ask();
    const after = restarted();
    after.render.peaks = '{"data":[0,0,-3,9]}';
    await new Calls(after.ports, after.settings()).start();
    await settled();
    expect(ends(after)).toMatchObject([
      {
        operationId: id,
        operationContext: 'order 4711',
        outcome: 'media-stopped',
        resultInformation: { code: 200, subCode: 8588 },
        recording: { durationMs: 1_000 },
      },
    ]);
    expect(after.ledger.events('callback').slice(-2)).toEqual([
      'RecordResponseEnded',
      'CallDisconnected',
    ]);
    expect(after.ledger.operations()).toEqual([]);
    expect(await after.ledger.unfinishedResponses()).toEqual([]);
  });

  test('tells that it failed where there is no journal, or one of silence', async () => {
    await ask();
    for (const of of ['silence', 'nothing'] as const) {
      const after = restarted();
      after.render.peaks = '{"data":[-1,2,0,0]}';
      if (of === 'nothing') after.render.failures = 1;
      await new Calls(after.ports, after.settings()).start();
      await settled();
      expect(ends(after)).toMatchObject([{ outcome: 'call-ended', status: 'failed' }]);
    }
  });
});
