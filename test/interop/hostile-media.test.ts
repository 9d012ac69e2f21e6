import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { encodeG711 } from '../../src/media/g711/g711.ts';
import { sine } from '../../src/media/tone/sine.ts';
import { findTone } from '../../src/media/tone/tone-meter.ts';
import { datagramOf, seeded, talk, type PlannedPacket } from '../../src/render/testing/packets.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { freePort } from '../support/free-port.ts';
import { mutated } from '../support/mutated.ts';
import { Stranger } from '../support/peers/stranger.ts';
import { until, WirePhones, type WireCall, type WireLeg } from '../support/peers/wire-phones.ts';
import { rssKiB } from '../support/process-usage.ts';
import { recordingFile } from '../support/recording-file.ts';
import { ServerProcess } from '../support/server-process.ts';
import { readClip } from '../support/tone-plan.ts';

const AMPLITUDE = 10_000;
/** Of the caller, of the callee, and of who has no business here. */
const CALLER_HZ = 450;
const CALLEE_HZ = 1_000;
const STRANGER_HZ = 2_500;
const CALLER_SSRC = 0x1111;
const CALLEE_SSRC = 0x2222;
const SECOND_US = 1_000_000;
const TALK_S = 4;
const TALK_PACKETS = TALK_S * 50;

let events: EventReceiver;
let server: ServerProcess;
let phones: WirePhones;
const strangers: Stranger[] = [];

beforeAll(async () => {
  const sipPort = await freePort();
  events = await EventReceiver.open();
  phones = await WirePhones.open(sipPort);
  server = await ServerProcess.start({
    flags: ['--event-webhook', events.url],
    file: WirePhones.configuration(sipPort),
  });
});

afterEach(() => {
  for (const stranger of strangers.splice(0)) stranger.close();
});

afterAll(async () => {
  await phones.close();
  events.close();
  expect(await server.stop()).toBe(0);
});

test('media sprayed from elsewhere is neither heard, recorded nor answered', async () => {
  const call = await phones.call(server.ready.sip, '91');
  const startUs = systemClock.monotonicUs();
  // The right ones begin 300 ms after the answer: 500 are theirs alone.
  const talkUs = startUs + 0.3 * SECOND_US;
  await Promise.all([
    talkBoth(call, talkUs),
    ...[call.caller, call.callee].flatMap((leg) => [
      spray('127.0.0.2', leg, startUs, TALK_S + 2),
      // A phone behind NAT would look like this; it has its chance only when the right one is silent.
      spray('127.0.0.1', leg, startUs, TALK_S + 0.3),
    ]),
  ]);
  await call.hangUp();
  expect(strangers.map((stranger) => stranger.received)).toEqual([0, 0, 0, 0]);
  for (const leg of [call.caller, call.callee]) expect(leg.received).toHaveLength(TALK_PACKETS);
  await expectRecordedAsSaid();
});

test('any bytes on the ports of a live call leave it, and the server, as they were', async () => {
  const call = await phones.call(server.ready.sip, '92');
  const random = seeded(5);
  const startUs = systemClock.monotonicUs() + 200_000;
  const talking = talkBoth(call, startUs);
  const rounds = 2 * TALK_PACKETS;
  const outside = [await opened('127.0.0.1'), await opened('127.0.0.2')];
  let before = 0;
  for (let round = 0; round < rounds; round += 1) {
    await until(startUs + round * 10_000);
    // What it needs at all is taken in the first quarter.
    if (round === rounds / 4) before = rssKiB(server.pid);
    for (const leg of [call.caller, call.callee]) {
      const { rtp, rtcp } = leg.remote;
      for (const stranger of outside) {
        stranger.send(mutated(TONE_DATAGRAM, random), rtp);
        stranger.send(mutated(REPORT, random), rtcp);
      }
      leg.send(notMedia(random));
      leg.rtcp.send(mutated(REPORT, random), rtcp);
    }
  }
  const growth = rssKiB(server.pid) - before;
  await talking;
  await call.hangUp();
  expect(growth).toBeLessThan(32 * 1024);
  expect(outside.map((stranger) => stranger.received)).toEqual([0, 0]);
  for (const leg of [call.caller, call.callee]) expect(leg.received).toHaveLength(TALK_PACKETS);
  await expectRecordedAsSaid();
});

/** Both sides say their tones from `startUs` on. */
async function talkBoth(call: WireCall, startUs: number): Promise<void> {
  await Promise.all([
    call.caller.sendPlanned(tone(CALLER_HZ, CALLER_SSRC, TALK_S), startUs),
    call.callee.sendPlanned(tone(CALLEE_HZ, CALLEE_SSRC, TALK_S), startUs + 7_000),
  ]);
}

function tone(frequencyHz: number, ssrc: number, seconds: number): PlannedPacket[] {
  const samples = sine({ frequencyHz, amplitude: AMPLITUDE }, 8_000, seconds * 8_000);
  const codes = new Uint8Array(samples.length);
  encodeG711('PCMU', samples, codes);
  return talk({ ssrc, startUs: 0 }, codes);
}

/** Correct RTP and RTCP of somebody else, under the right SSRC, from `startUs` on. */
async function spray(host: string, leg: WireLeg, startUs: number, seconds: number): Promise<void> {
  const stranger = await opened(host);
  const ssrc = host === '127.0.0.1' ? CALLER_SSRC : 0x3333;
  for (const packet of tone(STRANGER_HZ, ssrc, seconds)) {
    await until(startUs + packet.arrivalUs);
    stranger.send(datagramOf(packet), leg.remote.rtp);
    stranger.send(REPORT, leg.remote.rtcp);
  }
}

async function opened(host: string): Promise<Stranger> {
  const stranger = await Stranger.open(host);
  strangers.push(stranger);
  return stranger;
}

const TONE_DATAGRAM = datagramOf(tone(STRANGER_HZ, CALLER_SSRC, 1)[0]!);
/** A sender report of the caller's SSRC without blocks, and a BYE. */
const REPORT = Uint8Array.from([
  ...[0x80, 200, 0, 6, 0, 0, 0x11, 0x11, ...Array<number>(20).fill(1)],
  ...[0x81, 203, 0, 1, 0, 0, 0x11, 0x11],
]);

/** What a phone's own port may send without it being media: each is malformed, or of no known type. */
function notMedia(random: () => number): Uint8Array {
  const bytes = Uint8Array.from(TONE_DATAGRAM);
  const kind = Math.floor(random() * 5);
  if (kind === 0) return bytes.subarray(0, Math.floor(random() * 12));
  // Another version.
  if (kind === 1) bytes[0] = 0x40;
  // A payload type that was not negotiated.
  else if (kind === 2) bytes[1] = 50 + Math.floor(random() * 40);
  // An extension longer than the packet.
  else if (kind === 3) {
    bytes[0] = 0x90;
    bytes.set([0xbe, 0xde, 0xff, 0xff], 12);
  }
  // More contributing sources than there are bytes.
  else return Uint8Array.from([0x8f, ...bytes.subarray(1, 40)]);
  return bytes;
}

/** Both tones for as long as they were said and as loud, and nothing of the stranger's. */
async function expectRecordedAsSaid(): Promise<void> {
  const ready = await events.next('RecordingFileStatusUpdated');
  const clip = await readClip(recordingFile(server, ready));
  const spansOf = (frequencyHz: number, threshold: number): ReturnType<typeof findTone> =>
    findTone(clip.samples, clip.sampleRateHz, { frequencyHz, threshold });
  for (const frequencyHz of [CALLER_HZ, CALLEE_HZ]) {
    const spans = spansOf(frequencyHz, AMPLITUDE / 2);
    expect(spans).toHaveLength(1);
    expect(Math.abs(spans[0]!.endMs - spans[0]!.startMs - TALK_S * 1000)).toBeLessThan(20);
    expect(Math.abs(20 * Math.log10(spans[0]!.amplitude / AMPLITUDE))).toBeLessThan(1);
  }
  expect(spansOf(STRANGER_HZ, AMPLITUDE / 20)).toEqual([]);
}
