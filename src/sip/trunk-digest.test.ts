import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RemoteMedia } from '../core/media-format.ts';
import type { OutgoingInvite, SessionEnd } from '../core/ports/signalling.ts';
import { systemClock } from '../telemetry/system-clock.ts';
import { systemRandom } from '../telemetry/system-random.ts';
import { NodeDatagramNetwork } from './node-datagram-network.ts';
import { NodeStreamNetwork } from './node-stream-network.ts';
import { createSipServer, type SipServer } from './server.ts';
import { mediaAt } from './testing/call-setup.ts';
import { DigestCarrier, type CarrierOptions } from './testing/digest-carrier.ts';

const HOST = '127.0.0.1';
const ACCOUNT = { username: 'us@example', password: 'pass "word"' };

let network: NodeDatagramNetwork;
let carrier: DigestCarrier;
let server: SipServer;

beforeEach(() => {
  network = new NodeDatagramNetwork(systemClock);
});

afterEach(async () => {
  await server.close();
  await network.close();
});

async function start(
  options: CarrierOptions,
  credentials: { readonly username?: string; readonly password?: string } = ACCOUNT,
): Promise<void> {
  carrier = await DigestCarrier.open(network, HOST, { ...ACCOUNT, ...options });
  const uri = `sip:${HOST}:${carrier.address.port}`;
  const trunk = { name: 'carrier', uri, addresses: [], mediaAddresses: [], ...credentials };
  server = await createSipServer(
    { hosts: [HOST], port: 0, users: [], trunks: [trunk] },
    {
      clock: systemClock,
      random: systemRandom,
      datagrams: new NodeDatagramNetwork(systemClock),
      streams: new NodeStreamNetwork(),
    },
  );
}

/** Calls a number until it is accepted or refused. */
async function call(
  way: { readonly trunk?: string } = { trunk: 'carrier' },
): Promise<{ readonly session: OutgoingInvite; readonly outcome: RemoteMedia | SessionEnd }> {
  const session = server.invite({
    uri: `sip:+15550100@${HOST}:${carrier.address.port}`,
    ...way,
    from: { user: '+15550199', host: '', displayName: '' },
    media: mediaAt(HOST),
  });
  const outcome = await new Promise<RemoteMedia | SessionEnd>((resolve) => {
    session.onAccept = resolve;
    session.onEnd = resolve;
  });
  return { session, outcome };
}

const challenges = (['MD5', 'SHA-256'] as const).flatMap((algorithm) =>
  [undefined, 'auth', 'auth-int,auth'].flatMap((qop) =>
    ([401, 407] as const).map((status) => ({ algorithm, qop, status })),
  ),
);

describe('a trunk that asks who calls', () => {
  test.each(challenges)('by $status, $algorithm and qop $qop is told', async (challenge) => {
    const { algorithm, qop, status } = challenge;
    await start({ algorithms: [algorithm], qop, status });
    const { session, outcome } = await call();
    expect(outcome).toMatchObject({ rtp: { address: HOST, port: 40_000 } });
    await session.end({ status: 200, reason: 'Done' });
    expect(carrier.requests('INVITE')).toHaveLength(2);
    expect(carrier.wrongAnswers).toBe(0);
    // The BYE was asked too, and has answered a nonce of its own.
    expect(carrier.requests('BYE')).toHaveLength(2);
    expect([...carrier.used.values()]).toEqual(
      qop === undefined ? [[''], ['']] : [['00000001'], ['00000001']],
    );
  });

  test('in two ways is answered in the one that it likes best', async () => {
    await start({ algorithms: ['SHA-256', 'MD5'], qop: 'auth' });
    await call();
    const sent = carrier.requests('INVITE').at(-1)?.headers.get('Proxy-Authorization');
    expect(sent).toContain('algorithm=SHA-256');
  });

  test.each([1, 2])('and finds the nonce stale %i times is told again', async (staleAnswers) => {
    await start({ algorithms: ['SHA-256'], qop: 'auth', staleAnswers });
    const { outcome } = await call();
    expect(outcome).toHaveProperty('rtp');
    expect(carrier.requests('INVITE')).toHaveLength(2 + staleAnswers);
    expect(carrier.wrongAnswers).toBe(0);
  });

  test('and never stops finding it stale is given up', async () => {
    await start({ algorithms: ['MD5'], qop: 'auth', staleAnswers: 100 });
    expect((await call()).outcome).toMatchObject({ status: 407, by: 'remote' });
    expect(carrier.requests('INVITE')).toHaveLength(5);
  });

  test('does not believe a wrong password, and is not asked for ever', async () => {
    await start({ algorithms: ['MD5', 'SHA-256'], qop: 'auth' }, { ...ACCOUNT, password: 'x' });
    expect((await call()).outcome).toMatchObject({ status: 407, by: 'remote' });
    expect(carrier.requests('INVITE')).toHaveLength(2);
    expect(carrier.wrongAnswers).toBe(1);
  });

  test('is not told by calls that do not go through it', async () => {
    await start({ algorithms: ['MD5'], qop: 'auth' });
    expect((await call({})).outcome).toMatchObject({ status: 407 });
    expect(carrier.requests('INVITE')).toHaveLength(1);
    expect(carrier.requests('INVITE')[0]?.headers.get('Proxy-Authorization')).toBeUndefined();
  });

  test('for an integrity that nobody computes here is not answered', async () => {
    await start({ algorithms: ['MD5'], qop: 'auth-int' });
    expect((await call()).outcome).toMatchObject({ status: 407 });
    expect(carrier.requests('INVITE')).toHaveLength(1);
  });
});
