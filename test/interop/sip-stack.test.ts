import { afterEach, expect, test } from 'vitest';
import type { LocalMedia } from '../../src/core/media-format.ts';
import type { SessionEnd } from '../../src/core/ports/signalling.ts';
import { parseSipUri } from '../../src/protocols/sip/uri.ts';
import { DEFAULT_FORMATS, SipEndpoint } from '../../src/sip/endpoint.ts';
import { NodeDatagramNetwork } from '../../src/sip/node-datagram-network.ts';
import { NodeStreamNetwork } from '../../src/sip/node-stream-network.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../src/telemetry/system-random.ts';
import { LossyRelay } from './lossy-relay.ts';
import { runSipp, type SippRun } from './run-sipp.ts';

/** Below what servers take for RTP, and what the system gives away. */
const SIPP_PORT = 15_071;
const MEDIA: LocalMedia = {
  rtp: { address: '127.0.0.1', port: 25_500 },
  rtcp: { address: '127.0.0.1', port: 25_501 },
  formats: DEFAULT_FORMATS,
};

const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

type Callee = {
  readonly endpoint: SipEndpoint;
  readonly port: number;
  agreed: number;
  readonly ends: SessionEnd[];
};

/** A user agent that rings and, unless told otherwise, answers every call. */
async function openEndpoint(answers = true): Promise<Callee> {
  const endpoint = await SipEndpoint.open(
    { hosts: ['127.0.0.1'], port: 0 },
    {
      clock: systemClock,
      random: systemRandom,
      datagrams: new NodeDatagramNetwork(systemClock),
      streams: new NodeStreamNetwork(),
    },
  );
  closers.push(() => endpoint.close());
  const callee: Callee = { endpoint, port: endpoint.addresses[0]?.port ?? 0, agreed: 0, ends: [] };
  endpoint.onInvite = (session) => {
    session.onEnd = (end) => callee.ends.push(end);
    session.ring();
    if (!answers) return;
    session.accept(MEDIA).then(
      () => (callee.agreed += 1),
      () => undefined,
    );
  };
  return callee;
}

function callTo(port: number, run: Partial<SippRun> = {}): SippRun {
  const target = `127.0.0.1:${port}`;
  return { scenario: 'call.xml', target, port: SIPP_PORT, calls: 20, ...run };
}

test.each(['u1', 't1', 'tn'] as const)(
  '20 concurrent calls from SIPp complete (%s)',
  async (transport) => {
    const callee = await openEndpoint();
    const outcome = await runSipp(callTo(callee.port, { transport }));
    expect(outcome).toEqual({ code: 0, errors: '' });
    expect(callee.agreed).toBe(20);
    expect(callee.ends.map((end) => end.by)).toEqual(Array(20).fill('remote'));
  },
);

test.each(['u1', 't1'] as const)(
  'late offers are answered in the ACK, re-INVITEs too (%s)',
  async (transport) => {
    const callee = await openEndpoint();
    const outcome = await runSipp(callTo(callee.port, { scenario: 'late-offer.xml', transport }));
    expect(outcome).toEqual({ code: 0, errors: '' });
    expect(callee.agreed).toBe(20);
  },
);

test('calls that ring can be cancelled', async () => {
  const callee = await openEndpoint(false);
  const outcome = await runSipp(callTo(callee.port, { scenario: 'cancel.xml' }));
  expect(outcome).toEqual({ code: 0, errors: '' });
  expect(callee.ends.map((end) => end.status)).toEqual(Array(20).fill(487));
});

test('30 calls through a relay that loses a quarter of the datagrams complete', async () => {
  const callee = await openEndpoint();
  const relay = await LossyRelay.open({
    port: 0,
    targetPort: callee.port,
    loss: 0.25,
    seed: 1,
  });
  closers.push(() => {
    relay.close();
  });
  const outcome = await runSipp(callTo(relay.port, { calls: 30, timeoutSeconds: 100 }));
  expect(outcome.code).toBe(0);
  expect(callee.agreed).toBe(30);
  expect(relay.lost).toBeGreaterThan(20);
  // SIPp leaves when it has what it wants; the last BYEs may still be on their way.
  await expect.poll(() => callee.ends.length, { timeout: 40_000 }).toBe(30);
});

test.each(['u1', 't1'] as const)(
  '20 calls to SIPp are answered and ended (%s)',
  async (transport) => {
    const { endpoint } = await openEndpoint();
    const run: SippRun = { scenario: 'answer.xml', port: SIPP_PORT, calls: 20, transport };
    const finished = runSipp(run);
    const how = transport === 't1' ? ';transport=tcp' : '';
    const uri = parseSipUri(`sip:callee@127.0.0.1:${SIPP_PORT}${how}`);
    if (!uri.ok) throw new Error(uri.defect);
    // Until SIPp listens, a call by TCP is refused: it takes its place then.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const ends: SessionEnd[] = [];
    for (let call = 0; call < 20; call += 1) {
      const from = { user: `caller${call}`, host: '', displayName: '' };
      const outgoing = endpoint.invite({ uri: uri.value, from, media: MEDIA });
      outgoing.onEnd = (end) => ends.push(end);
      outgoing.onAccept = () => {
        setTimeout(() => void outgoing.end({ status: 200, reason: 'done' }), 300);
      };
    }
    expect(await finished).toEqual({ code: 0, errors: '' });
    expect(ends).toEqual(Array(20).fill({ status: 200, reason: 'done', by: 'local' }));
  },
);
