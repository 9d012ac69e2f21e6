/**
 * What recorded calls cost: N two-party PCMU calls through the server by a route that records,
 * both sides sending their own tones all the time, after two seconds of speech if each is to have
 * a channel. After a warm-up the window holds
 * relay, journal, sync, trailing render and database; finishing the files is added.
 * The generator and this bench are processes of their own. One JSON line; details on stderr.
 *
 *   node test/bench/calls.ts [--calls 100] [--secs 20] [--channels mixed|unmixed]
 *        [--format wav|mp3] [--codec PCMU|opus] [--srtp] [--memory] [--climb] [--profile DIR]
 *        [--keep DIR]
 *
 * `--codec opus`: the callers speak Opus, those who are called PCMU, and the server makes the one of the
 * other. `--srtp`: both legs of each call are SRTP.
 *
 * `--keep`: the server's data stays there, with `checks.json`, which says of each call what was looked for in
 * which file, and the frames that were wrong; with void runs each has a directory of its own.
 *
 * `--memory`: with 200 calls, as the measure of memory is defined. `--climb`: steps of × 1.25,
 * server and generator each on a core of its own, until a step does not hold.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RouteRecording } from '../support/load/load-generator.ts';
import { EDGE_FRAMES } from './calls-files.ts';
import { runCalls, type CallsResult, type CallsRun } from './calls-run.ts';

/** A generator that was later than this has not measured the server. */
const MAX_LATE_MS = 50;
const TRIES = 3;
const CLIMB_FACTOR = 1.25;

const { values } = parseArgs({
  options: {
    calls: { type: 'string' },
    secs: { type: 'string', default: '20' },
    memory: { type: 'boolean', default: false },
    climb: { type: 'boolean', default: false },
    channels: { type: 'string', default: 'mixed' },
    format: { type: 'string', default: 'wav' },
    codec: { type: 'string', default: 'PCMU' },
    srtp: { type: 'boolean', default: false },
    profile: { type: 'string' },
    keep: { type: 'string' },
  },
});
const recording = recordingOf(values.channels, values.format);
const callerCodec = codecOf(values.codec);
if (process.platform !== 'linux') notBuilt('measuring outside of Linux');

const secs = Number(values.secs);
const calls = Number(values.calls ?? (values.memory ? 200 : 100));
if (!(calls >= 1 && secs >= 1)) {
  stop('--calls and --secs are numbers from 1');
}
if (values.climb) await climb(calls);
else
  await measure({
    ...recording,
    calls,
    secs,
    memory: true,
    pinned: false,
    profile: values.profile,
    callerCodec,
    isSecure: values.srtp,
    keep: values.keep,
  });
process.exit(0);

/** Steps hold when two runs in turn are clean, with the generator on time. */
async function climb(from: number): Promise<void> {
  let largest = 0;
  for (let step = from; ; step = Math.ceil(step * CLIMB_FACTOR)) {
    for (let time = 0; time < 2; time += 1) {
      const run = {
        ...recording,
        calls: step,
        secs,
        memory: false,
        pinned: true,
        profile: undefined,
        callerCodec,
        isSecure: values.srtp,
        keep: undefined,
      };
      const result = await measure(run);
      const isClean = result.lost === 0 && result.recordingsComplete === step;
      if (!isClean || result.lateMs > MAX_LATE_MS) {
        process.stdout.write(`${JSON.stringify({ bench: 'calls', largestCalls: largest })}\n`);
        return;
      }
    }
    largest = step;
  }
}

async function measure(run: CallsRun): Promise<CallsResult> {
  for (let attempt = 1; ; attempt += 1) {
    const keep = run.keep === undefined ? undefined : join(run.keep, `run-${attempt}`);
    const result = await runCalls({ ...run, keep });
    process.stderr.write(
      `${result.detail}\n${result.framesChecked} frames of 20 ms checked; not the first and last ` +
        `${EDGE_FRAMES} of each recording's media\n`,
    );
    if (result.lateMs <= MAX_LATE_MS || attempt === TRIES) {
      process.stdout.write(`${JSON.stringify(line(run, result))}\n`);
      return result;
    }
    process.stderr.write(`void: the generator was ${result.lateMs} ms late; once more\n`);
  }
}

function line(run: CallsRun, result: CallsResult): Record<string, unknown> {
  return {
    bench: 'calls',
    calls: run.calls,
    secs: run.secs,
    channels: run.channel,
    format: run.format,
    ...(run.callerCodec !== 'PCMU' && { codec: run.callerCodec }),
    ...(run.isSecure && { srtp: true }),
    cpuMsPerCallSecond: round(result.cpuMsPerCallSecond, 3),
    setupCpuMsPerCall: round(result.setupCpuMsPerCall, 1),
    rssKiBPerCall: result.rssKiBPerCall === null ? null : Math.round(result.rssKiBPerCall),
    packetsSent: result.sent,
    packetsLost: result.lost,
    relayP99Ms: result.relayP99Ms === null ? null : round(result.relayP99Ms, 2),
    recordingsComplete: result.recordingsComplete,
    generatorLateMs: round(result.lateMs, 1),
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** Every combination that the product has. */
function recordingOf(channel: string, format: string): RouteRecording {
  if (channel === 'unmixed' && format === 'wav') return { channel, format };
  if (channel !== 'mixed' || (format !== 'wav' && format !== 'mp3')) {
    stop('--channels mixed takes --format wav or mp3, --channels unmixed only wav');
  }
  if (format === 'mp3' && spawnSync('ffmpeg', ['-version']).status !== 0) {
    stop('ffmpeg is not installed; it decodes the MP3 files for the check (Debian: ffmpeg)');
  }
  return { channel, format };
}

/** Of the callers; who is called speaks PCMU. */
function codecOf(name: string): CallsRun['callerCodec'] {
  if (name.toUpperCase() === 'PCMU') return 'PCMU';
  if (name.toLowerCase() === 'opus') return 'opus';
  return stop(`--codec ${name}: PCMU or opus`);
}

function notBuilt(what: string): never {
  stop(`${what}: not built yet`);
}

function stop(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
