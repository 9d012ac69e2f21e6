import { beforeEach, describe, expect, test } from 'vitest';
import type { RemoteMedia } from '../core/media-format.ts';
import type { IncomingInvite } from '../core/ports/signalling.ts';
import { answerChallenge } from '../protocols/sip/digest.ts';
import { parseChallenge } from '../protocols/sip/digest-header.ts';
import type { SipRequest } from '../protocols/sip/message.ts';
import { KEEP_ALIVE_MS } from './nat-keep-alive.ts';
import { createSipServer, type SipServer } from './server.ts';
import { createWorld, mediaAt, type World } from './testing/call-setup.ts';
import { RawPeer, SDP_OFFER, type RawRequest } from './testing/raw-peer.ts';

const SERVER = { address: '10.0.0.2', port: 5060 };
/** What the phone takes for its address. */
const INSIDE = '192.168.7.7:5060';
const OFFER = SDP_OFFER.replaceAll('10.0.0.9', '192.168.7.7');

let world: World;
let server: SipServer;
let invites: IncomingInvite[];

beforeEach(async () => {
  world = createWorld();
  server = await createSipServer(
    {
      hosts: [SERVER.address],
      port: SERVER.port,
      users: [{ name: 'alice', secret: 'wonderland' }],
      trunks: [],
    },
    world.ports,
  );
  invites = [];
  server.onInvite = (invite) => invites.push(invite);
});

async function turn(): Promise<void> {
  await world.clock.advanceWithTurns(20, 2);
}

/** A phone whose router changes the source of its packets, and nothing in them. */
class HiddenPhone {
  readonly peer: RawPeer;
  readonly #outside: string;

  private constructor(peer: RawPeer) {
    this.peer = peer;
    this.#outside = `${peer.local.address}:${peer.local.port}`;
  }

  static async open(address: string, port = 40_001): Promise<HiddenPhone> {
    return new HiddenPhone(await RawPeer.open(world.network, address, port, SERVER));
  }

  text(request: RawRequest): string {
    return this.peer.text(request).replaceAll(this.#outside, INSIDE);
  }

  async send(request: RawRequest): Promise<void> {
    this.peer.sendText(this.text(request));
    await turn();
  }

  get methods(): readonly string[] {
    return this.peer.requests.map((request: SipRequest) => request.method);
  }
}

let registerNumber = 0;

/** The phone registers as alice, or changes its registration. */
async function registered(phone: HiddenPhone, ...headers: readonly string[]): Promise<void> {
  const register = { method: 'REGISTER', uri: 'sip:10.0.0.2', callId: 'r', fromUser: 'alice' };
  const send = async (more: readonly string[]): Promise<void> => {
    registerNumber += 1;
    const text = phone.text({ ...register, cseq: registerNumber, headers: [...headers, ...more] });
    phone.peer.sendText(text.replace('To: <sip:bob@', 'To: <sip:alice@'));
    await turn();
  };
  await send([]);
  const challenge = parseChallenge(phone.peer.last?.headers.get('WWW-Authenticate') ?? '');
  if (!challenge.ok) throw new Error(challenge.defect);
  const answer = answerChallenge(challenge.value, {
    ...{ username: 'alice', password: 'wonderland', method: 'REGISTER' },
    ...{ uri: 'sip:10.0.0.2', cnonce: 'c', nonceCount: 1 },
  });
  await send([`Authorization: ${answer}`]);
  expect(phone.peer.last?.status).toBe(200);
}

// A router between two private networks is one too.
describe.each(['203.0.113.9', '10.0.0.9'])(
  'a phone behind a router that shows as %s',
  (outside) => {
    async function called(
      phone: HiddenPhone,
    ): Promise<{ readonly invite: IncomingInvite; readonly remote: RemoteMedia }> {
      await phone.send({ method: 'INVITE', body: OFFER });
      const [invite] = invites;
      if (invite === undefined) throw new Error('no INVITE');
      const accepting = invite.accept(mediaAt(SERVER.address));
      await turn();
      const toTag = phone.peer.last?.to.parameters.get('tag') ?? '';
      await phone.send({ method: 'ACK', toTag });
      return { invite, remote: await accepting };
    }

    test('calls, and has its answers and our requests where it is seen', async () => {
      const phone = await HiddenPhone.open(outside);
      const { invite } = await called(phone);
      expect(phone.peer.last?.status).toBe(200);
      expect(phone.peer.last?.headers.get('Via')).toContain(`;received=${outside}`);
      expect(phone.peer.last?.headers.get('Via')).toContain(';rport=40001');
      void invite.end({ status: 200, reason: 'Done' });
      await turn();
      expect(phone.methods).toEqual(['BYE']);
      expect(phone.peer.requests[0]?.uri.host).toBe('192.168.7.7');
    });

    test('may send its media from where its signalling comes from', async () => {
      const { remote } = await called(await HiddenPhone.open(outside));
      expect(remote.rtp.address).toBe('192.168.7.7');
      expect(remote.alternativeSources).toEqual([outside]);
    });

    test('gets a BYE after a restart too', async () => {
      const phone = await HiddenPhone.open(outside);
      const { invite } = await called(phone);
      const stored = invite.stored();
      await server.close();
      const again = await createSipServer(
        { hosts: [SERVER.address], port: SERVER.port, users: [], trunks: [] },
        world.ports,
      );
      void again.endStored(JSON.parse(JSON.stringify(stored)) as Record<string, unknown>);
      await turn();
      expect(phone.methods).toEqual(['BYE']);
    });

    test('registers, is called there, and is told there that the call is over', async () => {
      const phone = await HiddenPhone.open(outside);
      await registered(phone);

      const [uri = ''] = server.contactsOf('alice');
      const from = { user: 'x', host: '', displayName: '' };
      const call = server.invite({ uri, from, media: mediaAt(SERVER.address) });
      const agreed: RemoteMedia[] = [];
      call.onAccept = (remote) => agreed.push(remote);
      await turn();
      const [invite] = phone.peer.requests;
      if (invite === undefined) throw new Error('no INVITE');
      phone.peer.respond(invite, 200, {
        toTag: 'phone',
        body: OFFER,
        headers: [`Contact: <sip:alice@${INSIDE}>`],
      });
      await turn();
      expect(agreed[0]?.alternativeSources).toEqual([outside]);
      void call.end({ status: 200, reason: 'Done' });
      await turn();
      expect(phone.methods).toEqual(['INVITE', 'ACK', 'BYE']);
    });

    test('whose router gives it another port or address is followed there', async () => {
      const phone = await HiddenPhone.open(outside);
      const { invite } = await called(phone);
      const changes: RemoteMedia[] = [];
      invite.onMediaChange = (remote) => changes.push(remote);
      const toTag = phone.peer.last?.to.parameters.get('tag') ?? '';
      const moved = await HiddenPhone.open('198.51.100.7', 40_777);
      await moved.send({ method: 'INVITE', toTag, cseq: 2, body: OFFER });
      expect(moved.peer.last?.status).toBe(200);
      await moved.send({ method: 'ACK', toTag, cseq: 2 });
      expect(changes[0]).toMatchObject({
        rtp: { address: '192.168.7.7' },
        alternativeSources: ['198.51.100.7'],
      });
      void invite.end({ status: 200, reason: 'Done' });
      await turn();
      expect(moved.methods).toEqual(['BYE']);
      expect(phone.methods).toEqual([]);
    });

    test('is not followed to where a request comes from that is none of its dialog', async () => {
      const phone = await HiddenPhone.open(outside);
      const { invite } = await called(phone);
      const toTag = phone.peer.last?.to.parameters.get('tag') ?? '';
      const thief = await HiddenPhone.open('198.51.100.7', 40_777);
      await thief.send({ method: 'INVITE', toTag: 'x', cseq: 2, body: OFFER });
      await thief.send({ method: 'INVITE', toTag, fromTag: 'x', cseq: 3, body: OFFER });
      expect(thief.peer.statuses).toEqual([481, 481]);
      void invite.end({ status: 200, reason: 'Done' });
      await turn();
      expect(phone.methods).toEqual(['BYE']);
      expect(thief.methods).toEqual([]);
    });

    test('is asked for its OPTIONS as long as it is registered, so that its router knows it', async () => {
      const phone = await HiddenPhone.open(outside);
      await registered(phone);
      for (let times = 1; times <= 4; times += 1) {
        await world.clock.advanceWithTurns(KEEP_ALIVE_MS, 500);
        expect(phone.methods).toEqual(Array.from({ length: times }, () => 'OPTIONS'));
        const asked = phone.peer.requests.at(-1);
        expect(asked?.uri).toMatchObject({ user: 'alice', host: '192.168.7.7' });
        // Whatever it says, it is there.
        if (asked !== undefined) phone.peer.respond(asked, 405, { toTag: 'phone' });
      }
      await registered(phone, 'Expires: 0');
      await world.clock.advanceWithTurns(4 * KEEP_ALIVE_MS, 500);
      expect(phone.methods).toHaveLength(4);
      expect(server.counts.clientTransactions).toBe(0);
    });

    test('that answers no OPTIONS is left alone until it registers again', async () => {
      const phone = await HiddenPhone.open(outside);
      await registered(phone);
      const asked = (): number => new Set(phone.peer.requests.map(({ callId }) => callId)).size;
      await world.clock.advanceWithTurns(10 * KEEP_ALIVE_MS, 500);
      expect(asked()).toBe(3);
      await registered(phone);
      await world.clock.advanceWithTurns(10 * KEEP_ALIVE_MS, 500);
      expect(asked()).toBe(6);
    });

    test('keeps its way open with OPTIONS and with empty lines', async () => {
      const phone = await HiddenPhone.open(outside);
      phone.peer.sendText('\r\n\r\n');
      await phone.send({ method: 'OPTIONS' });
      expect(phone.peer.statuses).toEqual([200]);
      expect(phone.peer.texts).toHaveLength(1);
    });
  },
);

test('behind a proxy the Contact counts, for the source is the proxy’s', async () => {
  const proxy = await RawPeer.open(world.network, '10.0.0.9', 40_001, SERVER);
  const phone = await RawPeer.open(world.network, '10.0.0.7', 5060, SERVER);
  const text = proxy
    .text({ method: 'INVITE', body: SDP_OFFER })
    .replaceAll('10.0.0.9:40001', '10.0.0.7:5060')
    .replace('Via: ', 'Via: SIP/2.0/UDP 10.0.0.7:5070;rport;branch=z9hG4bK-proxy\r\nVia: ');
  proxy.sendText(text);
  await turn();
  const accepting = invites[0]?.accept(mediaAt(SERVER.address));
  await turn();
  const toTag = proxy.last?.to.parameters.get('tag') ?? '';
  phone.send({ method: 'ACK', toTag });
  await turn();
  await accepting;
  void invites[0]?.end({ status: 200, reason: 'Done' });
  await turn();
  expect(phone.requests.map(({ method }) => method)).toEqual(['BYE']);
  expect(proxy.requests).toEqual([]);
});
