import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MediaSecurity } from '../../src/core/media-format.ts';
import { SrtpReceiver } from '../../src/protocols/srtp/srtp-receiver.ts';
import { SrtpSender } from '../../src/protocols/srtp/srtp-sender.ts';
import { datagramOf, seeded, talk } from '../../src/render/testing/packets.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { freePort } from '../support/free-port.ts';
import { callsByServerCallId } from '../support/load/calls-of-events.ts';
import { loadConfiguration, LoadGenerator } from '../support/load/load-generator.ts';
import { tonePacket, tonesOf } from '../support/load/payloads.ts';
import { checkTones } from '../support/load/tone-check.ts';
import { Stranger } from '../support/peers/stranger.ts';
import { until, WirePhones, type WireCall } from '../support/peers/wire-phones.ts';
import { rssKiB } from '../support/process-usage.ts';
import { recordingFile } from '../support/recording-file.ts';
import { ServerProcess } from '../support/server-process.ts';
import { readClip } from '../support/tone-plan.ts';

const LOAD_CALLS = 96;
/** Both ends of twelve calls are behind NAT. */
const NAT_EVERY = 8;
/** A latch takes half a second of silence and four packets; the files of those calls begin after it. */
const NAT_LATCH_MS = 1_500;
const EDGE_MS = 500;
/** Room for all legs of both media workers. */
const RTP_PORTS = { from: 30_000, to: 30_599 };
const SPRAY_MS = 8_000;
const STEP_MS = 10;
/** Of 300 pairs: each is hit every 100 ms by each stranger. */
const PORTS_A_STEP = 30;
const TALK_PACKETS = SPRAY_MS / 20;
/** A hundred files at once take their time on a machine that has other things to do. */
const FILE_MS = 60_000;
const ARRIVING = { timeout: 10_000 };
/** What the calls with keys say; multiples of 50 Hz, as the generator's, and none of its own. */
const SECURE_HZ = 3_450;
const PLAIN_HZ = 3_500;

type How = 'right' | 'wrong-key' | 'wrong-tag' | 'plain';
const SECURE_CALLS: readonly How[] = ['right', 'wrong-key', 'wrong-tag', 'plain'];

let events: EventReceiver;
let server: ServerProcess;
let generator: LoadGenerator;
let phones: WirePhones;

beforeAll(async () => {
  const [loadPort, wirePort] = [await freePort(), await freePort()];
  events = await EventReceiver.open();
  phones = await WirePhones.open(wirePort);
  const load = loadConfiguration(loadPort, true);
  const wire = WirePhones.configuration(wirePort);
  const both = (key: string): unknown[] => [load, wire].flatMap((file) => file[key] as unknown[]);
  server = await ServerProcess.start({
    flags: [
      ...['--event-webhook', events.url],
      ...['--rtp-ports', `${RTP_PORTS.from}-${RTP_PORTS.to}`],
      ...['--media-workers', '2'],
    ],
    file: { trunks: both('trunks'), routes: both('routes') },
  });
  const options = { serverUri: server.ready.sip, sipPort: loadPort, kind: 'tones' as const };
  generator = await LoadGenerator.open({ ...options, natEvery: NAT_EVERY });
}, 60_000);

afterAll(async () => {
  await generator.close();
  await phones.close();
  events.close();
  expect(await server.stop()).toBe(0);
});

test('100 calls, some behind NAT and some with wrong keys, are sprayed with media of strangers', async () => {
  await generator.start();
  await generator.place(0, LOAD_CALLS);
  const secure = new Map<How, WireCall>();
  for (const [at, how] of SECURE_CALLS.entries()) {
    secure.set(how, await phones.call(server.ready.sip, `9${at}`, 'require'));
  }
  await delay(2_000);
  await generator.reset();
  const memoryBefore = rssKiB(server.pid);
  const startUs = systemClock.monotonicUs() + 100_000;
  const heard = await Promise.all([
    spray(startUs),
    ...SECURE_CALLS.map((how) => speak(how, secure.get(how)!, startUs)),
  ]);
  const growthKiB = rssKiB(server.pid) - memoryBefore;
  const counts = await generator.counts();
  expect(counts).toMatchObject({ lost: 0 });
  expect(counts.sent).toBeGreaterThan((LOAD_CALLS * 2 * SPRAY_MS) / 20);
  expect(heard[0]).toBe(0);
  expect(growthKiB).toBeLessThan(96 * 1024);

  // Who has the right keys is heard whole, others not at all; nobody's call has ended by it.
  const { received } = secure.get('right')!.callee;
  await expect.poll(() => received.length, ARRIVING).toBe(TALK_PACKETS);
  const plainHeard = SECURE_CALLS.map((how) => secure.get(how)!.callee.received.length);
  expect(plainHeard).toEqual([TALK_PACKETS, 0, 0, 0]);
  expect(events.received.filter(({ type }) => type.endsWith('CallEnded'))).toEqual([]);
  const dropped = await droppedPackets();
  expect(dropped.get('authentication')).toBeGreaterThan(3 * TALK_PACKETS);
  expect(dropped.get('source')).toBeGreaterThan(1_000);

  const [began, untilMs] = [await generator.beganAtMs(), Date.now()];
  await generator.hangUp();
  for (const call of secure.values()) await call.hangUp();
  await expectRecorded(began, untilMs);
}, 180_000);

/** Every generator's call has both of its tones all the time, and those with keys what was authentic. */
async function expectRecorded(began: readonly number[], untilMs: number): Promise<void> {
  const found = new Set<number>();
  const secureLevels: number[][] = [];
  for (let file = 0; file < LOAD_CALLS + SECURE_CALLS.length; file += 1) {
    const ready = await events.next('RecordingFileStatusUpdated', undefined, FILE_MS);
    const { samples, sampleRateHz } = await readClip(recordingFile(server, ready));
    const call = callsByServerCallId(events).get(String(ready.data['serverCallId']));
    if (call === undefined) {
      secureLevels.push([SECURE_HZ, PLAIN_HZ].map((hz) => levelOf(samples, sampleRateHz, hz)));
      continue;
    }
    const startMs = Date.parse(String(ready.data['recordingStartTime']));
    const latchMs = call % NAT_EVERY === 0 ? NAT_LATCH_MS : EDGE_MS;
    const stretch = {
      fromMs: began[call]! - startMs + latchMs,
      toMs: untilMs - startMs - EDGE_MS,
    };
    const check = checkTones(samples, sampleRateHz, tonesOf(call), stretch);
    expect(check.framesChecked).toBeGreaterThan((SPRAY_MS - 1_000) / 20);
    expect({ call, wrong: check.wrongFrames }).toEqual({ call, wrong: [] });
    found.add(call);
  }
  expect(found.size).toBe(LOAD_CALLS);
  // The callees spoke in all four; of the callers only the one with the right keys is in a file.
  const sorted = secureLevels.toSorted(([a = 0], [b = 0]) => b - a);
  expect(sorted.map((levels) => levels.map((level) => level > 0.05))).toEqual([
    [true, true],
    [false, true],
    [false, true],
    [false, true],
  ]);
  for (const [level = 1] of sorted.slice(1)) expect(level).toBeLessThan(0.001);
}

/** How loud a frequency is over the whole of a file, as a part of full scale. */
function levelOf(samples: Int16Array, sampleRateHz: number, frequencyHz: number): number {
  const frame = sampleRateHz / 50;
  let sum = 0;
  let frames = 0;
  for (let from = 0; from + frame <= samples.length; from += frame) {
    let [real, imaginary] = [0, 0];
    for (let at = 0; at < frame; at += 1) {
      const angle = (2 * Math.PI * frequencyHz * at) / sampleRateHz;
      real += (samples[from + at] ?? 0) * Math.cos(angle);
      imaginary += (samples[from + at] ?? 0) * Math.sin(angle);
    }
    sum += (2 * Math.hypot(real, imaginary)) / frame / 32_768;
    frames += 1;
  }
  return sum / Math.max(1, frames);
}

/** Both ends of a call whose caller has agreed on keys say their tones, one second after the other. */
async function speak(how: How, call: WireCall, startUs: number): Promise<number> {
  const keys = call.caller.remote.security;
  if (keys === undefined) throw new Error('no keys were agreed on');
  const sender = new SrtpSender(
    keys.suite,
    how === 'wrong-key' ? otherKey(keys) : keys.localKeySalt,
  );
  const listener = new SrtpReceiver(keys.suite, keys.remoteKeySalt);
  const packets = toneOf(SECURE_HZ, 0x5ec);
  const answers = toneOf(PLAIN_HZ, 0x91a);
  const replayer = await Stranger.open('127.0.0.1');
  for (const [at, packet] of packets.entries()) {
    await until(startUs + at * 20_000);
    const plain = datagramOf(packet);
    const sealed = Uint8Array.from(sender.protectRtp(plain) ?? []);
    if (how === 'wrong-tag') sealed[sealed.length - 1]! ^= 1;
    const said = how === 'plain' ? plain : sealed;
    call.caller.send(said);
    // Who listens to the network sends again what it has heard.
    replayer.send(said, call.caller.remote.rtp);
    call.callee.send(datagramOf(answers[at]!));
  }
  const { received } = call.caller;
  await expect.poll(() => received.length, ARRIVING).toBeGreaterThanOrEqual(TALK_PACKETS);
  replayer.close();
  const authentic = received.filter((data) => listener.unprotectRtp(data) !== undefined);
  expect(authentic).toHaveLength(TALK_PACKETS);
  return replayer.received;
}

function otherKey({ localKeySalt }: MediaSecurity): Uint8Array {
  return localKeySalt.map((byte) => byte ^ 0x55);
}

function toneOf(frequencyHz: number, ssrc: number): ReturnType<typeof talk> {
  const packet = tonePacket(frequencyHz);
  const codes = new Uint8Array(TALK_PACKETS * packet.length);
  for (let at = 0; at < TALK_PACKETS; at += 1) codes.set(packet, at * packet.length);
  return talk({ ssrc, startUs: 0 }, codes);
}

/**
 * Correct streams from an address that has no business here, and from one that has, but never four packets in
 * a row; and any bytes. Gives how many packets came back.
 */
async function spray(startUs: number): Promise<number> {
  const random = seeded(9);
  const [foreign, near, noise] = [
    await Stranger.open('127.0.0.2'),
    await Stranger.open('127.0.0.1'),
    await Stranger.open('127.0.0.1'),
  ];
  const pairs = (RTP_PORTS.to - RTP_PORTS.from + 1) / 2;
  const packets = toneOf(2_500, 0x3333).map((packet) => datagramOf(packet));
  for (let step = 0; step * STEP_MS < SPRAY_MS; step += 1) {
    await until(startUs + step * STEP_MS * 1000);
    const round = Math.floor((step * PORTS_A_STEP) / pairs);
    for (let at = 0; at < PORTS_A_STEP; at += 1) {
      const pair = (step * PORTS_A_STEP + at) % pairs;
      const rtp = { address: '127.0.0.1', port: RTP_PORTS.from + 2 * pair };
      foreign.send(packets[round]!, rtp);
      near.send(packets[Math.floor(random() * packets.length)]!, rtp);
      const bytes = Uint8Array.from({ length: Math.floor(random() * 60) }, () => random() * 256);
      noise.send(bytes, rtp);
      noise.send(bytes, { ...rtp, port: rtp.port + 1 });
    }
  }
  await delay(200);
  const strangers = [foreign, near, noise];
  for (const stranger of strangers) stranger.close();
  return strangers.reduce((sum, { received }) => sum + received, 0);
}

async function droppedPackets(): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(new URL('/metrics', server.ready.management))).text();
  const found = text.matchAll(/^tapedeck_dropped_packets\{reason="([a-z-]+)"\} (\d+)$/gm);
  return new Map([...found].map(([, reason = '', count]) => [reason, Number(count)]));
}
