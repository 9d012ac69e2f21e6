import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VoiceActivity } from '../../media/voice/voice-activity.ts';
import { ChannelMap } from '../channel-map.ts';
import { ChunkCutter } from '../chunk-cutter.ts';
import { FileTracks } from '../file-tracks.ts';
import { makeRenderScratch } from '../render-scratch.ts';
import { SampleBuffer } from '../sample-buffer.ts';
import { MixSink } from '../testing/mix-sink.ts';
import { SpanDecoders } from './span-decoder.ts';
import { makeSpanScratch } from './span.ts';
import { Timeline } from './timeline.ts';

const decoders = new SpanDecoders();
await decoders.load();

/** Of the two streams. */
type Codecs = readonly [string, string];
const CODECS = fc.constantFrom<Codecs>(
  ['PCMU', 'later codec'],
  ['G722', 'opus'],
  ['opus', 'L16'],
  ['L16', 'PCMA'],
);

type Listening = { readonly timeline: Timeline; readonly samples: () => number };

/** As `listen`, but by the channels of a file. */
function listenToTracks(codecs: Codecs): Listening {
  const scratch = makeRenderScratch();
  const map = new ChannelMap(
    { limit: 2, pinned: [], overflow: 'last-channel' },
    () => new VoiceActivity(),
  );
  const cutter = new ChunkCutter(0, 8000);
  const tracks = new FileTracks({ scratch, map, decided: 0, start: 0, cutter });
  const timeline = new Timeline(tracks, { ...scratch.span, decoders });
  const output = new SampleBuffer();
  tracks.lend(output);
  joinBoth(timeline, codecs);
  const samples = (): number => {
    tracks.finish(2 * tracks.heard);
    expect(cutter.starts).toHaveLength(Math.ceil(tracks.heard / 8000));
    return output.length / tracks.channels / 2;
  };
  return { timeline, samples };
}

function listen(codecs: Codecs): Listening {
  let samples = 0;
  const sink = new MixSink((_, from, to) => {
    samples += to - from;
  });
  const timeline = new Timeline(sink, { ...makeSpanScratch(), decoders });
  joinBoth(timeline, codecs);
  return { timeline, samples: () => samples };
}

function joinBoth(timeline: Timeline, [first, second]: Codecs): void {
  join(timeline, 0, first);
  join(timeline, 1, second);
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

const field = fc.oneof(fc.nat({ max: 3 }), fc.integer({ min: 0, max: 255 }));
const DATAGRAM = fc.tuple(
  fc.array(field, { minLength: 10, maxLength: 10 }),
  fc.uint8Array({ maxLength: 400 }),
);
const PACKETS = fc.array(fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 400_000 }), DATAGRAM), {
  maxLength: 60,
});

function give(
  timeline: Timeline,
  packets: readonly (readonly [number, number, readonly [readonly number[], Uint8Array]])[],
  afterEach: (index: number, nowUs: number) => void = () => undefined,
): number {
  let nowUs = 0;
  packets.forEach(([stream, afterUs, [numbers, payload]], index) => {
    nowUs += afterUs;
    const bytes = Uint8Array.of(0x80, 0, ...numbers, ...payload);
    timeline.packet(stream, nowUs, bytes, 0, bytes.length, false);
    afterEach(index, nowUs);
    timeline.tick(nowUs);
  });
  timeline.ended(nowUs, 'stopped', 0);
  timeline.finish();
  timeline.close();
  return nowUs;
}

test('any packets, in any numbering, give a recording of the right length', () => {
  fc.assert(
    fc.property(PACKETS, CODECS, (packets, codecs) => {
      const { timeline, samples } = listen(codecs);
      const endUs = give(timeline, packets);
      expect(samples()).toBe(Math.ceil(endUs / 125));
    }),
    { numRuns: 300 },
  );
});

test('any packets and markers give channels as long as the mix', () => {
  const markers = fc.array(fc.nat({ max: 12 }), { maxLength: 60 });
  fc.assert(
    fc.property(PACKETS, markers, CODECS, (packets, kinds, codecs) => {
      const lengths = [listen(codecs), listenToTracks(codecs)].map(({ timeline, samples }) => {
        give(timeline, packets, (index, nowUs) => {
          const kind = kinds[index];
          if (kind === 0) timeline.paused(nowUs);
          if (kind === 1) timeline.resumed(nowUs);
          if (kind === 2) timeline.left(index % 3, nowUs);
          if (kind === 3) join(timeline, index % 3, index % 2 === 0 ? 'PCMA' : 'opus');
          if (kind === 4) timeline.anchor(0, nowUs, index % 3, index, nowUs - 1000);
        });
        return samples();
      });
      expect(lengths[1]).toBe(lengths[0]);
    }),
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
