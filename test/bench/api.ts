/**
 * How long an application waits for each operation on a recording, over TLS and signed, on
 * connections that stay open, while 200 calls are recorded by a route. The operations run on ten
 * more calls, spread evenly in time; state callbacks and events are delivered meanwhile. A line of
 * JSON for each operation, then one that says whether a packet was lost on any call, and how late
 * generator and client were.
 *
 *   node test/bench/api.ts [--calls 200] [--samples 500]
 */
import { parseArgs } from 'node:util';
import { OPERATIONS, runApi } from './api-run.ts';

/** A generator that was later than this has not loaded the server as it says. */
const MAX_LATE_MS = 50;
const TRIES = 3;

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '200' },
    samples: { type: 'string', default: '500' },
  },
});
const calls = Number(values.calls);
const samples = Number(values.samples);
if (!(calls >= 1 && samples >= 1)) {
  process.stderr.write('--calls and --samples are numbers from 1\n');
  process.exit(1);
}
for (let attempt = 1; ; attempt += 1) {
  const { tookMs, counts, clientLateMs } = await runApi({ calls, samples });
  if (counts.lateMs > MAX_LATE_MS && attempt < TRIES) {
    process.stderr.write(`void: the generator was ${counts.lateMs} ms late; once more\n`);
    continue;
  }
  for (const operation of OPERATIONS) {
    const sorted = (tookMs.get(operation) ?? []).toSorted((a, b) => a - b);
    print({
      operation,
      samples: sorted.length,
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
    });
  }
  print({
    calls,
    packetsSent: counts.sent,
    packetsLost: counts.lost,
    generatorLateMs: round(counts.lateMs),
    clientLateMs: round(clientLateMs),
  });
  break;
}
process.exit(0);

function print(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ bench: 'api', ...line })}\n`);
}

/** Nearest rank. */
function quantile(sorted: readonly number[], share: number): number {
  return round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
