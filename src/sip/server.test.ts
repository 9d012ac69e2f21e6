import { beforeEach, expect, test } from 'vitest';
import type { IncomingInvite, SessionEnd } from '../core/ports/signalling.ts';
import { answerChallenge } from '../protocols/sip/digest.ts';
import { parseChallenge } from '../protocols/sip/digest-header.ts';
import type { SipResponse } from '../protocols/sip/message.ts';
import { createSipServer, type SipServer } from './server.ts';
import type { SipServerOptions } from './server-options.ts';
import { createWorld, mediaAt, type World } from './testing/call-setup.ts';
import { RawPeer, SDP_OFFER, type RawRequest } from './testing/raw-peer.ts';

const SERVER = { address: '10.0.0.2', port: 5060 };
const URI = 'sip:10.0.0.2';

let world: World;
let server: SipServer;
let peer: RawPeer;
let invites: IncomingInvite[];

const OPTIONS: SipServerOptions = {
  hosts: [SERVER.address],
  port: SERVER.port,
  users: [
    { name: 'alice', secret: 'wonderland', number: '+15550100' },
    { name: 'bob', secret: 'builder' },
  ],
  trunks: [
    {
      name: 'carrier',
      uri: 'sip:10.9.0.1:5070',
      username: 'td',
      password: 'trunked',
      addresses: ['10.9.0.0/28', '2001:db8::/64'],
      mediaAddresses: ['10.9.1.0/28'],
    },
  ],
};

beforeEach(async () => {
  world = createWorld();
  server = await open({});
  peer = await RawPeer.open(world.network, '10.0.0.9', 5062, SERVER);
});

async function open(options: Partial<SipServerOptions>): Promise<SipServer> {
  const opened = await createSipServer({ ...OPTIONS, ...options }, world.ports);
  invites = [];
  opened.onInvite = (invite) => invites.push(invite);
  return opened;
}

async function turn(ms = 10): Promise<void> {
  await world.clock.advanceWithTurns(ms, ms > 200 ? 50 : 2);
}

async function ask(request: RawRequest, from = peer): Promise<SipResponse> {
  const before = from.responses.length;
  from.send(request);
  await turn();
  const response = from.responses[before];
  if (response === undefined) throw new Error(`no answer to ${request.method}`);
  return response;
}

type Proof = {
  user?: string;
  secret?: string;
  algorithm?: 'MD5' | 'SHA-256';
  nonceCount?: number;
  uri?: string;
};

/** The header that answers a challenge. */
function proof(challenged: SipResponse, method: string, given: Proof = {}): string {
  const isProxy = challenged.status === 407;
  const challenge = challenged.headers
    .all(isProxy ? 'Proxy-Authenticate' : 'WWW-Authenticate')
    .map((value) => parseChallenge(value))
    .find((each) => each.ok && each.value.algorithm === (given.algorithm ?? 'MD5'));
  if (challenge?.ok !== true) throw new Error('no such challenge');
  const value = answerChallenge(challenge.value, {
    username: given.user ?? 'alice',
    password: given.secret ?? 'wonderland',
    method,
    uri: given.uri ?? (method === 'REGISTER' ? URI : 'sip:bob@10.0.0.2:5060'),
    cnonce: 'c',
    nonceCount: given.nonceCount ?? 1,
  });
  return `${isProxy ? 'Proxy-Authorization' : 'Authorization'}: ${value}`;
}

let cseq = 100;

async function register(
  lines: readonly string[],
  given: Proof & { callId?: string; to?: string; from?: RawPeer } = {},
): Promise<SipResponse> {
  const from = given.from ?? peer;
  const common = { method: 'REGISTER', uri: URI, callId: given.callId ?? 'reg', fromUser: 'alice' };
  const send = (headers: readonly string[]): Promise<SipResponse> => {
    cseq += 1;
    const text = from
      .text({ ...common, cseq, headers: [...headers, ...lines] })
      .replace(/^Contact: <sip:alice@10[^\r]*\r\n/m, '')
      .replace('To: <sip:bob@', `To: <sip:${given.to ?? 'alice'}@`);
    const before = from.responses.length;
    from.sendText(text);
    return turn().then(() => {
      const response = from.responses[before];
      if (response === undefined) throw new Error('no answer');
      return response;
    });
  };
  const challenged = await send([]);
  expect(challenged.status).toBe(401);
  return send([proof(challenged, 'REGISTER', given)]);
}

test.each(['MD5', 'SHA-256'] as const)(
  'a phone registers with digest (%s), refreshes and leaves',
  async (algorithm) => {
    const contact = 'Contact: <sip:alice@10.0.0.9:5062>';
    const response = await register([contact, 'Expires: 60'], { algorithm });
    expect(response.status).toBe(200);
    expect(response.headers.get('Contact')).toBe('<sip:alice@10.0.0.9:5062>;expires=60');
    expect(server.contactsOf('alice')).toEqual(['sip:alice@10.0.0.9:5062']);
    expect(server.contactsOf('+15550100')).toEqual(['sip:alice@10.0.0.9:5062']);
    await register([contact, 'Expires: 0'], { algorithm });
    expect(server.contactsOf('alice')).toEqual([]);
  },
);

test('a wrong secret, an unknown user and another user’s address are refused', async () => {
  const contact = 'Contact: <sip:alice@10.0.0.9:5062>';
  expect((await register([contact], { secret: 'wrong' })).status).toBe(401);
  expect((await register([contact], { user: 'mallory' })).status).toBe(401);
  expect((await register([contact], { user: 'bob', secret: 'builder' })).status).toBe(403);
  expect((await register([contact], { uri: 'sip:elsewhere' })).status).toBe(401);
  expect(server.contactsOf('alice')).toEqual([]);
});

test('an answer to a challenge is accepted once, and not after its nonce is too old', async () => {
  const common = { method: 'REGISTER', uri: URI, fromUser: 'alice' };
  const toAlice = (text: string): string => text.replace('To: <sip:bob@', 'To: <sip:alice@');
  const send = async (number: number, header: string): Promise<SipResponse> => {
    const before = peer.responses.length;
    peer.sendText(toAlice(peer.text({ ...common, cseq: number, headers: [header] })));
    await turn();
    const response = peer.responses[before];
    if (response === undefined) throw new Error('no answer');
    return response;
  };
  const challenged = await send(1, 'X-None: 1');
  const first = proof(challenged, 'REGISTER');
  expect((await send(2, first)).status).toBe(200);
  const replayed = await send(3, first);
  expect(replayed.status).toBe(401);
  expect(replayed.headers.get('WWW-Authenticate')).toContain('stale=true');
  expect((await send(4, proof(challenged, 'REGISTER', { nonceCount: 2 }))).status).toBe(200);
  await turn(301_000);
  const late = await send(5, proof(challenged, 'REGISTER', { nonceCount: 3 }));
  expect(late.headers.get('WWW-Authenticate')).toContain('stale=true');
});

test('several phones of a user are listed newest first, and forgotten when they expire', async () => {
  await register(['Contact: <sip:alice@10.0.0.9:1001>', 'Expires: 100'], { callId: 'a' });
  await register(['Contact: <sip:alice@10.0.0.9:1002>;expires=200'], { callId: 'b' });
  expect(server.contactsOf('alice')).toEqual([
    'sip:alice@10.0.0.9:1002',
    'sip:alice@10.0.0.9:1001',
  ]);
  await turn(101_000);
  expect(server.contactsOf('alice')).toEqual(['sip:alice@10.0.0.9:1002']);
  await register(['Contact: *', 'Expires: 0'], { callId: 'c' });
  expect(server.contactsOf('alice')).toEqual([]);
});

test('a registration that is too brief is refused with the minimum', async () => {
  const response = await register(['Contact: <sip:alice@10.0.0.9>;expires=5']);
  expect([response.status, response.headers.get('Min-Expires')]).toEqual([423, '10']);
});

test('a call to a phone behind a router goes to where its REGISTER came from', async () => {
  await register(['Contact: <sip:alice@192.168.7.7:5060>']);
  const [uri = ''] = server.contactsOf('alice');
  server.invite({
    uri,
    from: { user: 'x', host: '', displayName: '' },
    media: mediaAt(SERVER.address),
  });
  await turn();
  expect(peer.requests[0]?.uri.host).toBe('192.168.7.7');
});

test('two phones with one private address behind two routers are told apart', async () => {
  const other = await RawPeer.open(world.network, '10.0.0.8', 5062, SERVER);
  const contact = 'Contact: <sip:alice@192.168.7.7:5060>';
  await register([contact], { callId: 'a' });
  const challenged = await ask(
    { method: 'REGISTER', uri: URI, callId: 'z', fromUser: 'bob', headers: [] },
    other,
  );
  const answer = proof(challenged, 'REGISTER', { user: 'bob', secret: 'builder' });
  const text = other
    .text({
      method: 'REGISTER',
      uri: URI,
      callId: 'z',
      cseq: 2,
      fromUser: 'bob',
      headers: [answer, contact],
    })
    .replace(/^Contact: <sip:bob[^\r]*\r\n/m, '');
  other.sendText(text);
  await turn();
  const [first, second] = [server.contactsOf('alice')[0] ?? '', server.contactsOf('bob')[0] ?? ''];
  expect(first).not.toBe(second);
  server.invite({
    uri: second,
    from: { user: 'x', host: '', displayName: '' },
    media: mediaAt(SERVER.address),
  });
  await turn();
  expect([peer.requests.length, other.requests.length]).toEqual([0, 1]);
  expect(other.requests[0]?.uri.parameters.size).toBe(0);
});

const INVITE: RawRequest = { method: 'INVITE', body: SDP_OFFER };

test('an INVITE from a configured user is challenged, and carries the user’s name then', async () => {
  const challenged = await ask({ ...INVITE, fromUser: 'alice' });
  expect(challenged.status).toBe(407);
  peer.send({ ...INVITE, fromUser: 'alice', method: 'ACK', branch: 'z9hG4bK-call-1-1-INVITE' });
  peer.send({ ...INVITE, fromUser: 'alice', cseq: 2, headers: [proof(challenged, 'INVITE')] });
  await turn();
  expect(invites).toHaveLength(1);
  expect(invites[0]?.authenticatedUser).toBe('alice');
  expect(invites[0]?.from.user).toBe('alice');
});

test('the number of a user is not a credential either', async () => {
  expect((await ask({ ...INVITE, fromUser: '+15550100' })).status).toBe(407);
  expect(invites).toHaveLength(0);
});

test('a stranger’s INVITE goes through unauthenticated; its asserted identity is not believed', async () => {
  const headers = [
    'P-Asserted-Identity: <sip:+15559999@fake.example>',
    'X-Order: 4711',
    'User-To-User: 00;encoding=hex',
    'Subject: private',
  ];
  peer.send({ ...INVITE, headers });
  await turn();
  expect(invites[0]).toMatchObject({
    authenticatedUser: undefined,
    trunk: undefined,
    sourceAddress: '10.0.0.9',
    from: { user: 'caller', host: '10.0.0.9', displayName: 'A Caller' },
    to: { user: 'bob', host: '10.0.0.2' },
    sipHeaders: { 'X-Order': '4711', 'User-To-User': '00;encoding=hex' },
  });
  expect(Object.keys(invites[0]?.sipHeaders ?? {})).toHaveLength(2);
  expect(invites[0]?.offeredFormats?.map((format) => format.codec)).toEqual(['PCMU', 'PCMA']);
});

test('a source under a trunk’s addresses is that trunk, and its asserted identity is believed', async () => {
  const carrier = await RawPeer.open(world.network, '10.9.0.3', 5060, SERVER);
  const headers = ['P-Asserted-Identity: "Ann" <sip:+15551234@carrier.example>, <tel:+15551234>'];
  carrier.send({ ...INVITE, fromUser: 'alice', headers });
  await turn();
  expect(invites[0]).toMatchObject({
    trunk: 'carrier',
    authenticatedUser: undefined,
    from: { user: '+15551234', host: 'carrier.example', displayName: 'Ann' },
  });
  const remote = await invites[0]?.accept(mediaAt(SERVER.address));
  expect(remote?.alternativeSources).toEqual(['10.9.0.3', '10.9.1.0/28']);
});

test('a call out through a trunk answers its challenge', async () => {
  const carrier = await RawPeer.open(world.network, '10.9.0.1', 5070, SERVER);
  const uri = server.trunkUri('carrier', '+15557777') ?? '';
  expect(uri).toBe('sip:+15557777@10.9.0.1:5070');
  const ends: SessionEnd[] = [];
  const call = server.invite({
    uri,
    trunk: 'carrier',
    from: { user: '+1555', host: '', displayName: '' },
    media: mediaAt(SERVER.address),
  });
  call.onEnd = (end) => ends.push(end);
  await turn();
  const [first] = carrier.requests;
  if (first === undefined) throw new Error('no INVITE');
  carrier.respond(first, 407, {
    toTag: 't1',
    headers: ['Proxy-Authenticate: Digest realm="carrier", nonce="n", algorithm=MD5, qop="auth"'],
  });
  await turn();
  const second = carrier.requests.filter((request) => request.method === 'INVITE').at(-1);
  expect(second?.cseq.number).toBe(2);
  expect(second?.headers.get('Proxy-Authorization')).toContain('username="td"');
  if (second === undefined) throw new Error('no second INVITE');
  // The same challenge again: the password is wrong, and asking for ever helps nobody.
  carrier.respond(second, 407, {
    toTag: 't2',
    headers: ['Proxy-Authenticate: Digest realm="carrier", nonce="n2", algorithm=MD5, qop="auth"'],
  });
  await turn();
  expect(ends).toEqual([expect.objectContaining({ status: 407, by: 'remote' })]);
});

test('a dialog that an earlier process held is ended with BYE, with the next number and its own tags', async () => {
  peer.send(INVITE);
  await turn();
  await invites[0]?.accept(mediaAt(SERVER.address));
  await turn();
  peer.send({
    method: 'ACK',
    toTag: peer.last?.to.parameters.get('tag') ?? '',
    branch: 'z9hG4bK-a',
  });
  await turn();
  const stored: unknown = JSON.parse(JSON.stringify(invites[0]?.stored()));
  const ourTag = peer.last?.to.parameters.get('tag');
  await server.close();
  const next = await open({ port: 5061 });
  const ending = next.endStored(stored as Record<string, unknown>);
  await turn();
  const [bye] = peer.requests;
  expect(bye).toMatchObject({ method: 'BYE', callId: 'call-1' });
  expect(bye?.from.parameters.get('tag')).toBe(ourTag);
  expect(bye?.to.parameters.get('tag')).toBe('from-1');
  expect(bye?.cseq.number).toBeGreaterThan(0);
  await turn(33_000);
  await ending;
  expect(next.counts.dialogs).toBe(0);
});

test('anything but a stored dialog is ended at once', async () => {
  for (const junk of [{}, { version: 1 }, { version: 1, callId: 'x', routeSet: [1] }]) {
    await server.endStored(junk);
  }
  await turn();
  expect(server.counts.clientTransactions).toBe(0);
});

test('above the limits new requests get 503 without a trace, and calls that are up are served', async () => {
  await server.close();
  server = await open({ limits: { requestsPerSecond: 10, requestBurst: 20 } });
  peer.send(INVITE);
  await turn();
  await invites[0]?.accept(mediaAt(SERVER.address));
  await turn();
  const toTag = peer.last?.to.parameters.get('tag') ?? '';
  peer.send({ method: 'ACK', toTag, branch: 'z9hG4bK-a' });
  const before = peer.responses.length;
  for (let index = 0; index < 50; index += 1) {
    peer.send({ method: 'OPTIONS', callId: `flood-${index}` });
  }
  await turn();
  const flooded = peer.statuses.slice(before);
  // One address may use half of what all may.
  expect(flooded.filter((status) => status === 200)).toHaveLength(9);
  expect(flooded.filter((status) => status === 503)).toHaveLength(41);
  expect(peer.last?.headers.has('Retry-After')).toBe(true);
  expect(server.counts.serverTransactions).toBe(10);
  const elsewhere = await RawPeer.open(world.network, '10.0.0.7', 5062, SERVER);
  expect((await ask({ method: 'OPTIONS', callId: 'calm' }, elsewhere)).status).toBe(200);
  expect((await ask({ method: 'BYE', toTag, cseq: 2 })).status).toBe(200);
  await turn(2_000);
  expect((await ask({ method: 'OPTIONS', callId: 'later' })).status).toBe(200);
});

test('one address may have so many calls that nobody answers, and others may still call', async () => {
  await server.close();
  server = await open({ limits: { maxUnansweredPerAddress: 3 } });
  for (let call = 0; call < 5; call += 1) peer.send({ ...INVITE, callId: `ringing-${call}` });
  await turn();
  expect(invites).toHaveLength(3);
  expect(peer.statuses.filter((status) => status === 503)).toHaveLength(2);
  expect((await ask({ method: 'OPTIONS', callId: 'no-call' })).status).toBe(200);
  const elsewhere = await RawPeer.open(world.network, '10.0.0.7', 5062, SERVER);
  elsewhere.send({ ...INVITE, callId: 'elsewhere' });
  await turn();
  expect(invites).toHaveLength(4);
  // What is answered or over makes room.
  await invites[0]?.accept(mediaAt(SERVER.address));
  await invites[1]?.end({ status: 480, reason: 'Temporarily Unavailable' });
  for (let call = 5; call < 8; call += 1) peer.send({ ...INVITE, callId: `ringing-${call}` });
  await turn();
  expect(invites).toHaveLength(6);
});

test('while draining, new calls get 503 and those that are up go on', async () => {
  peer.send(INVITE);
  await turn();
  server.drain();
  expect((await ask({ ...INVITE, callId: 'new' })).status).toBe(503);
  await invites[0]?.accept(mediaAt(SERVER.address));
  await turn();
  expect(peer.last?.status).toBe(200);
});

test('Via, Contact and SDP carry the external address', async () => {
  await server.close();
  server = await open({ externalAddresses: ['198.51.100.9'] });
  peer.send(INVITE);
  await turn();
  await invites[0]?.accept(mediaAt(SERVER.address));
  await turn();
  expect(peer.last?.headers.get('Contact')).toBe('<sip:bob@198.51.100.9:5060>');
  expect(Buffer.from(peer.last?.body ?? []).toString()).toContain('c=IN IP4 198.51.100.9');
  server.invite({
    uri: 'sip:x@10.0.0.9:5062',
    from: { user: 'a', host: '', displayName: '' },
    media: mediaAt(SERVER.address),
  });
  await turn();
  expect(peer.requests[0]?.via.host).toBe('198.51.100.9');
});

test('a text that is no SIP URI is a call that ends with 404', async () => {
  const ends: SessionEnd[] = [];
  const call = server.invite({
    uri: 'nonsense',
    from: { user: 'a', host: '', displayName: '' },
    media: mediaAt(SERVER.address),
  });
  call.onEnd = (end) => ends.push(end);
  await turn();
  expect(ends).toEqual([expect.objectContaining({ status: 404, by: 'local' })]);
});

test('a trunk that cannot be read is refused by name', async () => {
  const broken = { name: 'x', uri: 'sip:1.2.3.4', addresses: ['1.2.3.0/33'], mediaAddresses: [] };
  await expect(open({ port: 5099, trunks: [broken] })).rejects.toMatchObject({
    code: 'option-invalid',
    message: expect.stringContaining('trunk "x"') as string,
  });
});
