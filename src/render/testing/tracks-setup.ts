import { ChannelMap } from '../channel-map.ts';
import { ChunkCutter } from '../chunk-cutter.ts';
import { EnergyDetector } from './energy-detector.ts';
import { FileTracks } from '../file-tracks.ts';
import { makeRenderScratch } from '../render-scratch.ts';
import { SampleBuffer } from '../sample-buffer.ts';
import { Timeline } from '../timeline/timeline.ts';
import { feed, type TimelinePlan } from './timeline-setup.ts';

export type RenderedTracks = {
  /** 16 kHz, from `start` on. */
  readonly channels: readonly Int16Array[];
  readonly timeline: Timeline;
};

/**
 * Renders planned packets without a journal, each stream on a channel of its own.
 * @param start first sample of the file (8 kHz) that is computed. Default 0.
 */
export async function renderTracks(
  plan: Omit<TimelinePlan, 'keepFrom'>,
  start = 0,
): Promise<RenderedTracks> {
  const pinned = plan.streams.map((_, channel) => ({ participantId: `p-${channel}`, channel }));
  const map = new ChannelMap(
    { limit: 32, pinned, overflow: 'leave-out' },
    () => new EnergyDetector(),
  );
  const scratch = makeRenderScratch();
  await scratch.span.decoders.load();
  const cutter = new ChunkCutter(start, Infinity);
  const tracks = new FileTracks({ scratch, map, decided: 0, start, cutter });
  const timeline = new Timeline(tracks, scratch.span);
  const output = new SampleBuffer();
  tracks.lend(output);
  feed(timeline, plan);
  tracks.finish(Infinity);
  const count = tracks.channels;
  const channels = Array.from({ length: count }, (_, channel) =>
    Int16Array.from(
      { length: output.length / count },
      (__, at) => output.samples[at * count + channel] ?? 0,
    ),
  );
  return { channels, timeline };
}
