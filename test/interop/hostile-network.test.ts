import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeG711, g711Samples } from '../../src/media/g711/g711.ts';
import { impair, seeded, talk, type PlannedPacket } from '../../src/render/testing/packets.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { freePort } from '../support/free-port.ts';
import { until, WirePhones } from '../support/peers/wire-phones.ts';
import { recordingFile } from '../support/recording-file.ts';
import { ServerProcess } from '../support/server-process.ts';
import { readClip } from '../support/tone-plan.ts';

const RATE_HZ = 8_000;
const SECOND_US = 1_000_000;
const NETWORK = { loss: 0.2, jitterUs: 200_000, reordered: 0.05, duplicated: 0.05 };
const table = g711Samples('PCMU');

let events: EventReceiver;
let server: ServerProcess;
let phones: WirePhones;

beforeAll(async () => {
  const sipPort = await freePort();
  events = await EventReceiver.open();
  phones = await WirePhones.open(sipPort);
  server = await ServerProcess.start({
    flags: ['--event-webhook', events.url],
    file: WirePhones.configuration(sipPort),
  });
});

afterAll(async () => {
  await phones.close();
  events.close();
  expect(await server.stop()).toBe(0);
});

test.each([11, 12])(
  'a network that loses, delays, swaps and doubles packets, over wraps and a new SSRC: every sample that came is in its place (seed %i)',
  async (seed) => {
    const random = seeded(seed);
    const call = await phones.call(server.ready.sip, `9${seed}`);
    // The far side says one undisturbed second first: what its place in the file is, all is told by.
    const marker = talk({ ssrc: 3, timestamp: 77, startUs: 0 }, noise(1, seed));
    const before = { ssrc: 7, sequence: 65_400, timestamp: 2 ** 32 - 20_000 };
    const first = talk({ ...before, startUs: 1.5 * SECOND_US }, noise(8, seed + 1));
    const after = { ssrc: 8, sequence: 9, timestamp: 5 };
    const second = talk({ ...after, startUs: 10 * SECOND_US }, noise(6, seed + 2));
    const spans = [impair(first, NETWORK, random), impair(second, NETWORK, random)];
    const startUs = systemClock.monotonicUs() + 200_000;
    await Promise.all([
      call.callee.sendPlanned(marker, startUs),
      call.caller.sendPlanned(spans.flat(), startUs),
    ]);
    await until(startUs + 16.5 * SECOND_US);
    await call.hangUp();

    const ready = await events.next('RecordingFileStatusUpdated');
    const clip = await readClip(recordingFile(server, ready));
    // The file has twice the rate, and every other sample is one of the timeline's.
    expect(clip.sampleRateHz).toBe(2 * RATE_HZ);
    const mix = clip.samples.filter((_, at) => at % 2 === 0);
    const markerAt = find(mix, marker[10]!, 0) - 10 * 160;
    const expected = new Int16Array(mix.length);
    place(expected, marker, markerAt - 77);
    for (const [index, span] of spans.entries()) {
      const truth = index === 0 ? first[0]! : second[0]!;
      const origin = markerAt + (truth.arrivalUs * RATE_HZ) / SECOND_US;
      const known = span.find((packet) => packet.timestamp > truth.timestamp + 5 * RATE_HZ)!;
      const at = find(mix, known, origin) - (known.timestamp - truth.timestamp);
      // Within 20 ms after it was said, give or take what made the mark itself late.
      expect(at - origin).toBeGreaterThan(-5 * 8);
      expect(at - origin).toBeLessThan(20 * 8);
      place(expected, span, at - truth.timestamp);
    }
    expect(mix.findIndex((sample, at) => sample !== expected[at])).toBe(-1);
    // The waveform covers the time that it was sent for: no silence passes for a match.
    expect(expected.filter((sample) => sample !== 0).length).toBeGreaterThan(0.75 * 15 * RATE_HZ);
  },
);

/** PCMU in which a shift by one sample cannot hide. */
function noise(seconds: number, seed: number): Uint8Array {
  const random = seeded(seed);
  const samples = Int16Array.from({ length: seconds * RATE_HZ }, () => (random() - 0.5) * 20_000);
  const codes = new Uint8Array(samples.length);
  encodeG711('PCMU', samples, codes);
  return codes;
}

/** Where the packet's samples stand, from `from` less 100 ms on. */
function find(mix: Int16Array, packet: PlannedPacket, from: number): number {
  const wanted = Int16Array.from(packet.payload, (code) => table[code]!);
  for (let at = Math.max(0, from - 800); at + wanted.length <= mix.length; at += 1) {
    if (wanted.every((sample, index) => mix[at + index] === sample)) return at;
  }
  throw new Error('the packet is nowhere in the recording');
}

/** Writes what must be heard of the packets, where `anchor` is the place of timestamp 0. */
function place(into: Int16Array, packets: readonly PlannedPacket[], anchor: number): void {
  for (const { timestamp, payload } of packets) {
    payload.forEach((code, at) => (into[anchor + timestamp + at] = table[code]!));
  }
}
