import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import type { CodecName, MediaDirection, RemoteMedia } from '../core/media-format.ts';
import type { BindOptions, DatagramNetwork, DatagramSocket } from '../core/ports/datagram.ts';
import type { Random } from '../core/ports/random.ts';
import { readWav } from '../media/wav/wav-reader.ts';
import { findTone, levelDb } from '../media/tone/tone-meter.ts';
import { RtpHeaderReader } from '../protocols/rtp/header.ts';
import { parseTelephoneEvent } from '../protocols/rtp/telephone-event.ts';
import { Heard } from './heard.ts';
import { PhoneMedia } from './phone-media.ts';
import type { PhoneStep } from '../core/simulated-phone.ts';
import { Voice } from './voice.ts';

const RANDOM: Random = {
  bytes: (length) => new Uint8Array(length).fill(0xff),
  hex: (length) => 'f'.repeat(2 * length),
  uuid: () => '',
  fraction: () => 0,
};

type Sent = { readonly data: Uint8Array; readonly to: number; readonly atMs: number };

/** Datagrams arrive at once and are remembered. */
class Wire implements DatagramNetwork {
  readonly sent: Sent[] = [];
  open = 0;
  readonly #clock: ManualClock;
  readonly #bound = new Map<number, BindOptions>();

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  bind(options: BindOptions): Promise<DatagramSocket> {
    const port = 40_000 + this.#bound.size;
    this.#bound.set(port, options);
    this.open += 1;
    const local = { address: options.host, port };
    return Promise.resolve({
      local,
      send: (data, to) => {
        const atMs = this.#clock.monotonicUs() / 1000;
        this.sent.push({ data: data.slice(), to: to.port, atMs });
        this.#bound.get(to.port)?.receive(data, local, this.#clock.monotonicUs());
        return true;
      },
      connect: () => undefined,
      close: () => (this.open -= 1),
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

type Options = {
  readonly codec?: CodecName;
  readonly direction?: MediaDirection;
  readonly telephoneEvent?: number;
};

function remoteOf(media: PhoneMedia, options: Options = {}): RemoteMedia {
  const { rtp, rtcp } = media.local;
  const codec = options.codec ?? 'PCMU';
  return {
    rtp,
    rtcp,
    format: { codec, payloadType: codec === 'PCMU' ? 0 : 8, clockRateHz: 8000 },
    auxiliary: { telephoneEvent: options.telephoneEvent, comfortNoise: undefined },
    direction: options.direction ?? 'sendrecv',
    packetTimeMs: 20,
    alternativeSources: [],
  };
}

async function pair(): Promise<{ clock: ManualClock; wire: Wire; a: PhoneMedia; b: PhoneMedia }> {
  const clock = new ManualClock();
  const wire = new Wire(clock);
  const ports = { clock, random: RANDOM, datagrams: wire };
  const options = { host: '127.0.0.1', codecs: ['PCMU', 'PCMA'] as const, keepHeard: true };
  const a = await PhoneMedia.open(options, ports);
  const b = await PhoneMedia.open(options, ports);
  return { clock, wire, a, b };
}

function voice(...steps: readonly PhoneStep[]): Voice {
  return new Voice(steps, new Map(), false);
}

const ignore = (): void => undefined;

describe.each(['PCMU', 'PCMA'] as const)('with %s', (codec) => {
  test('each phone hears what the other says, at its time and level', async () => {
    const { clock, a, b } = await pair();
    const tone = { do: 'tone', levelDb: -10, durationMs: 500 } as const;
    a.start(
      remoteOf(b, { codec }),
      voice({ do: 'waitUntil', atMs: 300 }, { ...tone, frequencyHz: 440 }),
      ignore,
    );
    b.start(
      remoteOf(a, { codec }),
      voice({ do: 'waitUntil', atMs: 700 }, { ...tone, frequencyHz: 1000 }),
      ignore,
    );
    for (let ms = 0; ms < 1500; ms += 7) clock.advance(7);
    for (const [listener, frequencyHz, startMs] of [
      [a, 1000, 700],
      [b, 440, 300],
    ] as const) {
      const clip = readWav(listener.heard!.wav());
      const samples = clip.ok ? clip.value.samples : new Int16Array(0);
      const spans = findTone(samples, 8000, { frequencyHz, threshold: 5000, bridgeMs: 3 });
      expect(spans).toHaveLength(1);
      expect(Math.abs(spans[0]!.startMs - startMs)).toBeLessThan(20);
      expect(Math.abs(spans[0]!.endMs - startMs - 500)).toBeLessThan(20);
      expect(Math.abs(levelDb(spans[0]!.amplitude) + 10)).toBeLessThan(0.3);
      expect(listener.heard!.stats()).toMatchObject({ lostPackets: 0, digits: '' });
    }
  });
});

test('a frame leaves every 20 ms by the clock, and a late timer does not move those after it', async () => {
  const { clock, wire, a, b } = await pair();
  a.start(remoteOf(b), voice(), ignore);
  for (const step of [5, 33, 1, 90, 3, 20, 48]) clock.advance(step);
  expect(wire.sent).toHaveLength(11);
  for (const [index, sent] of wire.sent.entries()) {
    expect(sent.atMs).toBe(20 * index);
  }
  const header = new RtpHeaderReader();
  wire.sent.forEach(({ data }, index) => {
    expect(header.read(data)).toBe(true);
    expect(header.sequenceNumber).toBe((0xffff + index) & 0xffff);
    expect(header.timestamp).toBe((0xffffffff + 160 * index) >>> 0);
    expect(header.marker).toBe(index === 0);
    expect(header.payloadBytes).toBe(160);
  });
});

test('after a short stall the frames that are due leave at once, after a long one they are left out', async () => {
  let nowMs = 0;
  let fire = ignore;
  const clock = {
    nowMs: () => nowMs,
    monotonicUs: () => nowMs * 1000,
    setTimer: (_delayMs: number, callback: () => void) => {
      fire = callback;
      return { cancel: ignore };
    },
  };
  const wire = new Wire(new ManualClock());
  const ports = { clock, random: RANDOM, datagrams: wire };
  const options = { host: '127.0.0.1', codecs: ['PCMU'] as const, keepHeard: false };
  const a = await PhoneMedia.open(options, ports);
  a.start(remoteOf(a), voice(), ignore);
  const sentAt = (ms: number): readonly number[] => {
    nowMs = ms;
    wire.sent.length = 0;
    fire();
    const header = new RtpHeaderReader();
    return wire.sent.map(({ data }) => {
      header.read(data);
      return ((header.timestamp + 1) >>> 0) / 160;
    });
  };
  expect(sentAt(110)).toEqual([1, 2, 3, 4, 5]);
  expect(sentAt(10_000)).toEqual([500]);
  expect(sentAt(10_020)).toEqual([501]);
});

test('digits are events with one timestamp each, their end three times, and are heard once', async () => {
  const { clock, wire, a, b } = await pair();
  b.start(remoteOf(a, { telephoneEvent: 101 }), voice(), ignore);
  wire.sent.length = 0;
  const digits = { do: 'digits', digits: '55*', durationMs: 60 } as const;
  a.start(remoteOf(b, { telephoneEvent: 101 }), voice(digits), ignore);
  clock.advance(380);
  const header = new RtpHeaderReader();
  const events = wire.sent.flatMap(({ data, to }) => {
    if (to !== b.local.rtp.port || !header.read(data) || header.payloadType !== 101) return [];
    const event = parseTelephoneEvent(data.subarray(header.payloadOffset));
    return event.ok ? [{ ...event.value, timestamp: header.timestamp, marker: header.marker }] : [];
  });
  expect(events).toHaveLength(3 * 5);
  expect(new Set(events.map((event) => event.timestamp)).size).toBe(3);
  expect(events.slice(0, 5).map((event) => [event.durationTicks, event.end, event.marker])).toEqual(
    [
      [160, false, true],
      [320, false, false],
      [480, true, false],
      [480, true, false],
      [480, true, false],
    ],
  );
  expect(b.heard!.stats()).toMatchObject({ digits: '55*', lostPackets: 0 });
});

test('digits that were not negotiated are silence', async () => {
  const { clock, wire, a, b } = await pair();
  a.start(remoteOf(b), voice({ do: 'digits', digits: '5', durationMs: 60 }), ignore);
  clock.advance(200);
  expect(wire.sent.every(({ data }) => data[1] === 0 || data[1] === 0x80)).toBe(true);
});

test('nothing is sent to a side that holds the call, and sending goes on after it', async () => {
  const { clock, wire, a, b } = await pair();
  a.start(remoteOf(b), voice(), ignore);
  clock.advance(50);
  a.setRemote(remoteOf(b, { direction: 'recvonly' }));
  const before = wire.sent.length;
  clock.advance(100);
  expect(wire.sent).toHaveLength(before);
  a.setRemote(remoteOf(b));
  clock.advance(20);
  const header = new RtpHeaderReader();
  header.read(wire.sent.at(-1)!.data);
  // The clock of the stream went on: 170 ms are eight frames.
  expect(header.timestamp).toBe((0xffffffff + 160 * 8) >>> 0);
  expect(header.marker).toBe(true);
});

test('the script’s end is told once, and nothing is sent after it or after closing', async () => {
  const { clock, wire, a, b } = await pair();
  let told = 0;
  a.start(
    remoteOf(b),
    voice({ do: 'silence', durationMs: 40 }, { do: 'hangUp' }),
    () => (told += 1),
  );
  b.start(remoteOf(a), voice(), ignore);
  clock.advance(500);
  expect(told).toBe(1);
  expect(a.sentPackets).toBe(2);
  b.close();
  a.close();
  const before = wire.sent.length;
  clock.advance(500);
  expect(wire.sent).toHaveLength(before);
  expect(wire.open).toBe(0);
  expect(clock.pendingTimers).toBe(0);
});

test('any datagram is heard or ignored, never an exception', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.boolean(), (datagrams, rtp) => {
      const heard = new Heard(0, true);
      const rtpAddress = { address: '127.0.0.1', port: 1 };
      heard.setRemote({
        rtp: rtpAddress,
        rtcp: rtpAddress,
        format: { codec: 'PCMU', payloadType: 0, clockRateHz: 8000 },
        auxiliary: { telephoneEvent: 101, comfortNoise: 13 },
        direction: 'sendrecv',
        packetTimeMs: 20,
        alternativeSources: [],
      });
      for (const data of datagrams) {
        if (rtp && data.length > 1) {
          data[0] = 0x80;
          data[1] = data[1]! & 1 ? 0 : 101;
        }
        heard.receive(data, 1000);
      }
      expect(heard.samples().length).toBeLessThanOrEqual(600 * 8000);
    }),
  );
});

test('lost, reordered and repeated packets leave the others in their places', () => {
  const heard = new Heard(0, true);
  const at = { address: '127.0.0.1', port: 1 };
  heard.setRemote({
    rtp: at,
    rtcp: at,
    format: { codec: 'PCMU', payloadType: 0, clockRateHz: 8000 },
    auxiliary: { telephoneEvent: undefined, comfortNoise: undefined },
    direction: 'sendrecv',
    packetTimeMs: 20,
    alternativeSources: [],
  });
  const packet = (sequence: number): Uint8Array => {
    const data = new Uint8Array(12 + 160).fill(sequence, 12);
    data.set([0x80, 0, 0, sequence, 0, 0, (sequence * 160) >> 8, (sequence * 160) & 0xff]);
    return data;
  };
  for (const sequence of [1, 4, 2, 2]) heard.receive(packet(sequence), 0);
  const samples = heard.samples();
  expect(samples).toHaveLength(4 * 160);
  expect(samples.subarray(0, 160).every((sample) => sample === samples[0])).toBe(true);
  expect(new Set([samples[0], samples[160], samples[480]]).size).toBe(3);
  expect(samples.subarray(320, 480).every((sample) => sample === 0)).toBe(true);
});
