import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EventReceiver } from '../support/event-receiver.ts';
import { freePort } from '../support/free-port.ts';
import {
  loadConfiguration,
  LoadGenerator,
  type RouteRecording,
} from '../support/load/load-generator.ts';
import type { LoadCounts } from '../support/load/load-phones.ts';
import { cpuMs, pin, rssKiB, threadsMs } from '../support/process-usage.ts';
import { ServerProcess } from '../support/server-process.ts';
import { CALLER_EVENT, checkFiles, FILE_EVENT, filesOf } from './calls-files.ts';

const WARM_UP_MS = 5_000;
/** Memory is read this long after the last call came up. */
const STEADY_MS = 10_000;
const READINGS = 5;
const READING_MS = 100;
/** Work that goes on after calls were placed, or files announced. */
const SETTLE_MS = 500;

export type CallsRun = RouteRecording & {
  readonly calls: number;
  readonly secs: number;
  /** Reads memory at a quarter of the calls first, which takes some seconds. */
  readonly memory: boolean;
  /** The server on core 0, the generator on core 1. */
  readonly pinned: boolean;
  /** Where CPU profiles of the server's threads go. */
  readonly profile: string | undefined;
  /** Who is called speaks PCMU. */
  readonly callerCodec: 'PCMU' | 'opus';
  /** SRTP on both legs. */
  readonly isSecure: boolean;
  /** Where the server's data and what was checked stay. */
  readonly keep: string | undefined;
};

export type CallsResult = LoadCounts & {
  readonly cpuMsPerCallSecond: number;
  readonly setupCpuMsPerCall: number;
  readonly rssKiBPerCall: number | null;
  readonly recordingsComplete: number;
  readonly framesChecked: number;
  readonly detail: string;
};

/** One server, one generator, one measurement. */
export async function runCalls(run: CallsRun): Promise<CallsResult> {
  const { calls, secs, channel, format } = run;
  const events = await EventReceiver.open();
  const sipPort = await freePort();
  const server = await ServerProcess.start({
    file: {
      ...loadConfiguration(sipPort, { channel, format }, run.isSecure ? 'require' : 'plain'),
      events: [{ name: 'bench', endpoint: events.url, includedTypes: [FILE_EVENT, CALLER_EVENT] }],
    },
    ...(run.profile === undefined
      ? {}
      : { env: { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${run.profile}` } }),
    ...(run.keep !== undefined && { dataDirectory: await madeDirectory(join(run.keep, 'data')) }),
  });
  const { pid } = server;
  const generator = await LoadGenerator.open({
    serverUri: server.ready.sip,
    sipPort,
    kind: channel === 'unmixed' ? 'voices' : 'tones',
    callerCodec: run.callerCodec,
    isSecure: run.isSecure,
  });
  if (run.pinned) {
    pin(pid, 0);
    pin(generator.pid, 1);
    pin(process.pid, 1);
  }
  try {
    const quarter = Math.max(1, Math.floor(calls / 4));
    await delay(SETTLE_MS);
    const beforeSetupMs = cpuMs(pid);
    await generator.place(0, quarter);
    await delay(SETTLE_MS);
    const setupMs = cpuMs(pid) - beforeSetupMs;
    await generator.start();
    let quarterKiB = 0;
    if (run.memory) {
      await delay(STEADY_MS);
      quarterKiB = await memoryKiB(pid);
    }
    await generator.place(quarter, calls);

    await delay(WARM_UP_MS);
    await generator.reset();
    const threadsBefore = threadsMs(pid);
    const fromMs = performance.now();
    const windowBeganMs = cpuMs(pid);
    const wholeKiB = delay(STEADY_MS - WARM_UP_MS).then(() => memoryKiB(pid));
    await delay(secs * 1000);
    const windowMs = cpuMs(pid) - windowBeganMs;
    const seconds = (performance.now() - fromMs) / 1000;
    const threadsAfter = threadsMs(pid);
    const counts = await generator.counts();

    const beforeFinishMs = cpuMs(pid);
    const threadsBeforeFinish = threadsMs(pid);
    const beganAtMs = await generator.beganAtMs();
    const hangUpAtMs = Date.now();
    await generator.hangUp();
    const files = await filesOf(events, calls);
    await delay(SETTLE_MS);
    const finishMs = cpuMs(pid) - beforeFinishMs;
    const threadsAtEnd = threadsMs(pid);

    const checks = await checkFiles(server, events, files, {
      channel,
      format,
      beganAtMs,
      hangUpAtMs,
    });
    if (run.keep !== undefined) {
      await writeFile(join(run.keep, 'checks.json'), JSON.stringify(checks.calls));
    }
    return {
      ...counts,
      cpuMsPerCallSecond: (windowMs + finishMs) / (calls * seconds),
      setupCpuMsPerCall: setupMs / quarter,
      rssKiBPerCall: run.memory ? ((await wholeKiB) - quarterKiB) / (calls - quarter) : null,
      recordingsComplete: checks.complete,
      framesChecked: checks.framesChecked,
      detail: [
        `window ${perCallSecond(windowMs)}, finishing ${perCallSecond(finishMs)} ms per call-second`,
        ...(run.memory
          ? [`memory ${quarterKiB} KiB at ${quarter} calls, ${await wholeKiB} KiB at ${calls}`]
          : []),
        ...checks.complaints.slice(0, 5),
        'threads of the window, and of finishing, ms per call-second:',
        ...[...threadsAtEnd]
          .map(
            ([name, ms]) =>
              [
                name,
                (threadsAfter.get(name) ?? 0) - (threadsBefore.get(name) ?? 0),
                ms - (threadsBeforeFinish.get(name) ?? 0),
              ] as const,
          )
          .filter(([, window, finish]) => (window + finish) / (calls * seconds) > 0.002)
          .map(([name, window, finish]) => {
            return `  ${name} ${perCallSecond(window)} ${perCallSecond(finish)}`;
          }),
      ].join('\n'),
    };

    function perCallSecond(ms: number): string {
      return (ms / (calls * seconds)).toFixed(3);
    }
  } finally {
    await generator.close();
    await server.stop();
    events.close();
  }
}

async function madeDirectory(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  return path;
}

async function memoryKiB(pid: number): Promise<number> {
  const readings: number[] = [];
  for (let index = 0; index < READINGS; index += 1) {
    readings.push(rssKiB(pid));
    await delay(READING_MS);
  }
  return readings.sort((a, b) => a - b)[READINGS >> 1] ?? Number.NaN;
}
