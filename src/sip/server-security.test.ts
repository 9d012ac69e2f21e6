import { expect, test } from 'vitest';
import type { LocalMedia, RemoteMedia, SecurityPolicy } from '../core/media-format.ts';
import type { IncomingInvite } from '../core/ports/signalling.ts';
import { parseSipUri, type SipUri } from '../protocols/sip/uri.ts';
import type { SipEndpoint } from './endpoint.ts';
import { createSipServer, type SipServer } from './server.ts';
import type { SipServerOptions } from './server-options.ts';
import { createWorld, mediaAt, openEndpoint, type World } from './testing/call-setup.ts';

const SERVER = '10.0.0.2';
const PHONE = '10.0.0.1';
const CREDENTIALS = { username: 'alice', password: 'wonderland' };

type Stage = {
  readonly world: World;
  readonly server: SipServer;
  readonly phone: SipEndpoint;
  /** Calls that reached the application side. */
  readonly invites: readonly IncomingInvite[];
};

async function stage(
  policies: {
    readonly user?: SecurityPolicy;
    readonly trunk?: SecurityPolicy;
    readonly everybody?: SecurityPolicy;
  } = {},
): Promise<Stage> {
  const world = createWorld();
  const { user, trunk, everybody } = policies;
  const options: SipServerOptions = {
    hosts: [SERVER],
    port: 5060,
    users: [
      { name: 'alice', secret: 'wonderland', ...(user === undefined ? {} : { secure: user }) },
    ],
    trunks: [
      {
        name: 'carrier',
        uri: `sip:${PHONE}:5070`,
        addresses: ['10.9.0.0/28'],
        mediaAddresses: [],
        ...(trunk === undefined ? {} : { secure: trunk }),
      },
    ],
    ...(everybody === undefined ? {} : { secureMedia: everybody }),
  };
  const server = await createSipServer(options, world.ports);
  const invites: IncomingInvite[] = [];
  server.onInvite = (invite) => invites.push(invite);
  return { world, server, phone: await openEndpoint(world, PHONE), invites };
}

function withPolicy(media: LocalMedia, security: SecurityPolicy): LocalMedia {
  return { ...media, security };
}

/** The phone calls as this user, with SRTP or without. */
async function calling(
  { world, phone, invites }: Stage,
  user: string,
  security: SecurityPolicy,
): Promise<{
  readonly status: number | undefined;
  readonly remote: RemoteMedia | undefined;
}> {
  const call = phone.invite({
    uri: uriOf(`sip:bob@${SERVER}`),
    from: { user, host: SERVER, displayName: '' },
    media: withPolicy(mediaAt(PHONE), security),
    credentials: CREDENTIALS,
  });
  let status: number | undefined;
  let remote: RemoteMedia | undefined;
  call.onEnd = (end) => (status = end.status);
  call.onAccept = (agreed) => (remote = agreed);
  await world.clock.advanceWithTurns(100, 2);
  void invites.at(-1)?.accept(mediaAt(SERVER, 40_000));
  await world.clock.advanceWithTurns(100, 2);
  return { status, remote };
}

test('who has to encrypt is refused without, before anybody is rung', async () => {
  const strict = await stage({ user: 'require' });
  expect(await calling(strict, 'alice', 'plain')).toEqual({ status: 488, remote: undefined });
  expect(strict.invites).toEqual([]);
  const { remote } = await calling(strict, 'alice', 'require');
  expect(remote?.security?.suite).toBe('AES_CM_128_HMAC_SHA1_80');
  expect(strict.invites).toHaveLength(1);
  // Others need not.
  expect((await calling(strict, 'carol', 'plain')).remote).toBeDefined();
});

test('what holds for everybody holds for who is unknown too, and with what a user has the strictest', async () => {
  const strict = await stage({ everybody: 'require' });
  expect((await calling(strict, 'carol', 'plain')).status).toBe(488);
  expect((await calling(strict, 'carol', 'require')).remote?.security).toBeDefined();
  const plain = await stage({ everybody: 'plain', user: 'require' });
  expect((await calling(plain, 'carol', 'require')).status).toBe(488);
  expect((await calling(plain, 'alice', 'plain')).status).toBe(488);
  expect((await calling(plain, 'alice', 'require')).remote?.security).toBeDefined();
});

test('nothing said, the caller decides', async () => {
  const open = await stage();
  expect((await calling(open, 'alice', 'plain')).remote?.security).toBeUndefined();
  expect((await calling(open, 'alice', 'require')).remote?.security).toBeDefined();
  expect(open.invites.map((invite) => invite.offeredSecurity)).toEqual([['plain'], ['srtp']]);
});

/** What our INVITE to this URI offers. */
async function offerTo(
  { world, server, phone }: Stage,
  to: { readonly uri: string; readonly trunk?: string },
): Promise<string> {
  let offer = '';
  phone.onInvite = (session) => {
    offer = Buffer.from(session.request.body).toString();
    void session.accept(mediaAt(PHONE));
  };
  const from = { user: 'bob', host: '', displayName: '' };
  server.invite({ ...to, from, media: mediaAt(SERVER) });
  await world.clock.advanceWithTurns(100, 2);
  return /^m=audio \d+ (\S+)/m.exec(offer)?.[1] ?? '';
}

test('a phone is called as its user wants it, a trunk as it does, and others as everybody', async () => {
  const strict = await stage({ user: 'require', trunk: 'require' });
  let cseqNumber = 0;
  const registered = strict.phone.request({
    method: 'REGISTER',
    uri: uriOf(`sip:${SERVER}`),
    from: uriOf(`sip:alice@${SERVER}`),
    callId: 'registration',
    cseqNumber: () => (cseqNumber += 1),
    headers: (target) => [['Contact', strict.phone.context.contact('alice', target)]],
    credentials: CREDENTIALS,
  });
  await strict.world.clock.advanceWithTurns(100, 2);
  expect(await registered).toMatchObject({ response: { status: 200 } });
  const [uri = ''] = strict.server.contactsOf('alice');
  expect(await offerTo(strict, { uri })).toBe('RTP/SAVP');
  const number = `sip:+15550100@${PHONE}`;
  expect(await offerTo(strict, { uri: number, trunk: 'carrier' })).toBe('RTP/SAVP');
  expect(await offerTo(strict, { uri: number })).toBe('RTP/AVP');
  const everybody = await stage({ everybody: 'require' });
  expect(await offerTo(everybody, { uri: number })).toBe('RTP/SAVP');
});

test('who refuses our encrypted offer is not called without encryption', async () => {
  const strict = await stage({ everybody: 'require' });
  strict.phone.onInvite = (session) => {
    void session.accept(withPolicy(mediaAt(PHONE), 'plain')).catch(() => undefined);
  };
  const from = { user: 'bob', host: '', displayName: '' };
  const call = strict.server.invite({ uri: `sip:x@${PHONE}`, from, media: mediaAt(SERVER) });
  const seen: (number | 'accepted')[] = [];
  call.onEnd = (end) => seen.push(end.status);
  call.onAccept = () => seen.push('accepted');
  await strict.world.clock.advanceWithTurns(200, 2);
  expect(seen).toEqual([488]);
});

function uriOf(text: string): SipUri {
  const uri = parseSipUri(text);
  if (!uri.ok) throw new Error(uri.defect);
  return uri.value;
}
