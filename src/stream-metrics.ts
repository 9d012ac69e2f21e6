import type { StreamFigures } from './calls/media-streaming/stream-figures.ts';
import type { MetricSource } from './telemetry/metrics.ts';

/** The figures of media streaming. */
export function streamMetrics(figures: Readonly<StreamFigures>): readonly MetricSource[] {
  return [
    {
      name: 'tapedeck_open_streams',
      help: 'Web sockets of media streaming that are open.',
      read: () => Promise.resolve(figures.open),
    },
    {
      name: 'tapedeck_dropped_stream_frames',
      help: 'Frames of 20 ms that applications did not get, since the start.',
      label: 'reason',
      read: () => Promise.resolve(new Map(Object.entries(figures.droppedFrames))),
    },
  ];
}
