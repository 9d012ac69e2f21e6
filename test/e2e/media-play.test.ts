import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OLDEST_SDK } from '../support/control-session.ts';
import { signedFetch } from '../support/admin-client.ts';
import {
  expectHeard,
  expectSilent,
  MediaSession,
  PATIENCE,
  tonesHeard,
} from '../support/media-session.ts';
import { SdkSession } from '../support/sdk-session.ts';

/** Of prompts; the frequencies have no overtone in common. */
const HIGH_HZ = 1_300;
const LOW_HZ = 700;
const ENDLESS_MS = 2_000;
const MOST_WAITING = 64;

let session: MediaSession;

beforeAll(async () => {
  session = await MediaSession.open();
});

afterAll(() => session.close());

describe('a prompt', () => {
  test('to all is heard by all, from its start to its end, and told of at both', async () => {
    const call = await session.callTo(['anna', 'bert']);
    const [anna, bert] = call.phones;
    const context = { operationContext: 'welcome' };
    await session.on(call, 'playToAll', [session.prompts.tone(LOW_HZ, 600)], context);
    expect(await session.told(call, 'PlayStarted', [200, 0])).toMatchObject(context);
    expect(await session.told(call, 'PlayCompleted', [200, 0])).toMatchObject(context);
    for (const phone of [anna, bert]) {
      await expectSilent(phone!.line, LOW_HZ);
      const heard = tonesHeard(phone!.line, LOW_HZ);
      expect(heard).toHaveLength(1);
      expect(Math.abs(heard[0]!.endMs - heard[0]!.startMs - 600)).toBeLessThan(30);
    }
    expect(await session.finish(call)).toEqual(['PlayStarted', 'PlayCompleted']);
  });

  test('of several sources is one sound, told of once, at the callback of the request', async () => {
    const call = await session.callTo(['anna', 'bert']);
    const sources = [session.prompts.tone(LOW_HZ, 300), session.prompts.tone(HIGH_HZ, 300)];
    const operationCallbackUrl = `${session.control.events.url}prompts`;
    await session.on(call, 'playToAll', sources, { operationCallbackUrl });
    await session.told(call, 'PlayCompleted', [200, 0]);
    const { line } = call.phones[0]!;
    await expectSilent(line, HIGH_HZ);
    const [low] = tonesHeard(line, LOW_HZ);
    const [high] = tonesHeard(line, HIGH_HZ);
    expect(Math.abs(high!.startMs - low!.endMs)).toBeLessThan(30);
    expect(await session.finish(call)).toEqual(['PlayStarted', 'PlayCompleted']);
  });

  test('as MP3 is heard from its start to its end too', async () => {
    const call = await session.callTo(['anna', 'bert']);
    const { line } = call.phones[0]!;
    await session.on(call, 'playToAll', [session.prompts.toneAsMp3(LOW_HZ, 600)]);
    await session.told(call, 'PlayCompleted', [200, 0]);
    await expectSilent(line, LOW_HZ);
    const heard = tonesHeard(line, LOW_HZ);
    expect(heard).toHaveLength(1);
    expect(Math.abs(heard[0]!.endMs - heard[0]!.startMs - 600)).toBeLessThan(30);
    expect(await session.finish(call)).toEqual(['PlayStarted', 'PlayCompleted']);
  });

  test('to one is heard by that one only', async () => {
    const call = await session.callTo(['anna', 'bert']);
    const [anna, bert] = call.phones;
    const playTo = [session.phones.identifierOf('bert')];
    await session.on(call, 'play', [session.prompts.tone(LOW_HZ, 600)], playTo);
    await session.told(call, 'PlayCompleted', [200, 0]);
    await expect.poll(() => tonesHeard(bert!.line, LOW_HZ), PATIENCE).toHaveLength(1);
    expect(tonesHeard(anna!.line, LOW_HZ)).toEqual([]);
    expect(await session.finish(call)).toEqual(['PlayStarted', 'PlayCompleted']);
  });

  test('to all is not heard by who is on hold', async () => {
    const call = await session.callTo(['anna', 'bert']);
    const [anna, bert] = call.phones;
    await session.on(call, 'hold', session.phones.identifierOf('bert'));
    await session.on(call, 'playToAll', [session.prompts.tone(LOW_HZ, 600)]);
    await session.told(call, 'PlayCompleted', [200, 0]);
    await expect.poll(() => tonesHeard(anna!.line, LOW_HZ), PATIENCE).toHaveLength(1);
    expect(tonesHeard(bert!.line, LOW_HZ)).toEqual([]);
    await session.finish(call);
  });

  test('with a cache id is fetched once, however often it is played', async () => {
    const call = await session.callTo(['anna']);
    const source = { ...session.prompts.tone(LOW_HZ, 180), playSourceCacheId: 'greeting' };
    for (let times = 0; times < 2; times += 1) {
      await session.on(call, 'playToAll', [source]);
      await session.told(call, 'PlayCompleted', [200, 0]);
    }
    expect(session.prompts.asked.filter((path) => path.includes('-180.'))).toHaveLength(1);
    await session.finish(call);
  });
});

describe('a prompt that goes on and on', () => {
  test('is cancelled with what waits behind it', async () => {
    const call = await session.callTo(['anna', 'bert']);
    const { line } = call.phones[0]!;
    const endless = { loop: true, operationContext: 'endless' };
    await session.on(call, 'playToAll', [session.prompts.tone(LOW_HZ, 100)], endless);
    await session.told(call, 'PlayStarted', [200, 0]);
    await session.on(call, 'playToAll', [session.prompts.tone(HIGH_HZ, ENDLESS_MS)], {
      operationContext: 'waits',
    });
    // Longer than what it is made of, and in one piece.
    const lengthMs = (): number =>
      tonesHeard(line, LOW_HZ).reduce((ms, { startMs, endMs }) => ms + endMs - startMs, 0);
    await expect.poll(lengthMs, PATIENCE).toBeGreaterThan(150);
    await session.on(call, 'cancelAllOperations');
    const contexts = [
      (await session.told(call, 'PlayCanceled', [400, 8508]))['operationContext'],
      (await session.told(call, 'PlayCanceled', [400, 8508]))['operationContext'],
    ];
    expect(contexts).toEqual(['endless', 'waits']);
    await expectSilent(line, LOW_HZ);
    expect(tonesHeard(line, LOW_HZ)).toHaveLength(1);
    expect(tonesHeard(line, HIGH_HZ)).toEqual([]);
    expect(await session.finish(call)).toEqual(['PlayStarted', 'PlayCanceled', 'PlayCanceled']);
  });

  test('gives way to one that interrupts', async () => {
    const call = await session.callTo(['anna']);
    const { line } = call.phones[0]!;
    await session.on(call, 'playToAll', [session.prompts.tone(LOW_HZ, ENDLESS_MS)], { loop: true });
    await expectHeard(line, LOW_HZ);
    await session.on(call, 'playToAll', [session.prompts.tone(HIGH_HZ, 300)], {
      interruptCallMediaOperation: true,
      loop: false,
    });
    await session.told(call, 'PlayCanceled', [400, 8508]);
    await session.told(call, 'PlayCompleted', [200, 0]);
    const [low, ...lowAgain] = tonesHeard(line, LOW_HZ);
    const [high] = tonesHeard(line, HIGH_HZ);
    expect(lowAgain).toEqual([]);
    expect(high!.startMs).toBeGreaterThan(low!.endMs - 30);
    expect(await session.finish(call)).toEqual([
      'PlayStarted',
      'PlayCanceled',
      'PlayStarted',
      'PlayCompleted',
    ]);
  });

  test('fails with the call, before the end of that is told', async () => {
    const call = await session.callTo(['anna']);
    await session.on(call, 'playToAll', [session.prompts.tone(LOW_HZ, 100)], { loop: true });
    await session.told(call, 'PlayStarted', [200, 0]);
    expect(await session.finish(call)).toEqual(['PlayStarted', 'PlayFailed']);
    await session.told(call, 'PlayFailed', [400, 8528]);
    const last = session.control.told(call).at(-1);
    expect(last?.type).toBe('Microsoft.Communication.CallDisconnected');
  });

  test('fails when the one that it is for leaves', async () => {
    const call = await session.callTo(['anna', 'bert']);
    const playTo = [session.phones.identifierOf('bert')];
    await session.on(call, 'play', [session.prompts.tone(LOW_HZ, 100)], playTo, { loop: true });
    await session.told(call, 'PlayStarted', [200, 0]);
    await call.phones[1]!.hangUp();
    await session.told(call, 'PlayFailed', [400, 8558]);
    expect(await session.finish(call)).toEqual(['PlayStarted', 'PlayFailed']);
  });
});

describe('a prompt fails', () => {
  test.each([
    ['that is not there', 8536, () => session.prompts.missing()],
    ['that is no sound', 8535, () => session.prompts.noSound()],
  ])('%s: %i, and says which source it was', async (_what, subCode, source) => {
    const call = await session.callTo(['anna']);
    const sources = [session.prompts.tone(LOW_HZ, 100), source()];
    await session.on(call, 'playToAll', sources, { operationContext: 'mine' });
    expect(await session.told(call, 'PlayFailed', [400, subCode])).toMatchObject({
      operationContext: 'mine',
      failedPlaySourceIndex: 1,
    });
    expect(tonesHeard(call.phones[0]!.line, LOW_HZ)).toEqual([]);
    expect(await session.finish(call)).toEqual(['PlayFailed']);
  });
});

describe('a prompt is refused', () => {
  test('to one who hears another one, or is not there, and as text', async () => {
    const call = await session.callTo(['anna', 'bert']);
    const tone = session.prompts.tone(LOW_HZ, ENDLESS_MS);
    const toBert = [[tone], [session.phones.identifierOf('bert')]] as const;
    await session.on(call, 'play', ...toBert);
    await expect(session.on(call, 'play', ...toBert)).rejects.toMatchObject({
      status: 412,
      code: '8583',
    });
    await expect(
      session.on(call, 'play', [tone], [session.phones.identifierOf('carl')]),
    ).rejects.toMatchObject({ status: 404, code: '8522' });
    for (const source of [
      { kind: 'textSource', text: 'Hello', sourceLocale: 'en-US' },
      { kind: 'ssmlSource', ssmlText: '<speak>Hello</speak>' },
    ]) {
      await expect(session.on(call, 'playToAll', [tone, source])).rejects.toMatchObject({
        status: 405,
        code: '8520',
        message: expect.stringContaining('speech engine') as unknown,
      });
    }
    await session.on(call, 'cancelAllOperations');
    await session.told(call, 'PlayCanceled', [400, 8508]);
    await session.finish(call);
  });

  test('when as many wait as may: 429, with a time to come again; the others are played or end', async () => {
    const call = await session.callTo(['anna']);
    const { url: uri } = session.prompts.tone(LOW_HZ, 100);
    const play = (loop: boolean): Promise<Response> =>
      signedFetch(
        session.control.server,
        'POST',
        `/calling/callConnections/${call.callConnectionId}:play?api-version=2026-03-12`,
        { playSources: [{ kind: 'file', file: { uri } }], playOptions: { loop } },
      );
    expect((await play(true)).status).toBe(202);
    await session.told(call, 'PlayStarted', [200, 0]);
    for (let waiting = 0; waiting < MOST_WAITING; waiting += 1) {
      expect((await play(false)).status).toBe(202);
    }
    const refused = await play(false);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    expect(await refused.json()).toMatchObject({ error: { code: '8589' } });
    await session.on(call, 'cancelAllOperations');
    const names = await session.finish(call);
    expect(names).toEqual(['PlayStarted', ...Array<string>(MOST_WAITING + 1).fill('PlayCanceled')]);
  });
});

test('a client of the first generation hears of the end only, which its parser knows', async () => {
  const sdk = await SdkSession.open(session.control.server, OLDEST_SDK);
  const call = await session.callTo(['anna'], sdk);
  await sdk.call('media', call.callConnectionId, 'playToAll', [session.prompts.tone(LOW_HZ, 200)]);
  await session.told(call, 'PlayCompleted', [200, 0]);
  const names = await session.control.finish(call, sdk);
  expect(names).toEqual([
    'CallConnected',
    'ParticipantsUpdated',
    'PlayCompleted',
    'CallDisconnected',
  ]);
  sdk.close();
});
