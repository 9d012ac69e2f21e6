import type { TrunkRecord } from './calls/trunk-record.ts';
import type { MetricSource } from './telemetry/metrics.ts';

/** The figures of each trunk. */
export function trunkMetrics(trunks: TrunkRecord): readonly MetricSource[] {
  const byTrunk = (figure: (name: string) => number): (() => Promise<Map<string, number>>) => {
    return () => {
      const names = [...trunks.figures.keys()];
      return Promise.resolve(new Map(names.map((name) => [name, figure(name)])));
    };
  };
  return [
    {
      name: 'tapedeck_trunk_calls',
      help: 'Calls that were given to a trunk, since the start.',
      label: 'trunk',
      read: byTrunk((name) => trunks.figures.get(name)?.calls ?? 0),
    },
    {
      name: 'tapedeck_trunk_failures',
      help: 'Calls that a trunk could not serve, since the start.',
      label: 'trunk',
      read: byTrunk((name) => trunks.figures.get(name)?.failures ?? 0),
    },
    {
      name: 'tapedeck_trunk_resting',
      help: 'Whether a trunk failed lately, and is tried behind the others or left out.',
      label: 'trunk',
      read: byTrunk((name) => (trunks.isResting(name) ? 1 : 0)),
    },
  ];
}
