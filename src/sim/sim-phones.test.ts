import { afterEach, describe, expect, test } from 'vitest';
import { SILENT_LOGGER } from '../core/ports/log.ts';
import { levelDb, toneAmplitude } from '../media/tone/tone-meter.ts';
import { responseTo } from '../protocols/sip/build.ts';
import type { SipRequest } from '../protocols/sip/message.ts';
import { SipEndpoint } from '../sip/endpoint.ts';
import { NodeDatagramNetwork } from '../sip/node-datagram-network.ts';
import { NodeStreamNetwork } from '../sip/node-stream-network.ts';
import { systemClock } from '../telemetry/system-clock.ts';
import { systemRandom } from '../telemetry/system-random.ts';
import type { PhoneCall } from './phone-call.ts';
import type { PhoneStep, SimulatedPhone } from '../core/simulated-phone.ts';
import { createSimPhones, type SimPhones, type SimPhonesConfig } from './sim-phones.ts';

const PORTS = {
  clock: systemClock,
  random: systemRandom,
  datagrams: new NodeDatagramNetwork(systemClock),
  streams: new NodeStreamNetwork(),
  log: SILENT_LOGGER,
};

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function phone(identifier: string, options: Partial<SimulatedPhone> = {}): SimulatedPhone {
  return {
    identifier,
    name: identifier,
    answerAfterMs: 0,
    refuse: undefined,
    neverAnswers: false,
    codecs: ['PCMU', 'PCMA'],
    register: undefined,
    steps: [],
    loop: false,
    hangUpAfterMs: undefined,
    ...options,
  };
}

async function phones(
  list: readonly SimulatedPhone[],
  config: Partial<SimPhonesConfig> = {},
): Promise<SimPhones> {
  const defaults = { users: [], serverUri: 'sip:127.0.0.1:9', baseDirectory: '.', keepHeard: true };
  const created = await createSimPhones({ phones: list, ...defaults, ...config }, PORTS);
  open.push(created);
  return created;
}

/** Alice, whose server is Bob's endpoint: what she dials, rings there. */
async function aliceAndBob(
  alice: Partial<SimulatedPhone>,
  bob: Partial<SimulatedPhone>,
): Promise<{ alices: SimPhones; bobs: SimPhones; bobsCall: Promise<PhoneCall> }> {
  const bobs = await phones([phone('+15550102', bob)]);
  const serverUri = bobs.uriOf('+15550102')!.replace(/sip:.*@/, 'sip:');
  const alices = await phones([phone('+15550101', { name: 'alice', ...alice })], { serverUri });
  const bobsCall = new Promise<PhoneCall>((resolve) => (bobs.onCall = resolve));
  return { alices, bobs, bobsCall };
}

const tone = (frequencyHz: number): PhoneStep => ({
  do: 'tone',
  frequencyHz,
  levelDb: -10,
  durationMs: 60_000,
});

async function packetsHeard(call: PhoneCall, count: number): Promise<void> {
  while ((call.heardStats()?.packets ?? 0) < count) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe.each(['PCMU', 'PCMA'] as const)('a call with %s', (codec) => {
  test('carries each phone’s voice to the other until one hangs up', async () => {
    const { alices, bobsCall } = await aliceAndBob(
      { steps: [tone(440)], codecs: [codec] },
      { steps: [tone(1000)], answerAfterMs: 30 },
    );
    const calling = await alices.call({ phone: 'alice', to: '+15550102' });
    const called = await bobsCall;
    await Promise.all([calling.answered, called.answered]);
    await Promise.all([packetsHeard(calling, 25), packetsHeard(called, 25)]);
    await calling.hangUp();
    expect(await calling.ended).toMatchObject({ status: 200, by: 'local' });
    expect(await called.ended).toMatchObject({ status: 200, by: 'remote' });
    for (const [call, frequencyHz] of [
      [calling, 1000],
      [called, 440],
    ] as const) {
      const samples = call.heardSamples();
      const end = samples.length - 160;
      const amplitude = toneAmplitude(samples, 8000, frequencyHz, end - 1600, 1600);
      expect(Math.abs(levelDb(amplitude) + 10)).toBeLessThan(0.5);
      expect(call.heardStats()).toMatchObject({ lostPackets: 0 });
      expect(call.state).toBe('ended');
    }
    expect(called.direction).toBe('in');
    expect(alices.liveCalls).toEqual([]);
    expect(alices.endedCalls).toEqual([calling]);
  });
});

test('keys pressed by one phone are heard by the other', async () => {
  const steps: readonly PhoneStep[] = [
    { do: 'digits', digits: '12#', durationMs: 40 },
    { do: 'hangUp' },
  ];
  const { alices, bobsCall } = await aliceAndBob({ steps }, {});
  await alices.call({ phone: '+15550101', to: '+15550102' });
  const called = await bobsCall;
  await called.ended;
  expect(called.heardStats()).toMatchObject({ digits: '12#', lostPackets: 0 });
});

test('a busy phone refuses with its status', async () => {
  const { alices } = await aliceAndBob({}, { refuse: 486 });
  const call = await alices.call({ phone: 'alice', to: '+15550102' });
  expect(await call.ended).toMatchObject({ status: 486, by: 'remote' });
  expect(call.heardStats()).toBeUndefined();
});

test('a phone that never answers rings until the caller gives up', async () => {
  const { alices, bobsCall } = await aliceAndBob({}, { neverAnswers: true });
  const call = await alices.call({ phone: 'alice', to: '+15550102' });
  const called = await bobsCall;
  expect(called.state).toBe('ringing');
  await call.hangUp();
  expect(await call.ended).toMatchObject({ status: 487, by: 'local' });
  expect(await called.ended).toMatchObject({ status: 487, by: 'remote' });
});

test('a phone hangs up after its time', async () => {
  const { alices } = await aliceAndBob({}, { hangUpAfterMs: 50 });
  const call = await alices.call({ phone: 'alice', to: '+15550102' });
  expect(await call.ended).toMatchObject({ status: 200, by: 'remote' });
});

test('a caller who gives up while the phone picks up leaves no socket behind', async () => {
  const { alices, bobs, bobsCall } = await aliceAndBob({}, { answerAfterMs: 5 });
  const call = await alices.call({ phone: 'alice', to: '+15550102' });
  const called = await bobsCall;
  void call.hangUp();
  await Promise.all([call.ended, called.ended]);
  expect([alices.liveCalls, bobs.liveCalls]).toEqual([[], []]);
});

test('phones without a codec in common do not talk', async () => {
  const { alices } = await aliceAndBob({ codecs: ['PCMA'] }, { codecs: ['PCMU'] });
  const call = await alices.call({ phone: 'alice', to: '+15550102' });
  expect(await call.ended).toMatchObject({ status: 488, by: 'remote' });
});

test('a number that no phone has is not found', async () => {
  const { alices } = await aliceAndBob({}, {});
  const call = await alices.call({ phone: 'alice', to: '+15550199' });
  expect(await call.ended).toMatchObject({ status: 404 });
});

test('only phones of the configuration can call, and only what can be dialled', async () => {
  const { alices } = await aliceAndBob({}, {});
  await expect(alices.start({ phone: 'carol', to: '1' })).rejects.toMatchObject({
    code: 'argument-invalid',
    field: 'phone',
    message: 'phone: there is no simulated phone "carol"; expected one of alice',
  });
  await expect(alices.start({ phone: 'alice', to: 'sip:' })).rejects.toMatchObject({ field: 'to' });
});

test('closing hangs up the calls that are up', async () => {
  const { alices, bobsCall } = await aliceAndBob({}, {});
  const call = await alices.call({ phone: 'alice', to: '+15550102' });
  const called = await bobsCall;
  await called.answered;
  await call.answered;
  await alices.close();
  expect(await called.ended).toMatchObject({ status: 200, by: 'remote' });
});

test.each([
  ['+15550101', '+15550101'],
  ['8:acs:deck_bob', '8:acs:deck_bob'],
  ['sip:bob@example.com', 'bob'],
])('%s has a URI on loopback of its own, and calls under its own name', async (id, name) => {
  const seen: SipRequest[] = [];
  const server = await endpoint((request) => seen.push(request));
  const created = await phones([phone(id)], { serverUri: server });
  expect(created.uriOf(id)).toMatch(/^sip:\S+@127\.0\.0\.1:\d+$/);
  expect(created.uriOf('+1999')).toBeUndefined();
  const call = await created.call({ phone: id, to: '1234' });
  await call.ended;
  expect(seen[0]!.from.uri.user).toBe(name);
  expect(seen[0]!.uri.user).toBe('1234');
});

test('a phone with a user registers, stays under its URI, and leaves when it closes', async () => {
  const registers: SipRequest[] = [];
  const server = await endpoint((request) => registers.push(request));
  const users = [{ name: 'bob', password: 'secret' }];
  const created = await phones([phone('+15550102', { register: 'bob' }), phone('+15550103')], {
    serverUri: server,
    users,
  });
  expect(registers.map((request) => request.to.uri.user)).toEqual(['bob']);
  const contact = registers[0]!.headers.get('Contact')!;
  expect(contact).toContain(created.uriOf('+15550102')!);
  await created.close();
  expect(registers.map((request) => request.headers.get('Expires'))).toEqual(['300', '0']);
  expect(registers[1]!.callId).toBe(registers[0]!.callId);
});

/** A SIP server that accepts registrations, refuses calls with 480 and reports both. */
async function endpoint(report: (request: SipRequest) => void): Promise<string> {
  const server = await SipEndpoint.open({ hosts: ['127.0.0.1'], port: 0 }, PORTS, {
    moreMethods: ['REGISTER'],
    admit: (request) => {
      report(request);
      return { kind: 'accept' };
    },
    serve: (transaction) => {
      transaction.respond(responseTo(transaction.request, 200, undefined, { toTag: 'tag' }));
      return true;
    },
  });
  open.push(server);
  return `sip:127.0.0.1:${server.addresses[0]!.port}`;
}
