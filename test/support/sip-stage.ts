import { expect } from 'vitest';
import { Calls } from '../../src/calls/calls.ts';
import type { Route } from '../../src/calls/route.ts';
import { FakeWorld } from '../../src/calls/testing/fake-world.ts';
import type { SipRequest } from '../../src/protocols/sip/message.ts';
import { parseSipUri, type SipUri } from '../../src/protocols/sip/uri.ts';
import { SipEndpoint, type SipPorts } from '../../src/sip/endpoint.ts';
import type { InviteClientSession } from '../../src/sip/session/invite-client-session.ts';
import type { InviteServerSession } from '../../src/sip/session/invite-server-session.ts';
import { createSipServer } from '../../src/sip/server.ts';
import { mediaAt } from '../../src/sip/testing/call-setup.ts';
import { MemoryNetwork, type Datagram } from '../../src/sip/testing/memory-network.ts';
import { RawPeer } from '../../src/sip/testing/raw-peer.ts';
import { seededRandom } from '../../src/sip/testing/seeded-random.ts';

export const SERVER: { readonly address: string; readonly port: number } = {
  address: '10.0.0.2',
  port: 5060,
};
export const OURS = '10.0.0.2:5060';
export const TRUNK = '10.9.0.1:5060';
const USERS = ['alice', 'bob', 'carol', 'mallory'];

/** The server with its calls, users' phones, a carrier, and every INVITE that the server sends. */
export type SipStage = {
  readonly calls: Calls;
  readonly turn: (ms?: number) => Promise<void>;
  readonly peer: (address: string, onRequest?: (request: SipRequest) => void) => Promise<RawPeer>;
  /** A phone of the user that answers; registered with `contact`, by default where it is. */
  readonly register: (user: string, address: string, contact?: string) => Promise<SipEndpoint>;
  /** An authenticated call of the user. */
  readonly call: (
    phone: SipEndpoint,
    user: string,
    to: string,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<InviteClientSession>;
  /** What came to the phones, oldest first. */
  readonly arrived: readonly InviteServerSession[];
  readonly invites: readonly Datagram[];
};

const route = (to: RegExp, action: Route['action'], trunk?: string): Route => ({
  ...{ to, action, trunk },
  ...{ from: undefined, group: undefined, record: undefined },
});

export async function openSipStage(): Promise<SipStage> {
  const fake = new FakeWorld();
  const { clock } = fake;
  const network = new MemoryNetwork(clock);
  const ports: SipPorts = {
    ...{ clock, random: seededRandom(1), datagrams: network, streams: network },
    resolveHost: () => Promise.resolve(['10.0.0.77']),
  };
  const trunks = [
    { name: 'carrier', uri: `sip:${TRUNK}`, addresses: ['10.9.0.0/28'], mediaAddresses: [] },
    { name: 'mirror', uri: `sip:${OURS}`, addresses: [], mediaAddresses: [] },
  ];
  const server = await createSipServer(
    {
      ...{ hosts: [SERVER.address], port: SERVER.port, trunks },
      users: USERS.map((name) => ({ name, secret: 'secret' })),
    },
    ports,
  );
  const invites: Datagram[] = [];
  network.loses = (datagram) => {
    const isOurs = datagram.from === OURS && datagram.text.startsWith('INVITE ');
    if (isOurs && !invites.some(({ text }) => text === datagram.text)) invites.push(datagram);
    return false;
  };
  const users = USERS.map((name) => ({ name, identity: undefined, number: undefined }));
  const routes = [
    route(/^\+99/, 'trunk', 'mirror'),
    route(/^[+0]/, 'trunk', 'carrier'),
    route(/^(alice|bob|carol|mallory)$/, 'registered'),
  ];
  const calls = new Calls(
    { ...fake.ports, signalling: server },
    fake.settings({ users, routes, trunks }),
  );
  await calls.start();
  const turn = (ms = 40): Promise<void> => clock.advanceWithTurns(ms, 2);
  const arrived: InviteServerSession[] = [];
  return {
    turn,
    invites,
    calls,
    arrived,
    call: async (phone, user, to, headers = {}) => {
      const session = phone.invite({
        uri: uriOf(to),
        from: { user, host: SERVER.address, displayName: '' },
        media: mediaAt(phone.addresses[0]?.address ?? ''),
        credentials: { username: user, password: 'secret' },
        headers,
      });
      await turn();
      return session;
    },
    peer: (address, onRequest) => RawPeer.open(network, address, 5060, SERVER, onRequest),
    register: async (user, address, contact) => {
      const phone = await SipEndpoint.open({ hosts: [address], port: 5060 }, ports);
      phone.onInvite = (session) => {
        arrived.push(session);
        void session.accept(mediaAt(address));
      };
      let cseqNumber = 0;
      const registered = phone.request({
        method: 'REGISTER',
        uri: uriOf(`sip:${SERVER.address}`),
        from: uriOf(`sip:${user}@${SERVER.address}`),
        callId: `register-${user}`,
        cseqNumber: () => (cseqNumber += 1),
        headers: () => [['Contact', contact ?? `<sip:${user}@${address}>`]],
        credentials: { username: user, password: 'secret' },
      });
      await turn();
      expect(await registered).toMatchObject({ response: { status: 200 } });
      return phone;
    },
  };
}

export function uriOf(text: string): SipUri {
  const uri = parseSipUri(text);
  if (!uri.ok) throw new Error(uri.defect);
  return uri.value;
}
