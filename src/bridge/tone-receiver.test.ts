import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TONES } from '../core/tone.ts';
import { buildTelephoneEvent } from '../protocols/rtp/telephone-event.ts';
import { EVENT_TIMEOUT_US, ToneReceiver } from './tone-receiver.ts';

type Sent = {
  readonly ssrc?: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Uint8Array;
};

const PACKET_TICKS = 160;

function next<T>(values: Iterator<T, unknown>): T {
  const { done, value } = values.next();
  if (done === true) throw new Error('the stream has ended');
  return value;
}

function block(event: number, ticks: number, end = false): Uint8Array {
  return buildTelephoneEvent({ event, end, volumeDbm0: 10, durationTicks: ticks });
}

/** What a phone sends for one press: an update every 20 ms, the end three times, long ones in segments. */
function press(event: number, start: number, ticks: number): Sent[] {
  const sent: Sent[] = [];
  const at = (offset: number, length: number, end: boolean): void => {
    const timestamp = (start + offset) >>> 0;
    sent.push({ timestamp, marker: sent.length === 0, payload: block(event, length, end) });
  };
  let segment = 0;
  for (let now = PACKET_TICKS; now < ticks; now += PACKET_TICKS) {
    if (now - segment > 0xffff) {
      at(segment, 0xffff, false);
      segment += 0xffff;
    }
    at(segment, now - segment, false);
  }
  for (let copy = 0; copy < 3; copy += 1) at(segment, ticks - segment, true);
  return sent;
}

class Listener {
  readonly tones: string[] = [];
  readonly durationsMs: number[] = [];
  readonly receiver = new ToneReceiver(({ tone, durationMs }) => {
    this.tones.push(tone);
    this.durationsMs.push(durationMs);
  });
  nowUs = 0;

  hear(...packets: readonly Sent[]): this {
    for (const { ssrc = 1, timestamp, marker, payload } of packets) {
      this.nowUs += 20_000;
      const data = Uint8Array.of(1, 2, ...payload);
      this.receiver.packet(ssrc, timestamp, marker, data, 2, payload.length, this.nowUs);
    }
    return this;
  }

  wait(us: number): this {
    this.nowUs += us;
    this.receiver.tend(this.nowUs);
    return this;
  }
}

const presses = fc.array(
  fc.record({
    event: fc.integer({ min: 0, max: 15 }),
    ticks: fc.integer({ min: 320, max: 3000 }),
    gapTicks: fc.integer({ min: 320, max: 3000 }),
  }),
  { minLength: 1, maxLength: 8 },
);

describe('a key press is reported exactly once', () => {
  test('whatever is lost, doubled or overtaken, as long as one of its packets arrives', () => {
    fc.assert(
      fc.property(
        presses,
        fc.integer({ min: 0, max: 0xffff_ffff }),
        fc.infiniteStream(fc.record({ copies: fc.nat(2), delay: fc.nat(400) })),
        (keys, firstTimestamp, fates) => {
          const arriving: { readonly atMs: number; readonly packet: Sent }[] = [];
          let start = firstTimestamp;
          let sentMs = 0;
          for (const { event, ticks, gapTicks } of keys) {
            const packets = press(event, start, ticks);
            let isHeard = false;
            packets.forEach((packet, index) => {
              const { copies, delay } = next(fates);
              const isLast = index === packets.length - 1;
              const count = isLast && !isHeard ? Math.max(1, copies) : copies;
              isHeard ||= count > 0;
              for (let copy = 0; copy < count; copy += 1) {
                arriving.push({ atMs: sentMs + index * 20 + delay + copy * 30, packet });
              }
            });
            start = (start + ticks + gapTicks) >>> 0;
            sentMs += (ticks + gapTicks) / 8;
          }
          const listener = new Listener();
          for (const { packet } of arriving.toSorted((a, b) => a.atMs - b.atMs)) {
            listener.hear(packet);
          }
          listener.wait(EVENT_TIMEOUT_US);
          expect(listener.tones.toSorted()).toEqual(
            keys.map(({ event }) => TONES[event]!).toSorted(),
          );
        },
      ),
    );
  });

  test('and in order, with its length, when nothing is overtaken', () => {
    fc.assert(
      fc.property(presses, fc.integer({ min: 0, max: 0xffff_ffff }), (keys, firstTimestamp) => {
        const listener = new Listener();
        let start = firstTimestamp;
        for (const { event, ticks, gapTicks } of keys) {
          listener.hear(...press(event, start, ticks));
          start = (start + ticks + gapTicks) >>> 0;
        }
        expect(listener.tones).toEqual(keys.map(({ event }) => TONES[event]));
        expect(listener.durationsMs).toEqual(keys.map(({ ticks }) => Math.round(ticks / 8)));
      }),
    );
  });

  test('of the same key again at once, as every press has a timestamp of its own', () => {
    const listener = new Listener();
    listener.hear(...press(5, 1000, 800), ...press(5, 2200, 800), ...press(5, 3400, 800));
    expect(listener.tones).toEqual(['5', '5', '5']);
  });

  test('of the same key again when every end was lost', () => {
    const listener = new Listener();
    listener.hear(...press(5, 1000, 800).slice(0, 2), ...press(5, 2200, 800).slice(0, 2));
    expect(listener.tones).toEqual(['5']);
    expect(listener.wait(EVENT_TIMEOUT_US).tones).toEqual(['5', '5']);
  });
});

describe('a long press', () => {
  const TWENTY_SECONDS = 160_000;

  test('is one, though it is told of in segments', () => {
    const listener = new Listener();
    listener.hear(...press(11, 4_294_900_000, TWENTY_SECONDS));
    expect([listener.tones, listener.durationsMs]).toEqual([['#'], [20_000]]);
  });

  test('is one, though the last packets of a segment are lost', () => {
    const listener = new Listener();
    const packets = press(11, 77, TWENTY_SECONDS);
    listener.hear(...packets.filter((_, index) => index < 400 || index > 420));
    expect([listener.tones, listener.durationsMs]).toEqual([['#'], [20_000]]);
  });

  test('is one, though a break of the network ended it too early', () => {
    const listener = new Listener();
    const packets = press(11, 77, TWENTY_SECONDS);
    listener.hear(...packets.slice(0, 405)).wait(EVENT_TIMEOUT_US);
    expect(listener.tones).toEqual(['#']);
    listener.hear(...packets.slice(405));
    expect(listener.tones).toEqual(['#']);
  });
});

test('an event whose end never comes is over after half a second, as long as it was heard', () => {
  const listener = new Listener();
  listener.hear(...press(3, 0, 800).slice(0, 3)).wait(EVENT_TIMEOUT_US - 1);
  expect(listener.tones).toEqual([]);
  listener.wait(1);
  expect([listener.tones, listener.durationsMs]).toEqual([['3'], [60]]);
  expect(listener.wait(EVENT_TIMEOUT_US).tones).toEqual(['3']);
});

test('the next key ends the one before', () => {
  const listener = new Listener();
  listener.hear(...press(3, 0, 800).slice(0, 3), ...press(4, 1600, 800).slice(0, 1));
  expect(listener.tones).toEqual(['3']);
});

test('a phone that moves the timestamp along with each packet presses once', () => {
  const listener = new Listener();
  const packets = press(7, 500, 960).map((packet, index) => ({
    ...packet,
    timestamp: 500 + index * 160,
  }));
  listener.hear(...packets);
  expect([listener.tones, listener.durationsMs]).toEqual([['7'], [120]]);
});

test('several events in one packet are several presses', () => {
  const listener = new Listener();
  const payload = Uint8Array.of(...block(1, 400), ...block(2, 480), ...block(3, 800, true));
  listener.hear({ timestamp: 100, marker: true, payload });
  listener.hear({ timestamp: 100, marker: true, payload });
  expect([listener.tones, listener.durationsMs]).toEqual([
    ['1', '2', '3'],
    [50, 60, 100],
  ]);
});

test('a sender that restarts its numbers, or is another, is heard as before', () => {
  const listener = new Listener();
  for (let n = 0; n < 20; n += 1) listener.hear(...press(1, 10_000_000 + n * 1600, 800));
  for (let n = 0; n < 20; n += 1) listener.hear(...press(2, 1000 + n * 1600, 800));
  listener.hear(...press(3, 33_000, 800).map((packet) => ({ ...packet, ssrc: 2 })));
  expect(listener.tones.join('')).toBe('1'.repeat(20) + '2'.repeat(20) + '3');
});

test('events that are no keys, and payloads that are no events, are nothing', () => {
  const listener = new Listener();
  listener.hear(...press(16, 0, 800), ...press(255, 1600, 800));
  listener.hear({ timestamp: 9000, marker: true, payload: Uint8Array.of(5, 0x80, 1) });
  listener.hear({ timestamp: 9000, marker: true, payload: new Uint8Array(0) });
  expect(listener.wait(EVENT_TIMEOUT_US).tones).toEqual([]);
});

test('any bytes are taken', () => {
  const listener = new Listener();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(0xffff_ffff), (payload, timestamp) => {
      listener.hear({ timestamp, marker: false, payload });
    }),
  );
  listener.wait(EVENT_TIMEOUT_US);
});
