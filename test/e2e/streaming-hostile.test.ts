import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOutboundAudioData } from '@azure/communication-call-automation';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureDevelopmentTls } from '../../src/net/development-ca.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../src/telemetry/system-random.ts';
import { AudioApplication, type AudioSession } from '../support/audio-application.ts';
import {
  type ControlledCall,
  ControlSession,
  PHONES,
  TONES_HZ,
} from '../support/control-session.ts';
import { levelHeard } from '../support/peers/sim-phones.ts';

const MEBIBYTE = 1024 * 1024;
const PATIENCE = { timeout: 10_000, interval: 20 } as const;

let scratch: string;
let session: ControlSession;
let application: AudioApplication;
let secure: AudioApplication;
let untrusted: AudioApplication;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tapedeck-streaming-'));
  const [trusted, other] = await Promise.all(
    ['trusted', 'other'].map(async (name) => {
      const tls = await ensureDevelopmentTls(
        join(scratch, name),
        ['localhost'],
        systemClock,
        systemRandom,
      );
      const [key, cert] = await Promise.all([
        readFile(tls.keyFile, 'utf8'),
        readFile(tls.certFile, 'utf8'),
      ]);
      return { key, cert, caFile: tls.caFile };
    }),
  );
  application = await AudioApplication.open();
  secure = await AudioApplication.open(trusted);
  untrusted = await AudioApplication.open(other);
  session = await ControlSession.open({}, { env: { NODE_EXTRA_CA_CERTS: trusted?.caFile ?? '' } });
});

afterAll(async () => {
  for (const one of [application, secure, untrusted]) one.close();
  await session.close();
  await rm(scratch, { recursive: true });
});

/** A call of one phone, whose stream begins with it. */
async function callTo(transportUrl: string): Promise<ControlledCall> {
  const mediaStreamingOptions = {
    transportType: 'websocket',
    transportUrl,
    audioChannelType: 'mixed',
    startMediaStreaming: true,
    enableBidirectional: true,
  };
  const call = await session.sdk.call<ControlledCall>(
    'createGroupCall',
    [PHONES.first],
    session.callback,
    { mediaStreamingOptions },
  );
  await session.rosterOf(call, 1);
  return call;
}

/** Result and details of the next event of this name. */
async function told(call: ControlledCall, name: string): Promise<readonly unknown[]> {
  const { data } = await session.next(call, name);
  const update = data['mediaStreamingUpdate'] as Readonly<Record<string, unknown>>;
  const result = data['resultInformation'] as Readonly<Record<string, unknown>>;
  return [result['code'], result['subCode'], update['mediaStreamingStatusDetails']];
}

const expectTone = (audio: AudioSession): Promise<void> =>
  expect.poll(() => audio.levelOf(TONES_HZ.first), PATIENCE).toBeGreaterThan(-9);

/** The call is up and answers. */
async function expectAlive(call: ControlledCall): Promise<void> {
  const properties = await session.sdk.call('properties', call.callConnectionId);
  expect(properties).toMatchObject({ callConnectionState: 'connected' });
}

test('a socket over TLS is opened to whom the CA certifies', async () => {
  const call = await callTo(secure.url);
  const audio = await secure.next();
  await expectTone(audio);
  await session.finish(call);
  expect(await audio.closed()).toBe(1000);
});

describe('a stream does not begin', () => {
  test('with somebody whose certificate nobody trusts', async () => {
    const call = await callTo(untrusted.url);
    expect(await told(call, 'MediaStreamingFailed')).toEqual([
      503,
      8603,
      'initialWebSocketConnectionFailed',
    ]);
    expect(untrusted.sessions).toEqual([]);
    await expectAlive(call);
    await session.finish(call);
  });

  test.each([
    [401, 'authenticationFailure'],
    [403, 'forbidden'],
    [503, 'initialWebSocketConnectionFailed'],
  ])('when the handshake is answered with %d', async (status, details) => {
    application.refusal = status;
    const call = await callTo(application.url);
    expect(await told(call, 'MediaStreamingFailed')).toEqual([status, 8603, details]);
    application.refusal = undefined;
    await session.sdk.call('media', call.callConnectionId, 'startMediaStreaming');
    await expectTone(await application.next());
    await session.finish(call);
  });

  test('where nobody listens, or speaks another language', async () => {
    const babbler = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end('SSH-2.0-nothing\r\n');
    });
    babbler.listen(0, '127.0.0.1');
    await once(babbler, 'listening');
    const { port } = babbler.address() as AddressInfo;
    const babbled = await callTo(`ws://127.0.0.1:${port}/`);
    const nothing = [503, 8603, 'initialWebSocketConnectionFailed'];
    expect(await told(babbled, 'MediaStreamingFailed')).toEqual(nothing);
    babbler.close();
    await session.sdk.call('media', babbled.callConnectionId, 'startMediaStreaming');
    expect(await told(babbled, 'MediaStreamingFailed')).toEqual(nothing);
    await session.finish(babbled);
  });

  test('where it may not go', async () => {
    await expect(callTo('ws://10.1.2.3/audio')).rejects.toMatchObject({
      status: 400,
      code: '8523',
    });
    await expect(callTo('https://localhost/')).rejects.toMatchObject({ status: 400, code: '8523' });
  });
});

describe('an application that', () => {
  test('sends rubbish is heard all the same', async () => {
    const call = await callTo(application.url);
    const audio = await application.next();
    await expectTone(audio);
    const rubbish = ['', 'hello', '{', 'null', '[[[]]]', '{"kind":"AudioData","audioData":7}'];
    for (const text of rubbish) audio.socket.send(text);
    audio.socket.send(Buffer.alloc(1000, 7));
    audio.sendTone(1_900, 5_000);
    const phone = await session.phone(PHONES.first);
    await expect.poll(() => levelHeard(phone, 1_900), PATIENCE).toBeGreaterThan(-13);
    await session.finish(call);
  });

  test('sends a message that is too long loses its stream, and the call goes on', async () => {
    const call = await callTo(application.url);
    const audio = await application.next();
    await expectTone(audio);
    audio.socket.send('x'.repeat(3 * MEBIBYTE));
    expect(await told(call, 'MediaStreamingFailed')).toEqual([
      400,
      8603,
      'streamConnectionInterrupted',
    ]);
    await expectAlive(call);
    await session.finish(call);
  });

  test('floods its call with audio keeps nobody from being served, and can take it back', async () => {
    const call = await callTo(application.url);
    const audio = await application.next();
    await expectTone(audio);
    const noise = createOutboundAudioData(Buffer.alloc(MEBIBYTE, 3).toString('base64'));
    for (let message = 0; message < 40; message += 1) audio.socket.send(noise);
    audio.stopAudio();
    await expectAlive(call);
    await expectTone(audio);
    await session.finish(call);
  });

  test('never reads and never answers does not hold up the end of its call', async () => {
    const call = await callTo(application.url);
    const audio = await application.next();
    await expectTone(audio);
    audio.socket.pause();
    await expectAlive(call);
    expect(await session.finish(call)).toContain('MediaStreamingStopped');
    audio.socket.resume();
    expect([1000, 1006]).toContain(await audio.closed());
  });

  test('loses its connection has another one, with metadata of its own', async () => {
    const call = await callTo(application.url);
    const audio = await application.next();
    await expectTone(audio);
    expect(await told(call, 'MediaStreamingStarted')).toEqual([200, 0, 'subscriptionStarted']);
    audio.socket.terminate();
    const next = await application.next();
    expect(await told(call, 'MediaStreamingStarted')).toEqual([
      200,
      0,
      'streamConnectionReestablished',
    ]);
    await expectTone(next);
    expect(next.metadata).toEqual(audio.metadata);
    next.socket.close(1008, 'Unauthorized');
    expect(await told(call, 'MediaStreamingFailed')).toEqual([
      400,
      8603,
      'streamConnectionInterrupted',
    ]);
    await session.finish(call);
  });

  test('closes its socket has ended its stream', async () => {
    const call = await callTo(application.url);
    const audio = await application.next();
    await expectTone(audio);
    audio.socket.close(1000);
    expect(await told(call, 'MediaStreamingStopped')).toEqual([200, 0, 'subscriptionStopped']);
    await expectAlive(call);
    await session.finish(call);
  });
});

test('a server that is stopped says goodbye on the sockets that are open', async () => {
  const call = await callTo(application.url);
  const audio = await application.next();
  await expectTone(audio);
  session.server.signal('SIGTERM');
  expect(await audio.closed()).toBe(1000);
  await session.next(call, 'MediaStreamingStopped');
  await session.next(call, 'CallDisconnected');
  expect(await session.server.ended()).toBe(0);
});
