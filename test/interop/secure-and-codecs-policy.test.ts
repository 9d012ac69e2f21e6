import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Baresip, type BaresipOptions } from '../support/peers/baresip.ts';
import { ServerProcess } from '../support/server-process.ts';
import { writeTonePlan } from '../support/tone-plan.ts';

/** baresip hangs up at the end of its file, long after the test. */
const SILENCE = { frequencyHz: 440, spans: [], totalMs: 60_000, amplitude: 0 };

type Offers = 'plain' | 'keys' | 'optional keys';

let directory: string;
let server: ServerProcess;
const phones = new Map<string, Baresip>();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-policy-'));
  await writeTonePlan(SILENCE, join(directory, 'silence.wav'));
  server = await ServerProcess.start({
    file: {
      users: [
        { name: 'alice', password: 'secret' },
        { name: 'strict', password: 'secret', secure: 'require' },
      ],
      routes: [
        { to: '^required$', action: 'group', group: 'required', secure: 'require' },
        { to: '^allowed$', action: 'group', group: 'allowed' },
        { to: '^refused$', action: 'group', group: 'refused', secure: 'plain' },
        { to: '^(alice|strict)$', action: 'registered' },
      ],
    },
  });
  await Promise.all([
    start(0, 'plain', 'alice', {}),
    start(1, 'keys', 'alice', { srtp: true }),
    start(2, 'optional keys', 'alice', { srtp: 'optional' }),
    start(3, 'a callee', 'strict', {}),
  ]);
});

afterAll(async () => {
  await Promise.all([...phones.values()].map((phone) => phone.close()));
  expect(await server.stop()).toBe(0);
  await rm(directory, { recursive: true });
});

async function start(
  place: number,
  name: string,
  user: string,
  how: Pick<BaresipOptions, 'srtp'>,
): Promise<void> {
  const phone = await Baresip.start({
    user,
    password: 'secret',
    registrar: server.ready.sip.replace('sip:', ''),
    sipPort: 5_520 + 10 * place,
    controlPort: 4_540 + place,
    rtpPort: 33_000 + 100 * place,
    codec: 'pcmu',
    speaks: join(directory, 'silence.wav'),
    ...how,
  });
  phones.set(name, phone);
}

type Outcome = { readonly status: number; readonly profile: string | undefined };

/** What the phone's INVITE is answered with, and the profile of the answer's media. */
async function dialled(phone: Baresip, to: string): Promise<Outcome> {
  const from = phone.trace.length;
  phone.call(server.ready.sip.replace('sip:', `sip:${to}@`));
  const find = (): Outcome | undefined => outcomeIn(phone.trace.slice(from));
  await expect.poll(find, { timeout: 15_000 }).toBeDefined();
  const outcome = find()!;
  if (outcome.status === 200) phone.hangUp();
  await phone.event('CALL_CLOSED');
  return outcome;
}

function outcomeIn(trace: string): Outcome | undefined {
  for (const message of trace.split(/^(?=SIP\/2\.0 |[A-Z]+ sips?:)/m)) {
    const status = Number(/^SIP\/2\.0 (\d{3})/.exec(message)?.[1]);
    const isFinal = status >= 200 && status !== 401 && status !== 407;
    if (!isFinal || !/^CSeq: \d+ INVITE/m.test(message)) continue;
    const profile = /^m=audio \d+ (\S+)/m.exec(message)?.[1];
    if (status !== 200 || profile !== undefined) return { status, profile };
  }
  return undefined;
}

const REFUSED: Outcome = { status: 488, profile: undefined };
const PLAIN: Outcome = { status: 200, profile: 'RTP/AVP' };
const ENCRYPTED: Outcome = { status: 200, profile: 'RTP/SAVP' };

/** All of it over UDP: keys are taken as they come, however the signalling came. */
describe.each([
  ['required', { plain: REFUSED, keys: ENCRYPTED, 'optional keys': REFUSED }],
  ['allowed', { plain: PLAIN, keys: ENCRYPTED, 'optional keys': PLAIN }],
  ['refused', { plain: PLAIN, keys: REFUSED, 'optional keys': PLAIN }],
] as const)('where SRTP is %s', (to, outcomes: Readonly<Record<Offers, Outcome>>) => {
  test.each(Object.entries(outcomes))('baresip that offers %s', async (offers, outcome) => {
    expect(await dialled(phones.get(offers)!, to)).toEqual(outcome);
  });
});

test('who has to encrypt and has a phone that does not is not called without', async () => {
  expect(await dialled(phones.get('keys')!, 'strict')).toEqual(REFUSED);
  const { trace } = phones.get('a callee')!;
  const offers = [...trace.matchAll(/^m=audio \d+ (\S+)/gm)].map(([, profile]) => profile);
  expect(new Set(offers)).toEqual(new Set(['RTP/SAVP']));
  expect(outcomeIn(trace)).toEqual(REFUSED);
});
