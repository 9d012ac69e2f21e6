/**
 * What callers say to a bot: they call its number, it answers with serviceHostedMediaConfig and asks each for a
 * response (recordResponse, with a beep); they speak, and hang up in mid-speech. Counted from the BYE until the
 * bot holds the notification with the recording's location and token, by which it downloads the file at once.
 * `lost`: no such notification within ten seconds, or a file that is shorter than what was said since the end of
 * the beep minus 200 ms, or does not have the caller's own tones unbroken for so long. Callers come in batches: one
 * calls after the other, all of them speak at the same time, then one hangs up after the other, evenly spread.
 * Before the first batch some callers warm the server up, as its first calls are slow: who of them is lost counts,
 * how long they waited is told apart (`warmUpP95Ms`).
 * Processor time is that of the whole server from a batch's first INVITE to its last notification and download,
 * so calls, tokens, notifications and files are in it, by second of recorded response.
 * The callers are a process of their own, the bot is this one. One JSON line; details of each batch on stderr.
 *
 *   node test/bench/responses.ts [--callers 1000] [--batch 200] [--calling 3500] [--hanging-up 3000] [--profile DIR]
 *
 * `--calling`, `--hanging-up`: in how many milliseconds all of a batch have called, and hung up.
 */
import { parseArgs } from 'node:util';
import { ResponsesBench, type BatchResult } from './responses-run.ts';

/** A generator that was later than this has not measured the server: the batch is made again. */
const MAX_LATE_MS = 50;
const MOST_VOID = 2;
const COMPLAINTS = 5;
/** All of a batch speak for so long, before the first hangs up. */
const SPEECH_MS = 500;
/** They come and go at the pace of a batch. */
const WARM_UP_SHARE = 1 / 4;
/** Nobody speaks for longer than is recorded. */
const MOST_MS = 15_000;

const { values } = parseArgs({
  options: {
    callers: { type: 'string', default: '1000' },
    batch: { type: 'string', default: '200' },
    calling: { type: 'string', default: '3500' },
    'hanging-up': { type: 'string', default: '3000' },
    profile: { type: 'string' },
  },
});
const callers = Number(values.callers);
const batch = Number(values.batch);
const callMs = Number(values.calling);
const hangUpMs = Number(values['hanging-up']);
if (!(callers >= 1 && batch >= 1 && batch <= 1_000)) {
  stop('--callers is a number from 1, --batch one from 1 to 1000');
}
if (!(callMs >= 0 && hangUpMs >= 0 && callMs + hangUpMs <= MOST_MS)) {
  stop(`--calling and --hanging-up are milliseconds, ${MOST_MS} together at most`);
}
if (process.platform !== 'linux') stop('measuring outside of Linux: not built');

const bench = await ResponsesBench.open(values.profile);
try {
  const warmUp = await warmedUp();
  const results = await allBatches(warmUp.verdicts.length);
  process.stdout.write(`${JSON.stringify(line(results, warmUp))}\n`);
} finally {
  await bench.close();
}
process.exit(0);

async function warmedUp(): Promise<BatchResult> {
  const to = Math.ceil(batch * WARM_UP_SHARE);
  const result = await bench.run({
    ...{ from: 0, to, callMs: callMs * WARM_UP_SHARE },
    ...{ speechMs: SPEECH_MS, hangUpMs: hangUpMs * WARM_UP_SHARE },
  });
  process.stderr.write('to warm up: ');
  describe(to, result);
  return result;
}

/** @param before so many have called already. */
async function allBatches(before: number): Promise<readonly BatchResult[]> {
  const results: BatchResult[] = [];
  let called = before;
  let voids = 0;
  for (let left = callers; left > 0;) {
    const now = Math.min(batch, left);
    const from = called;
    called += now;
    const result = await bench.run({ from, to: called, callMs, speechMs: SPEECH_MS, hangUpMs });
    describe(now, result);
    if (result.lateMs > MAX_LATE_MS && voids < MOST_VOID) {
      voids += 1;
      process.stderr.write(`void: the callers were ${result.lateMs} ms late; once more\n`);
      continue;
    }
    results.push(result);
    left -= now;
  }
  return results;
}

function describe(count: number, result: BatchResult): void {
  const lost = result.verdicts.flatMap((verdict) => verdict.lost ?? []);
  const waits = waitsOf([result]);
  const perCaller = (ms: number): string => (ms / count).toFixed(2);
  const lines = [
    `${count} callers: ${lost.length} lost, notified after ${quantile(waits, 0.5)} ms (p50), ` +
      `${quantile(waits, 0.95)} (p95), ${quantile(waits, 1)} (max); bot late ${round(result.botLateMs, 1)} ms, ` +
      `callers ${round(result.lateMs, 1)} ms; server ${perCaller(result.serverMs)} ms per caller, ` +
      `callers' process ${perCaller(result.callersMs)}, bot ${perCaller(result.botMs)}; ${Math.round(result.rssKiB / 1024)} MiB`,
    ...lost.slice(0, COMPLAINTS),
    ...result.complaints.slice(0, COMPLAINTS),
    ...[...result.threads]
      .filter(([, ms]) => ms > result.serverMs / 50)
      .map(([name, ms]) => `  ${name} ${perCaller(ms)}`),
  ];
  process.stderr.write(`${lines.join('\n')}\n`);
}

function line(results: readonly BatchResult[], warmUp: BatchResult): Record<string, unknown> {
  const verdicts = results.flatMap((result) => result.verdicts);
  const seconds = verdicts.reduce((sum, verdict) => sum + verdict.seconds, 0);
  const serverMs = results.reduce((sum, result) => sum + result.serverMs, 0);
  const waits = waitsOf(results);
  return {
    bench: 'responses',
    callers: verdicts.length,
    batch,
    lost: [...warmUp.verdicts, ...verdicts].filter(({ lost }) => lost !== undefined).length,
    notifyP50Ms: quantile(waits, 0.5),
    notifyP95Ms: quantile(waits, 0.95),
    notifyMaxMs: quantile(waits, 1),
    warmUpP95Ms: quantile(waitsOf([warmUp]), 0.95),
    cpuMsPerResponseSecond: round(serverMs / seconds, 2),
    cpuMsPerResponse: round(serverMs / verdicts.length, 1),
    generatorLateMs: round(Math.max(...results.map(({ lateMs }) => lateMs)), 1),
    botLateMs: round(Math.max(...results.map(({ botLateMs }) => botLateMs)), 1),
  };
}

/** From BYE to notification, the shortest first. */
function waitsOf(results: readonly BatchResult[]): readonly number[] {
  const waits = results.flatMap(({ verdicts }) =>
    verdicts.flatMap(({ notifyMs }) => notifyMs ?? []),
  );
  return waits.sort((a, b) => a - b);
}

/** Nearest rank. */
function quantile(sorted: readonly number[], share: number): number {
  return round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN, 1);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function stop(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
