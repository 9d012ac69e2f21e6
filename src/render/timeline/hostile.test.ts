import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MixSink } from '../testing/mix-sink.ts';
import { makeSpanScratch } from './span.ts';
import { Timeline } from './timeline.ts';

function listen(): { readonly timeline: Timeline; readonly samples: () => number } {
  let samples = 0;
  const sink = new MixSink((_, from, to) => {
    samples += to - from;
  });
  const timeline = new Timeline(sink, makeSpanScratch());
  join(timeline, 0, 'PCMU');
  join(timeline, 1, 'later codec');
  return { timeline, samples: () => samples };
}

function join(timeline: Timeline, stream: number, codec: string): void {
  timeline.joined(
    {
      stream,
      legId: 'leg',
      participantId: 'p',
      codec,
      clockRateHz: 8000,
      payloadType: 0,
      auxiliary: { telephoneEvent: undefined, comfortNoise: undefined },
      played: false,
    },
    0,
  );
}

test('any packets, in any numbering, give a recording of the right length', () => {
  const field = fc.oneof(fc.nat({ max: 3 }), fc.integer({ min: 0, max: 255 }));
  const datagram = fc.tuple(
    fc.array(field, { minLength: 10, maxLength: 10 }),
    fc.uint8Array({ maxLength: 400 }),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 400_000 }), datagram), { maxLength: 60 }),
      (packets) => {
        const { timeline, samples } = listen();
        let nowUs = 0;
        for (const [stream, afterUs, [numbers, payload]] of packets) {
          nowUs += afterUs;
          const bytes = Uint8Array.of(0x80, 0, ...numbers, ...payload);
          timeline.packet(stream, nowUs, bytes, 0, bytes.length, false);
          timeline.tick(nowUs);
        }
        timeline.ended(nowUs, 'stopped', 0);
        timeline.finish();
        expect(samples()).toBe(Math.ceil(nowUs / 125));
      },
    ),
    { numRuns: 300 },
  );
});

test('a sender that changes its SSRC with every packet does not silence the other', () => {
  let loud = 0;
  const timeline = new Timeline(
    new MixSink((samples, from, to) => {
      for (let at = from; at < to; at += 1) if ((samples[at] ?? 0) !== 0) loud += 1;
    }),
    makeSpanScratch(),
  );
  join(timeline, 0, 'PCMU');
  join(timeline, 1, 'PCMU');
  for (let packet = 0; packet < 1000; packet += 1) {
    const bytes = new Uint8Array(172).fill(0xff);
    bytes[0] = 0x80;
    bytes[1] = 0;
    const view = new DataView(bytes.buffer);
    view.setUint32(8, packet);
    timeline.packet(0, packet * 20_000, bytes, 0, bytes.length, false);
    view.setUint16(2, packet);
    view.setUint32(4, packet * 160);
    view.setUint32(8, 7);
    bytes.fill(0x10, 12);
    timeline.packet(1, packet * 20_000, bytes, 0, bytes.length, false);
    if (packet % 5 === 0) timeline.tick(packet * 20_000);
  }
  timeline.ended(20_000_000, 'stopped', 0);
  timeline.finish();
  expect(loud).toBe(160_000);
});
