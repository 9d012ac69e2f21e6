import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DROP_REASONS, MediaCounters, type MediaStatistics } from './bridge/media-statistics.ts';
import { TrunkRecord } from './calls/trunk-record.ts';
import { StreamFigures } from './calls/media-streaming/stream-figures.ts';
import { ManualClock } from './core/manual-clock.ts';
import { metricSources } from './metric-sources.ts';
import { streamMetrics } from './stream-metrics.ts';
import { trunkMetrics } from './trunk-metrics.ts';

const NO_CALLS = { calls: () => Promise.resolve([]) };

function sourcesOf(...statistics: readonly MediaStatistics[]): ReturnType<typeof metricSources> {
  return metricSources(NO_CALLS, { statistics: () => Promise.resolve(statistics) });
}

test('what the media workers have dropped is summed up by its reason', async () => {
  const [one, other] = [new MediaCounters(), new MediaCounters()];
  one.dropped.source = 3;
  one.dropped.authentication = 5;
  other.dropped.source = 4;
  const source = sourcesOf(one.snapshot(0, 0), other.snapshot(0, 0)).find(
    ({ name }) => name === 'tapedeck_dropped_packets',
  );
  const sums = (await source?.read()) as ReadonlyMap<string, number>;
  expect([...sums.keys()]).toEqual([...DROP_REASONS]);
  expect([...sums].filter(([, count]) => count > 0)).toEqual([
    ['authentication', 5],
    ['source', 7],
  ]);
});

test('frames that the media workers have left out are summed up', async () => {
  const [one, other] = [new MediaCounters(), new MediaCounters()];
  one.framesLeftOut = 3;
  other.framesLeftOut = 4;
  const source = sourcesOf(one.snapshot(0, 0), other.snapshot(0, 0)).find(
    ({ name }) => name === 'tapedeck_left_out_frames',
  );
  expect(await source?.read()).toBe(7);
});

test('every metric and every reason is documented', () => {
  const text = readFileSync(new URL('../docs/metrics.md', import.meta.url), 'utf8');
  const documented = [...text.matchAll(/^\| `([a-z_-]+)` \|/gm)].map(([, name]) => name);
  const ofTrunks = trunkMetrics(new TrunkRecord(new ManualClock(), []));
  const ofStreams = streamMetrics(new StreamFigures());
  const names = [...sourcesOf(), ...ofStreams, ...ofTrunks].map(({ name }) => name);
  expect(documented).toEqual([...names, ...DROP_REASONS]);
});
