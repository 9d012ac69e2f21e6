import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import type { SippPhone } from '../support/peers/sipp-phone.ts';
import {
  answer,
  isHungUp,
  receive,
  receiveInvite,
  respondToInvite,
  scenario,
  type Step,
} from '../support/peers/sipp-scenario.ts';
import { SippSession } from '../support/sipp-session.ts';

/** Each pair of trunks has numbers of its own: a trunk that failed is left alone for a minute. */
const PAIRS = ['broken', 'silent', 'busy', 'late', 'pausing'] as const;
const RETRY_AFTER_S = 12;
type Pair = (typeof PAIRS)[number];

let session: SippSession;
const ports = new Map<string, number>();

beforeAll(async () => {
  const trunks: unknown[] = [];
  for (const [index, pair] of PAIRS.entries()) {
    for (const [priority, role] of ['main', 'spare'].entries()) {
      const port = await freePort();
      ports.set(`${pair}-${role}`, port);
      // The spare one is written first: the priority decides.
      trunks.unshift({
        name: `${pair}-${role}`,
        uri: `sip:127.0.0.1:${port}`,
        priority,
        numbers: [prefixOf(index)],
      });
    }
  }
  session = await SippSession.open({ trunks });
});

afterAll(async () => {
  await session.close();
});

function prefixOf(index: number): string {
  return `+4930${index}`;
}

function numberOf(pair: Pair): { readonly phoneNumber: string } {
  return { phoneNumber: `${prefixOf(PAIRS.indexOf(pair))}55501` };
}

/** SIPp at the next hop of a trunk. */
async function trunk(name: string, ...steps: readonly Step[]): Promise<SippPhone> {
  const port = ports.get(name);
  if (port === undefined) throw new Error(`no trunk ${name}`);
  return (await session.callee(scenario(...steps), { port })).sipp;
}

async function expectGood(sipp: SippPhone): Promise<void> {
  expect(await sipp.finished()).toEqual({ code: 0, errors: '' });
}

/** Of the server, by trunk. */
async function failuresOf(name: string): Promise<number> {
  const response = await fetch(new URL('/metrics', session.control.server.ready.management));
  const line = new RegExp(`^tapedeck_trunk_failures\\{trunk="${name}"\\} (\\d+)$`, 'm');
  return Number(line.exec(await response.text())?.[1]);
}

const refuse = (status: number, ...headers: readonly string[]): Step =>
  [receiveInvite(), respondToInvite(status, { headers }), receive('ACK')].join('\n');

test('a trunk that cannot serve is left for the next, and comes last from then on', async () => {
  const main = await trunk('broken-main', refuse(503));
  const spare = await trunk('broken-spare', answer(), isHungUp());
  const call = await session.dial(numberOf('broken'));
  await session.control.next(call, 'CallConnected');
  await expectGood(main);
  const [invite] = await spare.matching('received', /^INVITE/);
  expect(invite?.start).toBe(
    `INVITE sip:${numberOf('broken').phoneNumber}@127.0.0.1:${spare.port} SIP/2.0`,
  );
  await session.control.finish(call);
  await expectGood(spare);
  expect(await failuresOf('broken-main')).toBe(1);
  expect(await failuresOf('broken-spare')).toBe(0);

  const idle = await trunk('broken-main', answer(), isHungUp());
  const again = await trunk('broken-spare', answer(), isHungUp());
  const second = await session.dial(numberOf('broken'));
  await session.control.next(second, 'CallConnected');
  await session.control.finish(second);
  await expectGood(again);
  expect(await idle.messages()).toEqual([]);
});

test('a trunk that asks for no calls for some seconds gets none, even if there is no other one', async () => {
  const main = await trunk('pausing-main', refuse(503, `Retry-After: ${RETRY_AFTER_S}`));
  const spare = await trunk('pausing-spare', answer(), isHungUp());
  const call = await session.dial(numberOf('pausing'));
  await session.control.next(call, 'CallConnected');
  const [refusal] = await main.matching('sent', /^SIP\/2.0 503/);
  await session.control.finish(call);
  await expectGood(main);
  await expectGood(spare);

  const rested = await trunk('pausing-main', answer(), isHungUp());
  const broken = await trunk('pausing-spare', refuse(503));
  const lost = await session.dial(numberOf('pausing'));
  const { data } = await session.control.next(lost, 'CreateCallFailed');
  expect(data).toMatchObject({ resultInformation: { code: 503 } });
  await expectGood(broken);
  expect(await rested.messages()).toEqual([]);

  await delay((refusal?.atMs ?? 0) + 1_000 * (RETRY_AFTER_S + 1) - Date.now());
  const again = await session.dial(numberOf('pausing'));
  await session.control.next(again, 'CallConnected');
  await session.control.finish(again);
  await expectGood(rested);
});

test('a trunk that says nothing is left for the next after six seconds', async () => {
  const spare = await trunk('silent-spare', answer(), isHungUp());
  const beganMs = performance.now();
  const call = await session.dial(numberOf('silent'));
  await session.control.next(call, 'CallConnected');
  expect(performance.now() - beganMs).toBeGreaterThan(5_900);
  await session.control.finish(call);
  await expectGood(spare);
  expect(await failuresOf('silent-main')).toBe(1);
});

test.each([
  ['is busy', 'busy', [refuse(486)], 486],
  [
    'fails after it has rung',
    'late',
    [receiveInvite(), respondToInvite(180), respondToInvite(503), receive('ACK')],
    503,
  ],
] as const)('a callee who %s is rung by one trunk only', async (_, pair, steps, code) => {
  const main = await trunk(`${pair}-main`, ...steps);
  const spare = await trunk(`${pair}-spare`, answer(), isHungUp());
  const call = await session.dial(numberOf(pair));
  const { data } = await session.control.next(call, 'CreateCallFailed');
  expect(data).toMatchObject({ resultInformation: { code, subCode: 560_000 + code } });
  await expectGood(main);
  expect(await spare.messages()).toEqual([]);
});
