import { beforeEach, describe, expect, test } from 'vitest';
import { TapedeckError } from '../../core/error.ts';
import { HandshakeRefused } from '../../core/handshake-refused.ts';
import type { MediaStreamingOptions } from '../../core/ports/call-control.ts';
import { API_VERSION, CALLBACK } from '../testing/answered-call.ts';
import { Conference, type HeldCall } from '../testing/conference.ts';
import type { FakeAudioSocket } from '../testing/fake-audio-sockets.ts';
import { settled } from '../testing/fake-world.ts';
import { holdBack } from '../testing/hold-back.ts';

const OPTIONS: MediaStreamingOptions = {
  transportUrl: 'wss://app.test/audio',
  channelType: 'mixed',
  startMediaStreaming: false,
  enableBidirectional: true,
  audioFormat: 'pcm16KMono',
  enableDtmfTones: true,
};
const AUDIO = Buffer.from(new Int16Array([5, 6, 7]).buffer).toString('base64');

let conference: Conference;
let call: HeldCall;

beforeEach(async () => {
  conference = await Conference.open();
});

const take = async (changes: Partial<MediaStreamingOptions> = {}): Promise<void> => {
  call = await conference.withOptions({ mediaStreaming: { ...OPTIONS, ...changes } }, 1);
};
const start = (operationContext = 'begin'): Promise<void> =>
  conference.calls.operations.startMediaStreaming({ callConnectionId: call.id, operationContext });
const stop = (operationContext = 'enough'): Promise<void> =>
  conference.calls.operations.stopMediaStreaming({ callConnectionId: call.id, operationContext });
const socket = (): FakeAudioSocket => conference.world.audioSockets.last;
const state = async (): Promise<string | undefined> =>
  (await conference.calls.connection(call.id)).mediaStreaming?.state;

/** Of the streams: name, details, code and sub-code, context. */
function told(): readonly string[] {
  return conference.heard(call.id).flatMap(({ name, data }) => {
    const { mediaStreamingUpdate, resultInformation, operationContext } = data as {
      readonly mediaStreamingUpdate?: {
        readonly contentType: string;
        readonly mediaStreamingStatus: string;
        readonly mediaStreamingStatusDetails: string;
      };
      readonly resultInformation?: { readonly code: number; readonly subCode: number };
      readonly operationContext?: string;
    };
    if (mediaStreamingUpdate === undefined) return name === 'CallDisconnected' ? [name] : [];
    const { contentType, mediaStreamingStatus, mediaStreamingStatusDetails } = mediaStreamingUpdate;
    expect(contentType).toBe('audio');
    expect(mediaStreamingStatus.toLowerCase()).toBe(name.toLowerCase());
    const { code, subCode } = resultInformation!;
    return [
      `${name.replace('MediaStreaming', '')} ${mediaStreamingStatusDetails} ${code}/${subCode} ${operationContext ?? '-'}`,
    ];
  });
}

describe('a stream that was asked for with the call', () => {
  test('begins when the call is up, and not before', async () => {
    await take({ startMediaStreaming: true });
    const { headers, url, sent } = socket();
    expect(url).toBe('wss://app.test/audio');
    const { correlationId, mediaStreaming } = await conference.calls.connection(call.id);
    expect(headers).toEqual({
      authorization: 'Bearer for 86400 s',
      'x-ms-call-connection-id': call.id,
      'x-ms-call-correlation-id': correlationId,
    });
    expect(sent).toEqual([
      {
        kind: 'AudioMetadata',
        audioMetadata: {
          subscriptionId: mediaStreaming?.id,
          encoding: 'PCM',
          sampleRate: 16_000,
          channels: 1,
          length: 640,
        },
      },
    ]);
    expect(mediaStreaming?.state).toBe('active');
    expect(told()).toEqual(['Started subscriptionStarted 200/0 -']);
    expect([...conference.world.callMedia.streams.values()]).toMatchObject([
      { channels: 'mixed', sampleRateHz: 16_000, serverCallId: call.serverCallId },
    ]);
  });

  test('of a call that nobody answers never begins', async () => {
    await conference.calls.createCall({
      targets: [],
      callbackUri: CALLBACK,
      apiVersion: API_VERSION,
      mediaStreaming: { ...OPTIONS, startMediaStreaming: true },
    });
    await settled();
    expect(conference.world.audioSockets.attempts).toBe(0);
  });

  test('is told of with the context of its connection', async () => {
    call = await conference.withOptions(
      {
        operationContext: 'mine',
        mediaStreaming: { ...OPTIONS, startMediaStreaming: true },
      },
      1,
    );
    expect(told()).toEqual(['Started subscriptionStarted 200/0 mine']);
  });

  test('begins for an application that comes into a call that is on', async () => {
    call = await conference.with(1);
    const { callConnectionId: id } = await conference.calls.control.connect({
      call: { serverCallId: call.serverCallId },
      callbackUri: CALLBACK,
      apiVersion: API_VERSION,
      mediaStreaming: { ...OPTIONS, startMediaStreaming: true },
    });
    await settled();
    expect(socket().headers).toMatchObject({ 'x-ms-call-connection-id': id });
    await expect(start()).rejects.toMatchObject({ code: 'options-missing' });
  });
});

describe('starting and stopping', () => {
  test('as the application likes, with one event each', async () => {
    await take();
    expect(await state()).toBe('inactive');
    expect(conference.world.audioSockets.attempts).toBe(0);
    await start();
    await settled();
    expect(await state()).toBe('active');
    await stop();
    expect(await state()).toBe('inactive');
    await settled();
    expect(socket().isClosed).toBe(true);
    expect(conference.world.callMedia.streams.size).toBe(0);
    await start('again');
    await settled();
    expect(conference.world.audioSockets.opened).toHaveLength(2);
    expect(told()).toEqual([
      'Started subscriptionStarted 200/0 begin',
      'Stopped subscriptionStopped 200/0 enough',
      'Started subscriptionStarted 200/0 again',
    ]);
  });

  test('of what is on or off already is refused', async () => {
    await take();
    await expect(stop()).rejects.toMatchObject({ code: 'call-state-conflict' });
    await start();
    await expect(start()).rejects.toMatchObject({ code: 'call-state-conflict' });
    await stop();
    await expect(stop()).rejects.toMatchObject({ code: 'call-state-conflict' });
  });

  test('of a call without options is refused', async () => {
    call = await conference.with(1);
    await expect(start()).rejects.toMatchObject({ code: 'options-missing' });
    await expect(stop()).rejects.toMatchObject({ code: 'options-missing' });
    expect(await state()).toBeUndefined();
  });

  test('a stop overtakes a start whose audio the media worker is still opening', async () => {
    await take();
    const release = holdBack(conference.world.callMedia, 'openStream');
    await start();
    await settled();
    await stop();
    expect(socket().isClosed).toBe(true);
    await release();
    expect(conference.world.callMedia.streams.size).toBe(0);
    expect(told().at(-1)).toBe('Stopped subscriptionStopped 200/0 enough');
  });

  test('the end of the call overtakes a start that is being stored: no socket is opened', async () => {
    await take();
    const release = holdBack(conference.world.ledger, 'commit');
    const starting = start().catch((error: unknown) => error);
    await settled();
    const ending = conference.calls.terminate({ callConnectionId: call.id });
    await settled();
    await release();
    await Promise.all([starting, ending]);
    expect(conference.world.audioSockets.attempts).toBe(0);
    expect(conference.world.callMedia.streams.size).toBe(0);
    expect(conference.names(call.id).at(-1)).toBe('CallDisconnected');
  });

  test('a stop overtakes a start whose socket is not open yet', async () => {
    await take();
    const answered = Promise.withResolvers<undefined>();
    let wasGivenUp = false;
    conference.world.audioSockets.answer = (_attempt, signal) => {
      signal.addEventListener('abort', () => (wasGivenUp = true));
      return answered.promise;
    };
    await start();
    await stop();
    await settled();
    expect(wasGivenUp).toBe(true);
    expect(told()).toEqual([
      'Failed subscriptionStopped 400/8604 begin',
      'Stopped subscriptionStopped 200/0 enough',
    ]);
    answered.resolve(undefined);
    await settled();
    expect(socket().isClosed).toBe(true);
    expect(conference.world.callMedia.streams.size).toBe(0);
    expect(told()).toHaveLength(2);
  });

  test('events go where the operation wanted them', async () => {
    await take();
    await conference.calls.operations.startMediaStreaming({
      callConnectionId: call.id,
      operationCallbackUri: 'https://other.test/events',
    });
    await settled();
    const deliveries = conference.world.ledger.facts.flatMap((fact) =>
      fact.kind === 'event' && fact.event.type.endsWith('MediaStreamingStarted')
        ? fact.deliveries.map(({ destination }) => destination)
        : [],
    );
    expect(deliveries).toEqual(['https://other.test/events']);
  });
});

describe('what goes over the socket', () => {
  test('frames of the call, and keys', async () => {
    await take({ startMediaStreaming: true });
    const [streamId] = [...conference.world.callMedia.streams.keys()];
    const samples = new Int16Array([100, 200, 300]);
    conference.world.callMedia.emitFrame(streamId!, {
      participantId: undefined,
      samples,
      isSilent: false,
      atMs: 0,
    });
    const [legId] = [...conference.world.media.legs.keys()];
    conference.world.callMedia.press(legId!, '#');
    expect(socket().sent.slice(1)).toEqual([
      {
        kind: 'AudioData',
        audioData: {
          timestamp: '1970-01-01T00:00:00.000Z',
          data: Buffer.from(samples.buffer).toString('base64'),
          silent: false,
        },
      },
      { kind: 'DtmfData', dtmfData: { data: '#' } },
    ]);
  });

  test('no keys unless they are wanted', async () => {
    await take({ startMediaStreaming: true, enableDtmfTones: false });
    const [legId] = [...conference.world.media.legs.keys()];
    conference.world.callMedia.press(legId!, '#');
    expect(socket().sent).toHaveLength(1);
  });

  test('what the application says, until it forgets it', async () => {
    await take({ startMediaStreaming: true });
    const { fed, flushed } = conference.world.callMedia;
    socket().onMessage(JSON.stringify({ kind: 'AudioData', audioData: { data: AUDIO } }));
    expect(fed.map(({ samples }) => [...samples])).toEqual([[5, 6, 7]]);
    socket().onMessage('rubbish');
    socket().onMessage(JSON.stringify({ kind: 'StopAudio', stopAudio: {} }));
    expect(flushed).toEqual([fed[0]?.streamId]);
    expect(socket().isClosed).toBe(false);
  });

  test('nothing of an application that only listens', async () => {
    await take({ startMediaStreaming: true, enableBidirectional: false });
    socket().onMessage(JSON.stringify({ kind: 'AudioData', audioData: { data: AUDIO } }));
    expect(conference.world.callMedia.fed).toEqual([]);
  });

  test('what an application is too slow for is left out, and it hears what comes later', async () => {
    await take({ startMediaStreaming: true });
    const [streamId] = [...conference.world.callMedia.streams.keys()];
    const say = (atMs: number): void => {
      conference.world.callMedia.emitFrame(streamId!, {
        participantId: undefined,
        samples: new Int16Array([100]),
        isSilent: false,
        atMs,
      });
    };
    say(1);
    socket().isFull = true;
    for (let atMs = 2; atMs < 200; atMs += 1) say(atMs);
    socket().isFull = false;
    say(200);
    const times = socket().sent.flatMap(({ audioData }) =>
      audioData === undefined ? [] : [(audioData as { readonly timestamp: string }).timestamp],
    );
    expect(times).toEqual(['1970-01-01T00:00:00.001Z', '1970-01-01T00:00:00.200Z']);
    expect(await state()).toBe('active');
  });

  test('no more than a minute waits on its way to the call', async () => {
    await take({ startMediaStreaming: true });
    conference.world.pace.turns = () => 50;
    const tenSeconds = Buffer.alloc(320_000, 1).toString('base64');
    const text = JSON.stringify({ kind: 'AudioData', audioData: { data: tenSeconds } });
    for (let message = 0; message < 10; message += 1) socket().onMessage(text);
    expect(conference.world.callMedia.fed).toHaveLength(6);
    await settled();
    socket().onMessage(text);
    expect(conference.world.callMedia.fed).toHaveLength(7);
  });
});

describe('a socket that', () => {
  test.each([
    [
      new TapedeckError('destination-unreachable', 'https://app.test did not answer in time.'),
      'Failed initialWebSocketConnectionFailed 503/8603 begin',
    ],
    [
      new TapedeckError('url-refused', 'https://app.test is at 10.0.0.1.'),
      'Failed initialWebSocketConnectionFailed 400/8581 begin',
    ],
    [new HandshakeRefused('https://app.test', 401), 'Failed authenticationFailure 401/8603 begin'],
    [new HandshakeRefused('https://app.test', 403), 'Failed forbidden 403/8603 begin'],
    [
      new HandshakeRefused('https://app.test', 404),
      'Failed initialWebSocketConnectionFailed 404/8603 begin',
    ],
    [
      new HandshakeRefused('https://app.test', 302),
      'Failed initialWebSocketConnectionFailed 502/8603 begin',
    ],
    [new Error('a defect'), 'Failed initialWebSocketConnectionFailed 503/8603 begin'],
  ])('does not come about, by %s, fails the start', async (error, event) => {
    await take();
    conference.world.audioSockets.answer = () => Promise.reject(error);
    await start();
    await settled();
    expect(told()).toEqual([event]);
    expect(await state()).toBe('inactive');
    expect(conference.world.audioSockets.attempts).toBe(1);
    conference.world.audioSockets.answer = () => Promise.resolve();
    await start('better');
    await settled();
    expect(told()[1]).toBe('Started subscriptionStarted 200/0 better');
  });

  test('the application closes is over', async () => {
    await take();
    await start();
    await settled();
    socket().end('closed');
    await settled();
    expect(told()[1]).toBe('Stopped subscriptionStopped 200/0 begin');
    expect(conference.world.callMedia.streams.size).toBe(0);
    expect(await state()).toBe('inactive');
  });

  test('the application refuses to go on with has failed', async () => {
    await take();
    await start();
    await settled();
    socket().end('rejected', 'closed with 1008: Unauthorized');
    await settled();
    expect(told()[1]).toBe('Failed streamConnectionInterrupted 400/8603 begin');
    conference.world.clock.advance(60_000);
    await settled();
    expect(conference.world.audioSockets.attempts).toBe(1);
  });

  test('is lost is opened again, and what is in the call goes on', async () => {
    await take();
    await start();
    await settled();
    const first = socket();
    const streams = [...conference.world.callMedia.streams.keys()];
    first.end('lost');
    expect(await state()).toBe('active');
    conference.world.clock.advance(500);
    await settled();
    expect(socket()).not.toBe(first);
    expect(socket().sent).toMatchObject([{ kind: 'AudioMetadata' }]);
    expect([...conference.world.callMedia.streams.keys()]).toEqual(streams);
    expect(told()[1]).toBe('Started streamConnectionReestablished 200/0 begin');
    socket().onMessage(JSON.stringify({ kind: 'AudioData', audioData: { data: AUDIO } }));
    expect(conference.world.callMedia.fed).toHaveLength(1);
  });

  test('is lost for good has failed after three attempts', async () => {
    await take();
    await start();
    await settled();
    conference.world.audioSockets.answer = () =>
      Promise.reject(new TapedeckError('destination-unreachable', 'nobody there'));
    socket().end('lost', 'closed with 1006');
    for (let attempt = 0; attempt < 10; attempt += 1) {
      conference.world.clock.advance(2_000);
      await settled();
    }
    expect(conference.world.audioSockets.attempts).toBe(4);
    expect(told()[1]).toBe('Failed streamConnectionInterrupted 503/8603 begin');
    expect(told()).toHaveLength(2);
    expect(conference.world.callMedia.streams.size).toBe(0);
  });

  test('comes and goes is not opened without end', async () => {
    await take();
    await start();
    await settled();
    for (let loss = 0; loss < 20; loss += 1) {
      socket().end('lost');
      conference.world.clock.advance(3_000);
      await settled();
    }
    expect(conference.world.audioSockets.attempts).toBe(4);
    expect(told().at(-1)).toBe('Failed streamConnectionInterrupted 503/8603 begin');
  });

  test('lasts has all its attempts again', async () => {
    await take();
    await start();
    await settled();
    for (let loss = 0; loss < 20; loss += 1) {
      conference.world.clock.advance(30_000);
      socket().end('lost');
      conference.world.clock.advance(500);
      await settled();
    }
    expect(conference.world.audioSockets.attempts).toBe(21);
  });

  test('is lost may be stopped before it comes again', async () => {
    await take();
    await start();
    await settled();
    socket().end('lost');
    await stop();
    conference.world.clock.advance(10_000);
    await settled();
    expect(conference.world.audioSockets.attempts).toBe(1);
    expect(told()[1]).toBe('Stopped subscriptionStopped 200/0 enough');
  });
});

test('sockets that are open are counted, and frames that an application does not get, by their reason', async () => {
  await take();
  await start();
  await settled();
  const { streams } = conference.calls;
  const { clock, callMedia } = conference.world;
  const [streamId] = [...callMedia.streams.keys()];
  const say = (frames: number): void => {
    const samples = new Int16Array([100]);
    for (let frame = 0; frame < frames; frame += 1) {
      callMedia.emitFrame(streamId!, {
        participantId: undefined,
        samples,
        isSilent: false,
        atMs: 1,
      });
    }
  };
  say(3);
  expect(streams).toMatchObject({ open: 1, droppedFrames: { slow: 0, reconnecting: 0 } });
  socket().isFull = true;
  say(5);
  socket().end('lost');
  expect(streams.open).toBe(0);
  say(7);
  clock.advance(500);
  await settled();
  say(11);
  expect(streams).toMatchObject({ open: 1, droppedFrames: { slow: 5, reconnecting: 7 } });
  await stop();
  expect(streams).toMatchObject({ open: 0, droppedFrames: { slow: 5, reconnecting: 7 } });
  socket().end('closed');
  expect(streams.open).toBe(0);
});

describe('the end', () => {
  test('of the call stops the stream before it is told', async () => {
    await take();
    await start();
    await settled();
    await conference.calls.terminate({ callConnectionId: call.id });
    await settled();
    expect(socket().isClosed).toBe(true);
    expect(told()).toEqual([
      'Started subscriptionStarted 200/0 begin',
      'Stopped subscriptionStopped 200/0 begin',
      'CallDisconnected',
    ]);
    expect(conference.world.callMedia.streams.size).toBe(0);
    expect(await state()).toBeUndefined();
  });

  test('of the call fails a start that is under way', async () => {
    await take();
    conference.world.audioSockets.answer = () => new Promise(() => undefined);
    await start();
    await conference.calls.terminate({ callConnectionId: call.id });
    await settled();
    expect(told()).toEqual(['Failed subscriptionStopped 400/8528 begin', 'CallDisconnected']);
  });

  test('of the call comes after a stop that was accepted', async () => {
    await take();
    await start();
    await settled();
    await Promise.all([stop(), conference.calls.terminate({ callConnectionId: call.id })]);
    await settled();
    expect(told().slice(1)).toEqual([
      'Stopped subscriptionStopped 200/0 enough',
      'CallDisconnected',
    ]);
  });

  test('of one connection leaves the streams of the others alone', async () => {
    call = await conference.withOptions({ mediaStreaming: OPTIONS }, 1, 2);
    await start();
    await settled();
    const mine = socket();
    const first = call;
    const { callConnectionId: id } = await conference.calls.control.connect({
      call: { serverCallId: call.serverCallId },
      callbackUri: CALLBACK,
      apiVersion: API_VERSION,
      mediaStreaming: { ...OPTIONS, startMediaStreaming: true },
    });
    await settled();
    expect(socket()).not.toBe(mine);
    await conference.calls.hangUp(id);
    await settled();
    expect(socket().isClosed).toBe(true);
    expect(mine.isClosed).toBe(false);
    call = { ...first, id };
    expect(told()).toEqual([
      'Started subscriptionStarted 200/0 -',
      'Stopped subscriptionStopped 200/0 -',
      'CallDisconnected',
    ]);
  });

  test('of the server ends the streams with their calls', async () => {
    await take();
    await start();
    await settled();
    const drained = conference.calls.drain(0, AbortSignal.abort());
    await settled();
    conference.world.clock.advance(5_000);
    await drained;
    expect(socket().isClosed).toBe(true);
    expect(told().slice(1)).toEqual([
      'Stopped subscriptionStopped 200/0 begin',
      'CallDisconnected',
    ]);
  });

  test.each([1, 3, 7, 20])('however the answers are ordered (%d)', async (turns) => {
    await take();
    conference.world.pace.turns = () => turns;
    await start();
    const over = conference.calls.terminate({ callConnectionId: call.id });
    for (let round = 0; round < 5; round += 1) await settled();
    await over;
    const events = told();
    expect(events.at(-1)).toBe('CallDisconnected');
    expect(events.filter((event) => event.startsWith('Started')).length).toBeLessThanOrEqual(1);
    expect(events.filter((event) => !event.startsWith('Started'))).toHaveLength(2);
    expect(conference.world.callMedia.streams.size).toBe(0);
    for (const one of conference.world.audioSockets.opened) expect(one.isClosed).toBe(true);
  });
});

/** Moments in an end at which something else is asked for. */
const TURNS = Array.from({ length: 40 }, (_, turns) => turns);

describe.each([
  ['its end for all', [1, 2]],
  ['its end with its application', [1]],
  ['the leaving of its application', [1, 2]],
] as const)('at any moment of %s', (end, phones) => {
  const begin = async (): Promise<void> => {
    call = await conference.withOptions({ mediaStreaming: OPTIONS }, ...phones);
  };
  const over = (): Promise<void> => {
    conference.world.pace.turns = () => 3;
    return end === 'its end for all'
      ? conference.calls.terminate({ callConnectionId: call.id })
      : conference.calls.hangUp(call.id);
  };

  test.each(TURNS)(
    'a start is refused, or has its end before that of the call (%d)',
    async (turns) => {
      await begin();
      const ended = over();
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      const accepted = await start().then(
        () => true,
        () => false,
      );
      await ended;
      for (let round = 0; round < 5; round += 1) await settled();
      const events = told();
      expect(events.at(-1)).toBe('CallDisconnected');
      const ends = events.filter((event) => /^(Stopped|Failed)/.test(event));
      expect(ends).toHaveLength(accepted ? 1 : 0);
      expect(conference.world.callMedia.streams.size).toBe(0);
      expect(conference.world.ledger.operations()).toEqual([]);
      for (const one of conference.world.audioSockets.opened) expect(one.isClosed).toBe(true);
    },
  );

  test.each(TURNS)('a stop is refused, or is the end of the stream (%d)', async (turns) => {
    await begin();
    await start();
    await settled();
    const ended = over();
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    const accepted = await stop().then(
      () => true,
      () => false,
    );
    await ended;
    for (let round = 0; round < 5; round += 1) await settled();
    expect(told()).toEqual([
      'Started subscriptionStarted 200/0 begin',
      `Stopped subscriptionStopped 200/0 ${accepted ? 'enough' : 'begin'}`,
      'CallDisconnected',
    ]);
  });
});

test('a client that does not know the events gets none, and has its stream', async () => {
  call = await conference.withOptions(
    {
      apiVersion: '2023-10-15',
      mediaStreaming: { ...OPTIONS, startMediaStreaming: true },
    },
    1,
  );
  expect(socket().sent).toHaveLength(1);
  expect(told()).toEqual([]);
});

test('a call that gives no audio fails the start', async () => {
  await take();
  conference.world.callMedia.openStream = () =>
    Promise.reject(new TapedeckError('worker-failed', 'the worker is gone'));
  await start();
  await settled();
  expect(told()).toEqual(['Failed unspecifiedError 500/8603 begin']);
  expect(socket().isClosed).toBe(true);
});

describe('a start that the ledger', () => {
  beforeEach(() => take());

  test('refuses opens no socket, is told of by nothing, and may be asked for again', async () => {
    conference.world.ledger.refusals = 1;
    await expect(start('refused')).rejects.toMatchObject({ code: 'database-failed' });
    await settled();
    expect([conference.world.audioSockets.attempts, told(), await state()]).toEqual([
      0,
      [],
      'inactive',
    ]);
    await start('again');
    await settled();
    expect(told()).toEqual(['Started subscriptionStarted 200/0 again']);
  });

  test('has not taken yet cannot be stopped', async () => {
    const [started, stopped] = await Promise.allSettled([start(), stop()]);
    expect(started.status).toBe('fulfilled');
    expect(stopped).toMatchObject({ reason: { code: 'call-state-conflict' } });
    await settled();
    expect(told()).toEqual(['Started subscriptionStarted 200/0 begin']);
  });
});

test('a stop is told of by the time that it is answered', async () => {
  await take();
  await start();
  await settled();
  await stop();
  expect(told().at(-1)).toBe('Stopped subscriptionStopped 200/0 enough');
  expect(conference.world.ledger.operations()).toEqual([]);
});
