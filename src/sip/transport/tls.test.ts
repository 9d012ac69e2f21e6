import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ensureDevelopmentTls } from '../../net/development-ca.ts';
import { parseSipUri } from '../../protocols/sip/uri.ts';
import { systemClock } from '../../telemetry/system-clock.ts';
import { systemRandom } from '../../telemetry/system-random.ts';
import { SipEndpoint, type SipEndpointOptions } from '../endpoint.ts';
import { NodeDatagramNetwork } from '../node-datagram-network.ts';
import { NodeStreamNetwork } from '../node-stream-network.ts';
import { NodeTlsNetwork } from '../node-tls-network.ts';
import type { InviteClientSession } from '../session/invite-client-session.ts';
import type { InviteServerSession } from '../session/invite-server-session.ts';
import { mediaAt } from '../testing/call-setup.ts';

type Identity = { readonly ca: string; readonly cert: string; readonly key: string };

let directory: string;
/** Speaks for localhost and 127.0.0.1. */
let own: Identity;
/** The same names, by an authority that nobody knows. */
let strange: Identity;
const open: SipEndpoint[] = [];
const sockets: Socket[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-sip-tls-'));
  own = await makeIdentity('own');
  strange = await makeIdentity('strange');
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const endpoint of open.splice(0)) await endpoint.close();
});

afterAll(() => rm(directory, { recursive: true }));

async function makeIdentity(name: string): Promise<Identity> {
  const made = await ensureDevelopmentTls(join(directory, name), [], systemClock, systemRandom);
  const [ca, cert, key] = await Promise.all(
    [made.caFile, made.certFile, made.keyFile].map((file) => readFile(file, 'utf8')),
  );
  return { ca: ca ?? '', cert: cert ?? '', key: key ?? '' };
}

async function openEndpoint(
  identity: Identity = own,
  options: Partial<SipEndpointOptions> = {},
): Promise<SipEndpoint> {
  const { cert, key } = identity;
  const endpoint = await SipEndpoint.open(
    { hosts: ['127.0.0.1'], port: 0, tlsPort: 0, ...options },
    {
      clock: systemClock,
      random: systemRandom,
      datagrams: new NodeDatagramNetwork(systemClock),
      streams: new NodeStreamNetwork(),
      secureStreams: new NodeTlsNetwork({ cert, key, authorities: [own.ca] }),
      resolveHost: () => Promise.resolve(['127.0.0.1']),
    },
  );
  open.push(endpoint);
  return endpoint;
}

function tlsPortOf(endpoint: SipEndpoint): number {
  return endpoint.tlsAddresses[0]?.port ?? 0;
}

type Client = { readonly socket: Socket; text: () => string; readonly closed: Promise<void> };

function watched(socket: Socket): Client {
  sockets.push(socket);
  let text = '';
  socket.on('data', (data) => (text += data.toString('utf8')));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve();
    });
  });
  return { socket, text: () => text, closed };
}

function options(transport: 'TLS' | 'TCP', uri: string): string {
  return [
    `OPTIONS ${uri} SIP/2.0`,
    `Via: SIP/2.0/${transport} phone.invalid;branch=z9hG4bK-${uri.length}`,
    'From: <sip:b@c>;tag=1',
    'To: <sip:a@127.0.0.1>',
    'Call-ID: x',
    'CSeq: 1 OPTIONS',
    'Max-Forwards: 70',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

test('a client that trusts our authority is served, its keep-alives too', async () => {
  const endpoint = await openEndpoint();
  const client = watched(connectTls({ port: tlsPortOf(endpoint), host: '127.0.0.1', ca: own.ca }));
  client.socket.write('\r\n\r\n');
  await expect.poll(client.text).toBe('\r\n');
  client.socket.write(options('TLS', 'sip:a@127.0.0.1'));
  await expect.poll(client.text).toContain('SIP/2.0 200 OK');
  expect(client.text()).toContain('Via: SIP/2.0/TLS phone.invalid;branch=z9hG4bK-15;received=127');
});

test('what is for a sips URI has to come by TLS', async () => {
  const endpoint = await openEndpoint();
  const secure = watched(connectTls({ port: tlsPortOf(endpoint), host: '127.0.0.1', ca: own.ca }));
  secure.socket.write(options('TLS', 'sips:a@127.0.0.1'));
  await expect.poll(secure.text).toContain('SIP/2.0 200 OK');
  const plain = watched(connectTcp(endpoint.addresses[0]?.port ?? 0, '127.0.0.1'));
  plain.socket.write(options('TCP', 'sips:a@127.0.0.1'));
  await expect.poll(plain.text).toContain('SIP/2.0 416 ');
});

type Ring = { readonly caller: InviteClientSession; readonly accepted: Promise<void> };

function call(from: SipEndpoint, uri: string): Ring & { readonly ended: Promise<number> } {
  const parsed = parseSipUri(uri);
  if (!parsed.ok) throw new Error(parsed.defect);
  const caller = from.invite({
    uri: parsed.value,
    from: { user: 'alice', host: '', displayName: '' },
    media: mediaAt('127.0.0.1'),
  });
  const accepted = new Promise<void>((resolve) => {
    caller.onAccept = () => {
      resolve();
    };
  });
  const ended = new Promise<number>((resolve) => {
    caller.onEnd = (end) => {
      resolve(end.status);
    };
  });
  return { caller, accepted, ended };
}

/** Answers every call, and keeps it. */
function answering(endpoint: SipEndpoint): readonly InviteServerSession[] {
  const sessions: InviteServerSession[] = [];
  endpoint.onInvite = (session) => {
    sessions.push(session);
    void session.accept(mediaAt('127.0.0.1', 30_000));
  };
  return sessions;
}

test.each([
  ['sips:bob@localhost:PORT', 'sips:alice@127.0.0.1:'],
  ['sip:bob@127.0.0.1:PORT;transport=tls', 'sip:alice@127.0.0.1:'],
])('a call to %s stays with TLS to its end, on one connection', async (uri, contact) => {
  const [alice, bob] = [await openEndpoint(), await openEndpoint()];
  const sessions = answering(bob);
  const calls = [1, 2].map(() => call(alice, uri.replace('PORT', String(tlsPortOf(bob)))));
  await Promise.all(calls.map(({ accepted }) => accepted));
  expect(sessions.map(({ flow }) => flow.transport)).toEqual(['TLS', 'TLS']);
  const [request] = sessions.map((session) => session.request);
  expect(request?.via).toMatchObject({ transport: 'TLS', port: tlsPortOf(alice) });
  const parameters = uri.startsWith('sips') ? '' : ';transport=tls';
  expect(request?.headers.get('Contact')).toBe(`<${contact}${tlsPortOf(alice)}${parameters}>`);
  expect([alice.counts.connections, bob.counts.connections]).toEqual([1, 1]);
  await Promise.all(calls.map(({ caller }) => caller.end({ status: 200, reason: 'Done' })));
  expect(bob.counts.dialogs).toBe(0);
});

test('who is called has to be whom the URI names, by an authority that is trusted', async () => {
  const alice = await openEndpoint();
  const bob = await openEndpoint();
  const mallory = await openEndpoint(strange);
  answering(bob);
  answering(mallory);
  const named = call(alice, `sips:bob@elsewhere.example:${tlsPortOf(bob)}`);
  expect(await named.ended).toBe(503);
  const unknown = call(alice, `sips:bob@localhost:${tlsPortOf(mallory)}`);
  expect(await unknown.ended).toBe(503);
  // A connection that has proved another name is not taken for this one.
  await call(alice, `sips:bob@localhost:${tlsPortOf(bob)}`).accepted;
  expect(await call(alice, `sips:bob@elsewhere.example:${tlsPortOf(bob)}`).ended).toBe(503);
  expect(alice.counts.connections).toBe(1);
});

test('without TLS nobody is called by it', async () => {
  const alice = await SipEndpoint.open(
    { hosts: ['127.0.0.1'], port: 0 },
    {
      clock: systemClock,
      random: systemRandom,
      datagrams: new NodeDatagramNetwork(systemClock),
      streams: new NodeStreamNetwork(),
    },
  );
  open.push(alice);
  expect(alice.tlsAddresses).toEqual([]);
  expect(await call(alice, 'sips:bob@127.0.0.1').ended).toBe(503);
});

test('a port that is taken is refused in one line that names it', async () => {
  const port = tlsPortOf(await openEndpoint());
  await expect(openEndpoint(own, { tlsPort: port })).rejects.toMatchObject({
    code: 'port-in-use',
    field: 'tlsPort',
    message: `TLS 127.0.0.1:${port} is in use by another program`,
  });
});

test('connections that never shake hands are few, and those that are silent then go', async () => {
  const endpoint = await openEndpoint(own, { limits: { silentConnectionMs: 1 } });
  const port = tlsPortOf(endpoint);
  const half = Array.from({ length: 100 }, () => watched(connectTcp(port, '127.0.0.1')));
  await Promise.all(
    half.map(({ socket }) => new Promise<void>((resolve) => socket.once('connect', resolve))),
  );
  await watched(connectTcp(port, '127.0.0.1')).closed;
  expect(endpoint.counts.connections).toBe(0);
  half[0]?.socket.destroy();
  await expect
    .poll(async () => {
      const client = watched(connectTls({ port, host: '127.0.0.1', ca: own.ca }));
      client.socket.write(options('TLS', 'sip:a@127.0.0.1'));
      await Promise.race([
        client.closed,
        new Promise((resolve) => client.socket.once('data', resolve)),
      ]);
      return client.text();
    })
    .toContain('SIP/2.0 200 OK');
  const silent = watched(connectTls({ port, host: '127.0.0.1', ca: own.ca }));
  await silent.closed;
});
