import type { AudioFormat } from '../../core/media-format.ts';
import { makeSpanScratch } from '../timeline/span.ts';
import { Timeline } from '../timeline/timeline.ts';
import { COMFORT_NOISE, TELEPHONE_EVENT } from './journal-generator.ts';
import { MixSink } from './mix-sink.ts';
import { datagramOf, type PlannedPacket } from './packets.ts';

export type TimelineResult = {
  /** The mix at 8 kHz, not clipped; from `keepFrom` on. */
  readonly mix: Int32Array;
  readonly timeline: Timeline;
};

export type TimelinePlan = {
  /** Packets of each stream. */
  readonly streams: readonly (readonly PlannedPacket[])[];
  /** Of each stream; PCMU where none is given. */
  readonly formats?: readonly AudioFormat[];
  readonly endUs: number;
  /** First sample of the mix that is kept. Default 0. */
  readonly keepFrom?: number;
  /** Called with the records of other kinds; their times must fit. */
  readonly extra?: readonly { readonly atUs: number; readonly give: (to: Timeline) => void }[];
};

const TICK_US = 100_000;

/** Gives planned packets to a timeline in the order of their arrival, without a journal. */
export function runTimeline(plan: TimelinePlan): TimelineResult {
  const { endUs, keepFrom = 0 } = plan;
  const kept = new Int32Array(Math.max(0, Math.ceil(endUs / 125) - keepFrom));
  let done = 0;
  const timeline = new Timeline(
    new MixSink((samples, from, to) => {
      for (let at = from; at < to; at += 1, done += 1) {
        if (done >= keepFrom) kept[done - keepFrom] = samples[at] ?? 0;
      }
    }),
    makeSpanScratch(),
  );
  feed(timeline, plan);
  return { mix: kept.subarray(0, Math.max(0, done - keepFrom)), timeline };
}

/** Gives all records to a timeline and ends it. Participants are called `p-0`, `p-1`, … */
export function feed(timeline: Timeline, plan: Omit<TimelinePlan, 'keepFrom'>): void {
  const { streams, formats = [], endUs, extra = [] } = plan;
  streams.forEach((_, stream) => {
    timeline.joined(
      {
        stream,
        legId: `leg-${stream}`,
        participantId: `p-${stream}`,
        ...(formats[stream] ?? { codec: 'PCMU', clockRateHz: 8000, payloadType: 0 }),
        auxiliary: { telephoneEvent: TELEPHONE_EVENT, comfortNoise: COMFORT_NOISE },
        played: false,
      },
      0,
    );
  });
  const records = streams
    .flatMap((packets, stream) =>
      packets.map((packet) => ({
        atUs: Math.floor(packet.arrivalUs),
        give: (to: Timeline): void => {
          const datagram = datagramOf(packet);
          const atUs = Math.floor(packet.arrivalUs);
          to.packet(stream, atUs, datagram, 0, datagram.length, false);
        },
      })),
    )
    .concat(extra)
    .filter(({ atUs }) => atUs < endUs)
    .sort((a, b) => a.atUs - b.atUs);
  let next = 0;
  for (let tickUs = TICK_US; tickUs <= endUs; tickUs += TICK_US) {
    for (; (records[next]?.atUs ?? Infinity) < tickUs; next += 1) records[next]?.give(timeline);
    timeline.tick(tickUs);
  }
  for (; next < records.length; next += 1) records[next]?.give(timeline);
  timeline.ended(endUs, 'stopped', 0);
  timeline.finish();
}
