import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { ManualClock } from '../core/manual-clock.ts';
import type { AudioSocket } from '../core/ports/audio-socket.ts';
import { AddressPolicy } from '../net/address-policy.ts';
import { AudioSockets } from './audio-sockets.ts';

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

test('says why it was closed', async () => {
  const { near, there } = await pair();
  const closed = new Promise((resolve) => {
    near.onClose = resolve;
  });
  there.close(4001, 'enough');
  expect(await closed).toBe('closed with 4001: enough');
  expect(near.send('more')).toBe(false);
  near.close();
});

test('drops what the other side takes too long for', async () => {
  const { near, there } = await pair();
  there.pause();
  let sent = 0;
  while (near.send('x'.repeat(65_536)) && sent < 10_000) sent += 1;
  expect(sent).toBeGreaterThan(15);
  expect(sent).toBeLessThan(10_000);
});

test('is closed when a ping is not answered until the next one is due', async () => {
  const { near, there } = await pair();
  there.pause();
  const closed = new Promise((resolve) => {
    near.onClose = resolve;
  });
  clock.advance(30_000);
  expect(await closed).toBe('closed with 1006');
});

test('more than a message may have ends it', async () => {
  const { near, there } = await pair();
  const closed = new Promise((resolve) => {
    near.onClose = resolve;
  });
  there.on('error', () => undefined);
  there.send('x'.repeat(3 * 1024 * 1024));
  expect(await closed).toMatch(/^closed with 10/);
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
  await expect(open('/other')).rejects.toMatchObject({ code: 'destination-refused' });
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
