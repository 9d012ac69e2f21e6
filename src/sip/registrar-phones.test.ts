import { expect, test } from 'vitest';
import { parseSipUri, type SipUri } from '../protocols/sip/uri.ts';
import { createSipServer, type SipServer } from './server.ts';
import { SipEndpoint } from './endpoint.ts';
import type { Outcome } from './digest-client.ts';
import { createWorld, mediaAt, openEndpoint, type World } from './testing/call-setup.ts';

const SERVER = '10.0.0.2';

function uriOf(text: string): SipUri {
  const uri = parseSipUri(text);
  if (!uri.ok) throw new Error(uri.defect);
  return uri.value;
}

async function openServer(world: World): Promise<SipServer> {
  return createSipServer(
    {
      hosts: [SERVER],
      port: 5060,
      tlsPort: 5061,
      users: [{ name: 'alice', secret: 'wonderland' }],
      trunks: [],
    },
    { ...world.ports, secureStreams: world.network },
  );
}

async function register(
  world: World,
  phone: SipEndpoint,
  how: string,
  password = 'wonderland',
): Promise<Outcome> {
  let cseqNumber = 0;
  const outcome = phone.request({
    method: 'REGISTER',
    uri: uriOf(`sip:${SERVER}${how}`),
    from: uriOf(`sip:alice@${SERVER}`),
    callId: 'phone-1',
    cseqNumber: () => (cseqNumber += 1),
    headers: (target) => [
      ['Contact', phone.context.contact('alice', target)],
      ['Expires', '600'],
    ],
    credentials: { username: 'alice', password },
  });
  await world.clock.advanceWithTurns(100, 2);
  return outcome;
}

test.each([
  ['UDP', ''],
  ['TCP', ';transport=tcp'],
  ['TLS', ';transport=tls'],
])('a phone registers by %s and is called there', async (transport, how) => {
  const world = createWorld();
  const server = await openServer(world);
  const phone = await SipEndpoint.open(
    { hosts: ['10.0.0.1'], port: 5060 },
    { ...world.ports, secureStreams: world.network },
  );
  const outcome = await register(world, phone, how);
  expect(outcome).toMatchObject({ kind: 'response', response: { status: 200 } });
  let arrived = '';
  phone.onInvite = (session) => {
    arrived = session.flow.transport;
    void session.accept(mediaAt('10.0.0.1'));
  };
  const [uri = ''] = server.contactsOf('alice');
  const call = server.invite({
    uri,
    from: { user: 'bob', host: '', displayName: '' },
    media: mediaAt(SERVER),
  });
  let accepted = '';
  call.onAccept = (remote) => (accepted = remote.rtp.address);
  await world.clock.advanceWithTurns(100, 2);
  expect([arrived, accepted]).toEqual([transport, '10.0.0.1']);
  // By streams both ways share the connection that the phone opened.
  expect(server.counts.connections).toBe(transport === 'UDP' ? 0 : 1);
});

test('the connection of a registered phone outlives the idle time, until the binding is gone', async () => {
  const world = createWorld();
  const server = await openServer(world);
  const phone = await openEndpoint(world, '10.0.0.1', {
    limits: { idleConnectionMs: 10 * 3_600_000 },
  });
  await register(world, phone, ';transport=tcp');
  await world.clock.advanceWithTurns(590_000, 1_000);
  expect(server.counts.connections).toBe(1);
  await world.clock.advanceWithTurns(30_000, 1_000);
  expect(server.contactsOf('alice')).toEqual([]);
  expect(server.counts.connections).toBe(0);
});

test('a wrong password is tried once, not for ever', async () => {
  const world = createWorld();
  await openServer(world);
  const phone = await openEndpoint(world, '10.0.0.1');
  let sent = 0;
  world.network.loses = ({ text }) => {
    if (text.startsWith('REGISTER')) sent += 1;
    return false;
  };
  const outcome = await register(world, phone, '', 'wrong');
  expect(outcome).toMatchObject({ kind: 'response', response: { status: 401 } });
  expect(sent).toBe(2);
});
