import type { CallService } from './core/ports/call-service.ts';
import type { MetricSource } from './telemetry/metrics.ts';

/** The figures of this server beside those of the process. */
export function metricSources(
  calls: Pick<CallService, 'calls'>,
  media: {
    statistics(): Promise<
      readonly {
        readonly packetsIn: number;
        readonly packetsOut: number;
        readonly framesLeftOut: number;
        readonly dropped: Readonly<Record<string, number>>;
      }[]
    >;
  },
): readonly MetricSource[] {
  return [
    {
      name: 'tapedeck_live_calls',
      help: 'Calls that are not over.',
      read: async () => (await calls.calls()).length,
    },
    {
      name: 'tapedeck_active_recordings',
      help: 'Recordings that run.',
      read: async () =>
        (await calls.calls()).reduce((sum, call) => sum + call.activeRecordings.length, 0),
    },
    {
      name: 'tapedeck_media_packets',
      help: 'RTP packets since the start, received and sent.',
      label: 'direction',
      read: async () => {
        const workers = await media.statistics();
        return new Map([
          ['in', workers.reduce((sum, worker) => sum + worker.packetsIn, 0)],
          ['out', workers.reduce((sum, worker) => sum + worker.packetsOut, 0)],
        ]);
      },
    },
    {
      name: 'tapedeck_dropped_packets',
      help: 'Datagrams at the ports of media that were not used, since the start.',
      label: 'reason',
      read: async () => {
        const sums = new Map<string, number>();
        for (const { dropped } of await media.statistics()) {
          for (const [reason, count] of Object.entries(dropped)) {
            sums.set(reason, (sums.get(reason) ?? 0) + count);
          }
        }
        return sums;
      },
    },
    {
      name: 'tapedeck_left_out_frames',
      help: 'Frames of 20 ms that conferences and prompts left out, as the server had no time for them.',
      read: async () =>
        (await media.statistics()).reduce((sum, worker) => sum + worker.framesLeftOut, 0),
    },
  ];
}
