import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EventReceiver } from '../support/event-receiver.ts';
import { freePort } from '../support/free-port.ts';
import { callsByServerCallId } from '../support/load/calls-of-events.ts';
import { loadConfiguration, LoadGenerator } from '../support/load/load-generator.ts';
import { tonesOf } from '../support/load/payloads.ts';
import { checkTones } from '../support/load/tone-check.ts';
import { offerOf, SipWire, type SipTransport } from '../support/peers/sip-wire.ts';
import { recordingFile } from '../support/recording-file.ts';
import { ServerProcess } from '../support/server-process.ts';
import { readClip } from '../support/tone-plan.ts';

const LIVE_CALLS = 10;
/** Nobody routes this number: the application may answer. */
const INVITE = { method: 'INVITE', user: 'bot', sdp: offerOf('0') };
const INVITES = 4_000;
const INVITES_PER_10_MS = 10;
const IDLE_CONNECTIONS = 5_000;
/** The server's own limits (src/sip/transport/limits.ts), seen from outside. */
const MAX_CONNECTIONS = 2_000;
const MAX_CONNECTIONS_PER_ADDRESS = 1_000;
const REAPED_MS = 25_000;
/** A generator on a busy machine may be late: what is not sent yet cannot be in a file. */
const EDGE_MS = 500;

let events: EventReceiver;
let server: ServerProcess;
let generator: LoadGenerator;

beforeAll(async () => {
  const sipPort = await freePort();
  events = await EventReceiver.open();
  server = await ServerProcess.start({
    flags: ['--event-webhook', events.url],
    file: loadConfiguration(sipPort, true),
  });
  generator = await LoadGenerator.open({ serverUri: server.ready.sip, sipPort, kind: 'tones' });
  await generator.place(0, LIVE_CALLS);
  await generator.start();
  await delay(1_000);
});

afterAll(async () => {
  await generator.close();
  events.close();
  expect(await server.stop()).toBe(0);
});

test.each(['udp', 'tcp'] as const)(
  'a flood of INVITEs (%s) is answered with 503, and live calls lose no packet',
  async (transport) => {
    await generator.reset();
    const flooding = flood(transport);
    const elsewhere = await SipWire.open(transport, server.ready.sip, '127.0.0.9');
    await delay(2_000);
    // Who comes from another address is served while it lasts.
    expect(await elsewhere.ask({ method: 'OPTIONS', user: 'x', callId: transport })).toBe(200);
    elsewhere.send(elsewhere.text({ ...INVITE, callId: `calm-${transport}` }));
    await expect.poll(() => elsewhere.statuses.get(`calm-${transport}`)).toContain(180);
    elsewhere.close();
    const wire = await flooding;
    const statuses = [...wire.statuses.values()];
    const refused = statuses.filter((codes) => codes[0] === 503).length;
    const counts = await generator.counts();
    wire.close();
    expect(statuses).toHaveLength(INVITES);
    expect(refused).toBeGreaterThan(INVITES / 2);
    expect(counts).toMatchObject({ lost: 0 });
    expect(counts.sent).toBeGreaterThan(LIVE_CALLS * 2 * 100);
    // Soon after, whoever comes is served again.
    await delay(1_000);
    const after = await SipWire.open(transport, server.ready.sip);
    expect(await after.ask({ method: 'OPTIONS', user: 'x', callId: `after-${transport}` })).toBe(
      200,
    );
    after.close();
  },
);

test('5,000 idle TCP connections are capped, reaped, and in nobody’s way', async () => {
  await generator.reset();
  const idle = await openIdle();
  const open = (): Socket[] => idle.filter((socket) => !socket.destroyed);
  await expect.poll(() => open().length, { timeout: 5_000 }).toBeLessThanOrEqual(MAX_CONNECTIONS);
  expect(ofAddress(open(), '127.0.0.1')).toBeLessThanOrEqual(MAX_CONNECTIONS_PER_ADDRESS);
  const wire = await SipWire.open('tcp', server.ready.sip);
  expect(await wire.ask({ method: 'OPTIONS', user: 'x', callId: 'among-idle' })).toBe(200);
  await expect.poll(() => open().length, { timeout: REAPED_MS }).toBe(0);
  expect(wire.isClosed).toBe(false);
  wire.close();
  expect(await generator.counts()).toMatchObject({ lost: 0 });
});

test('the recordings of the calls that were live all the time are complete', async () => {
  const began = await generator.beganAtMs();
  const untilMs = Date.now();
  await generator.hangUp();
  const found = new Set<number>();
  const callOf = callsByServerCallId(events);
  for (let file = 0; file < LIVE_CALLS; file += 1) {
    const ready = await events.next('RecordingFileStatusUpdated');
    const clip = await readClip(recordingFile(server, ready));
    const startMs = Date.parse(String(ready.data['recordingStartTime']));
    const call = callOf.get(String(ready.data['serverCallId'])) ?? -1;
    const stretch = { fromMs: began[call]! - startMs + EDGE_MS, toMs: untilMs - startMs - EDGE_MS };
    const check = checkTones(clip.samples, clip.sampleRateHz, tonesOf(call), stretch);
    expect(check.framesChecked).toBeGreaterThan(500);
    expect(check.wrongFrames).toEqual([]);
    found.add(call);
  }
  expect(found).toEqual(new Set(Array.from({ length: LIVE_CALLS }, (_, call) => call)));
});

/** As fast as some thousand in a few seconds; returns when all are answered, or after some time. */
async function flood(transport: SipTransport): Promise<SipWire> {
  const wire = await SipWire.open(transport, server.ready.sip);
  const invites = Array.from({ length: INVITES }, (_, number) => ({
    ...INVITE,
    callId: `${transport}-${number}`,
  }));
  const startMs = performance.now();
  for (let sent = 0; sent < INVITES; sent += INVITES_PER_10_MS) {
    for (const invite of invites.slice(sent, sent + INVITES_PER_10_MS)) {
      wire.send(wire.text(invite));
    }
    const dueMs = startMs + sent - performance.now();
    if (dueMs > 0) await delay(dueMs);
  }
  // UDP may lose some: they are sent again, as clients do after half a second.
  for (let round = 0; round < 10 && wire.statuses.size < INVITES; round += 1) {
    await delay(500);
    const silent = invites.filter(({ callId }) => !wire.statuses.has(callId));
    for (const invite of silent) {
      if (transport === 'udp') wire.send(wire.text(invite));
    }
  }
  return wire;
}

/** From five addresses, that would each be within its own limit. */
async function openIdle(): Promise<Socket[]> {
  const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  if (Number(limit) < IDLE_CONNECTIONS + 500) {
    throw new Error(`this test opens ${IDLE_CONNECTIONS} sockets; the limit is ${limit}`);
  }
  const { sip: port } = server.ports;
  const sockets: Socket[] = [];
  for (let number = 0; number < IDLE_CONNECTIONS; number += 1) {
    const localAddress = `127.0.0.${1 + (number % 5)}`;
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    socket.on('error', () => undefined);
    socket.resume();
    sockets.push(socket);
    // As many as wait for an accept at once.
    if (number % 100 === 99) await delay(20);
  }
  return sockets;
}

function ofAddress(sockets: readonly Socket[], address: string): number {
  return sockets.filter((socket) => socket.localAddress === address).length;
}
