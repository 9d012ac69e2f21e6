/**
 * How long after the end of a recording its event is held by a subscriber: from the client sending
 * DELETE over TLS, or a phone sending BYE, to the whole POST of RecordingFileStatusUpdated. The
 * client's connection is open already, as an SDK's is that has started the recording. Recordings
 * of 10 s are real ones; longer ones are fed to the media worker's sockets in time-lapse, and
 * stopped once the rendering has caught up, as it would have been in reality. One JSON line for
 * each trigger and length.
 *
 *   node test/bench/ready.ts [--full]
 */
import { parseArgs } from 'node:util';
import { runReady, type ReadyRun, type Trigger } from './ready-run.ts';

const { values } = parseArgs({ options: { full: { type: 'boolean', default: false } } });

const SHORT: readonly ReadyRun[] = [
  { recordingSeconds: 10, runs: 5, lapsed: false },
  { recordingSeconds: 600, runs: 3, lapsed: true },
];
/** Long ones a few at a time: four hours of one take 750 MB. */
const FULL: readonly ReadyRun[] = [
  { recordingSeconds: 10, runs: 20, lapsed: false },
  ...repeated(4, { recordingSeconds: 600, runs: 5, lapsed: true }),
  ...repeated(5, { recordingSeconds: 14_400, runs: 1, lapsed: true }),
];

const waits = new Map<string, { run: ReadyRun; trigger: Trigger; waitsMs: number[] }>();
for (const run of values.full ? FULL : SHORT) {
  for (const [trigger, waitsMs] of await runReady(run)) {
    const key = `${trigger} ${run.recordingSeconds}`;
    const row = waits.get(key) ?? { run, trigger, waitsMs: [] };
    row.waitsMs.push(...waitsMs);
    waits.set(key, row);
    process.stderr.write(`${key} s: ${waitsMs.map(Math.round).join(', ')} ms\n`);
  }
}
for (const { run, trigger, waitsMs } of waits.values()) {
  const sorted = waitsMs.sort((a, b) => a - b);
  const line = {
    bench: 'ready',
    trigger,
    recordingSeconds: run.recordingSeconds,
    runs: sorted.length,
    p50Ms: quantile(sorted, 0.5),
    p95Ms: quantile(sorted, 0.95),
    maxMs: quantile(sorted, 1),
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
process.exit(0);

/** Nearest rank. */
function quantile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  return Math.round(value * 10) / 10;
}

function repeated(times: number, run: ReadyRun): readonly ReadyRun[] {
  return Array.from({ length: times }, () => run);
}
