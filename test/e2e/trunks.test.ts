import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NodeDatagramNetwork } from '../../src/sip/node-datagram-network.ts';
import { DigestCarrier } from '../../src/sip/testing/digest-carrier.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { EventReceiver, type ReceivedEvent } from '../support/event-receiver.ts';
import { freePort } from '../support/free-port.ts';
import { openPhones, tonePhone } from '../support/peers/sim-phones.ts';
import { SDK_PACKAGES, SdkSession } from '../support/sdk-session.ts';
import { metricOf } from '../support/server-metrics.ts';
import { ServerProcess } from '../support/server-process.ts';

type Placed = { readonly callConnectionId: string };

const HOST = '127.0.0.1';
const ACCOUNT = { username: 'us', password: 'correct-horse' };
const CALLER = { sourceCallIdNumber: { phoneNumber: '+15550199' } };
const USERS = [{ name: 'alice', password: 'wonderland' }];
const ALICE = '8:acs:tapedeck_alice';
const STRANGER = '+15550198';

const network = new NodeDatagramNetwork(systemClock);
let server: ServerProcess;
let events: EventReceiver;
let sdk: SdkSession;
/** Serves nobody. */
let full: DigestCarrier;
/** Wants to know who calls. */
let good: DigestCarrier;
/** Reaches phones that are busy. */
let busy: DigestCarrier;

beforeAll(async () => {
  events = await EventReceiver.open();
  [full, good, busy] = await Promise.all([
    DigestCarrier.open(network, HOST, { answer: 503 }),
    DigestCarrier.open(network, HOST, { ...ACCOUNT, algorithms: ['SHA-256'], qop: 'auth' }),
    DigestCarrier.open(network, HOST, { answer: 486 }),
  ]);
  const uriOf = ({ address }: DigestCarrier): string => `sip:${HOST}:${address.port}`;
  server = await ServerProcess.start({
    flags: ['--event-webhook', `${events.url}grid`],
    file: {
      users: USERS,
      trunks: [
        { name: 'good', uri: uriOf(good), ...ACCOUNT, priority: 9 },
        { name: 'dead', uri: `sip:${HOST}:${await freePort()};transport=tcp` },
        { name: 'full', uri: uriOf(full), priority: 1 },
        { name: 'busy', uri: uriOf(busy), numbers: ['+44'] },
      ],
      routes: [
        { to: '^\\+44', action: 'trunk', trunk: 'busy' },
        { to: '^\\+', action: 'trunk' },
      ],
    },
  });
  sdk = await SdkSession.open(server, SDK_PACKAGES[1]);
});

afterAll(async () => {
  sdk.close();
  events.close();
  expect(await server.stop()).toBe(0);
  await network.close();
});

function create(number: string): Promise<Placed> {
  const target = { targetParticipant: { phoneNumber: number }, ...CALLER };
  return sdk.call<Placed>('createCall', target, `${events.url}callbacks`);
}

const of =
  ({ callConnectionId }: Placed) =>
  (event: ReceivedEvent): boolean =>
    event.data['callConnectionId'] === callConnectionId;

const figures = (name: string): Promise<(number | undefined)[]> =>
  Promise.all(
    ['dead', 'full', 'good'].map((trunk) => metricOf(server, `${name}{trunk="${trunk}"}`)),
  );

/** Whom the carrier was asked for, challenges left out. */
const asked = (carrier: DigestCarrier): (string | undefined)[] => [
  ...new Set(carrier.requests('INVITE').map(({ uri }) => uri.user)),
];

describe('a call through trunks of which some fail', () => {
  let first: Placed;

  test('reaches the one that works, and says who we are', async () => {
    first = await create('+15550100');
    await events.next('CallConnected', of(first));
    expect(full.requests('INVITE')).toHaveLength(1);
    expect(good.requests('INVITE')).toHaveLength(2);
    expect(good.wrongAnswers).toBe(0);
    expect(await figures('tapedeck_trunk_calls')).toEqual([1, 1, 1]);
    expect(await figures('tapedeck_trunk_failures')).toEqual([1, 1, 0]);
    expect(await figures('tapedeck_trunk_resting')).toEqual([1, 1, 0]);
    const failures = server.output
      .split('\n')
      .filter((line) => line.includes('a trunk failed; the next one is tried'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(failures).toMatchObject([
      { trunk: 'dead', status: 503, nextTrunk: 'full' },
      { trunk: 'full', status: 503, nextTrunk: 'good' },
    ]);
  });

  test('takes that one at once when somebody is added', async () => {
    await sdk.call('connection', first.callConnectionId, 'addParticipant', {
      targetParticipant: { phoneNumber: '+15550101' },
      ...CALLER,
    });
    await events.next('AddParticipantSucceeded', of(first));
    expect(asked(full)).toEqual(['+15550100']);
    expect(asked(good)).toEqual(['+15550100', '+15550101']);
    expect(await figures('tapedeck_trunk_failures')).toEqual([1, 1, 0]);
  });

  test('ends at every carrier when the application hangs up', async () => {
    await sdk.call('hangUp', first.callConnectionId, true);
    await events.next('CallDisconnected', of(first));
    await expect.poll(() => good.requests('BYE').length).toBe(4);
    expect(good.wrongAnswers).toBe(0);
  });

  test('by a phone takes the same way, and by a stranger none', async () => {
    const phones = await openPhones(
      server.ready.sip,
      [tonePhone(ALICE, 440, 'alice'), tonePhone(STRANGER, 700)],
      USERS,
    );
    const refused = await phones.call({ phone: STRANGER, to: '+15550103' });
    expect(await refused.ended).toMatchObject({ status: 403 });
    const call = await phones.call({ phone: ALICE, to: '+15550102' });
    await call.answered;
    await call.hangUp();
    await phones.close();
    expect(asked(good)).toEqual(['+15550100', '+15550101', '+15550102']);
    expect(asked(full)).toEqual(['+15550100']);
  });
});

test('a callee who is busy is so for every trunk, and a trunk is asked for its numbers only', async () => {
  const before = asked(good);
  const call = await create('+442079460000');
  const failed = await events.next('CreateCallFailed', of(call));
  expect(failed.data).toMatchObject({ resultInformation: { code: 486 } });
  expect(asked(busy)).toEqual(['+442079460000']);
  expect(asked(good)).toEqual(before);
  expect(await metricOf(server, 'tapedeck_trunk_failures{trunk="busy"}')).toBe(0);
});
