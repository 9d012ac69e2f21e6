import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { ManualClock } from '../core/manual-clock.ts';
import type { AudioSocket, SocketEnd } from '../core/ports/audio-socket.ts';
import { until } from '../../test/contract/until.ts';
import { AddressPolicy } from '../net/address-policy.ts';
import { AudioSockets } from './audio-sockets.ts';

const MESSAGE = 'x'.repeat(1024 * 1024);

let http: Server;
let far: WebSocketServer;
let port: number;
const clock = new ManualClock();

beforeEach(async () => {
  http = createServer();
  far = new WebSocketServer({ server: http, path: '/audio' });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  port = (http.address() as AddressInfo).port;
});

afterEach(() => {
  for (const client of far.clients) client.terminate();
  far.close();
  http.closeAllConnections();
  http.close();
});

function sockets(allowed: readonly string[] = ['loopback']): AudioSockets {
  const resolver = { resolve: () => Promise.resolve(['127.0.0.1']) };
  return new AudioSockets({ policy: new AddressPolicy(allowed), resolver, clock });
}

const open = (path = '/audio', host = 'app.test'): Promise<AudioSocket> =>
  sockets().open(
    `ws://${host}:${port}${path}`,
    { authorization: 'Bearer token' },
    new AbortController().signal,
  );

async function pair(): Promise<{ readonly near: AudioSocket; readonly there: WebSocket }> {
  const connected = once(far, 'connection') as Promise<[WebSocket]>;
  const near = await open();
  const [there] = await connected;
  return { near, there };
}

test('carries text both ways, with our headers, to the address that the name was resolved to', async () => {
  const upgraded = once(http, 'upgrade') as Promise<
    [{ headers: Readonly<Record<string, string>> }]
  >;
  const { near, there } = await pair();
  const [request] = await upgraded;
  expect(request.headers).toMatchObject({
    authorization: 'Bearer token',
    host: `app.test:${port}`,
  });
  const heard = once(there, 'message');
  expect(near.send('hello')).toBe(true);
  expect(String((await heard)[0])).toBe('hello');
  const answered = new Promise((resolve) => {
    near.onMessage = resolve;
  });
  there.send('and you');
  expect(await answered).toBe('and you');
});

test('what the other side says with its first breath is heard', async () => {
  far.on('connection', (there) => {
    there.send('first');
  });
  const near = await open();
  expect(
    await new Promise((resolve) => {
      near.onMessage = resolve;
    }),
  ).toBe('first');
});

const closeOf = (near: AudioSocket): Promise<readonly [string, SocketEnd]> =>
  new Promise((resolve) => {
    near.onClose = (reason, end) => {
      resolve([reason, end]);
    };
  });

test.each<[number, SocketEnd]>([
  [1000, 'closed'],
  [1001, 'lost'],
  [1012, 'lost'],
  [1008, 'rejected'],
  [4001, 'rejected'],
])('one that is closed with %d says why, and is %s', async (code, end) => {
  const { near, there } = await pair();
  const closed = closeOf(near);
  there.close(code, 'enough');
  expect(await closed).toEqual([`closed with ${code}: enough`, end]);
  expect(near.send('more')).toBe(false);
  near.close();
});

test('one whose connection breaks is lost, one without a word is closed', async () => {
  const torn = await pair();
  const tornEnd = closeOf(torn.near);
  torn.there.terminate();
  expect(await tornEnd).toEqual(['closed with 1006', 'lost']);
  const silent = await pair();
  const silentEnd = closeOf(silent.near);
  silent.there.close();
  expect(await silentEnd).toEqual(['closed with 1005', 'closed']);
});

test('drops what the other side takes too long for', async () => {
  const { near, there } = await pair();
  there.pause();
  let sent = 0;
  while (near.send('x'.repeat(65_536)) && sent < 10_000) sent += 1;
  expect(sent).toBeGreaterThan(15);
  expect(sent).toBeLessThan(10_000);
});

test('is lost when a ping is not answered until the next one is due', async () => {
  const { near, there } = await pair();
  there.pause();
  const closed = closeOf(near);
  clock.advance(30_000);
  expect(await closed).toEqual(['closed with 1006', 'lost']);
});

test('more than a message may have ends it', async () => {
  const { near, there } = await pair();
  const closed = closeOf(near);
  there.on('error', () => undefined);
  there.send(MESSAGE.repeat(3));
  const [reason, end] = await closed;
  expect(reason).toMatch(/^closed with 10/);
  expect(end).toBe('rejected');
});

test('one that sends more than audio needs is read from a second later', async () => {
  const { near, there } = await pair();
  let heard = 0;
  const enough = new Promise<void>((resolve) => {
    near.onMessage = (text) => {
      heard += 1;
      if (text === 'last') resolve();
    };
  });
  for (let message = 0; message < 40; message += 1) there.send(MESSAGE);
  there.send('last');
  await until('it is paused', () => heard >= 8);
  expect(heard).toBeLessThan(40);
  // A busy machine takes its time between two pauses.
  const seconds = setInterval(() => {
    clock.advance(1000);
  }, 20);
  await enough.finally(() => {
    clearInterval(seconds);
  });
  expect(heard).toBe(41);
});

test('all are closed together, those too that are being opened', async () => {
  const all = sockets();
  const url = `ws://app.test:${port}/audio`;
  const near = await all.open(url, {}, new AbortController().signal);
  const end = closeOf(near);
  const opening = all.open(url, {}, new AbortController().signal).catch((error: unknown) => error);
  await all.close();
  expect(await end).toEqual(['closed with 1000', 'closed']);
  expect(await opening).toMatchObject({ code: 'destination-unreachable' });
  await all.close();
});

test.each([
  ['http://app.test/audio', 'url-refused'],
  ['nonsense', 'url-refused'],
])('%s is no address of a web socket', async (url, code) => {
  await expect(sockets().open(url, {}, new AbortController().signal)).rejects.toMatchObject({
    code,
  });
});

test('what is not allowed is not connected to', async () => {
  await expect(
    sockets([]).open(`ws://app.test:${port}/audio`, {}, new AbortController().signal),
  ).rejects.toMatchObject({ code: 'url-refused' });
});

test('one that is no web socket has refused, one that is not there is unreachable', async () => {
  await expect(open('/other')).rejects.toMatchObject({ code: 'destination-refused', status: 400 });
  http.close();
  port = 1;
  await expect(open()).rejects.toMatchObject({ code: 'destination-unreachable' });
});

test('opening can be given up', async () => {
  const given = AbortSignal.abort();
  await expect(sockets().open(`ws://app.test:${port}/audio`, {}, given)).rejects.toMatchObject({
    code: 'destination-unreachable',
  });
});
