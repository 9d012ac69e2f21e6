import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, liveCalls, recordingRequest } from '../support/acs-client.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { freePort } from '../support/free-port.ts';
import { loadConfiguration, LoadGenerator } from '../support/load/load-generator.ts';
import { dialledNumber, type LoadCounts } from '../support/load/load-phones.ts';
import { ServerProcess } from '../support/server-process.ts';
import { TlsClient } from '../support/tls-client.ts';
import { API } from './recording-requests.ts';

export const OPERATIONS = ['start', 'pause', 'getState', 'resume', 'stop'] as const;
export type Operation = (typeof OPERATIONS)[number];

export type ApiRun = {
  /** Calls that a route records all the time. */
  readonly calls: number;
  /** Recordings that are taken through every operation. */
  readonly samples: number;
};

export type ApiResult = {
  /** Milliseconds, by operation. */
  readonly tookMs: ReadonlyMap<Operation, readonly number[]>;
  readonly counts: LoadCounts;
  /** How late the client's own loop ever was; its waits are that much too long at worst. */
  readonly clientLateMs: number;
};

/** Calls from this number on are recorded by the API only. */
const FIRST_OPERATED = 90_000;
const UNRECORDED_ROUTE = { to: '^19\\d{4}$', action: 'trunk', trunk: 'load' };
/** Calls on which operations run, each a round after the other. */
const OPERATED = 10;
/** From the beginning of one round on a call to that of the next. */
const ROUND_MS = 400;
/** Rounds of each call that are not counted: connections are opened, code is compiled. */
const WARM_UP_ROUNDS = 4;
const SETTLE_MS = 3_000;
/** Resolution of the watch over the client's loop. */
const WATCH_MS = 1;
const LISTED_MS = 10_000;

/** One server, one generator, operations spread evenly in time from this process. */
export async function runApi(run: ApiRun): Promise<ApiResult> {
  const events = await EventReceiver.open();
  const sipPort = await freePort();
  const file = loadConfiguration(sipPort, true);
  const server = await ServerProcess.start({
    flags: ['--event-webhook', events.url],
    file: { ...file, routes: [UNRECORDED_ROUTE, ...(file['routes'] as object[])] },
  });
  const client = await TlsClient.open(server);
  const serverUri = server.ready.sip;
  const generator = await LoadGenerator.open({ serverUri, sipPort, kind: 'tones' });
  const watch = monitorEventLoopDelay({ resolution: WATCH_MS });
  try {
    await generator.start();
    await generator.place(FIRST_OPERATED, FIRST_OPERATED + OPERATED);
    await generator.place(0, run.calls);
    const serverCallIds = await operatedCalls(server);
    const tookMs = new Map<Operation, number[]>(OPERATIONS.map((operation) => [operation, []]));
    const rounds = Math.ceil(run.samples / OPERATED);
    const operate = (rounds: number, into: typeof tookMs): Promise<unknown> =>
      Promise.all(
        serverCallIds.map(async (serverCallId, index) => {
          const beganMs = performance.now() + (index * ROUND_MS) / OPERATED;
          for (let round = 0; round < rounds; round += 1) {
            await delayUntil(beganMs + round * ROUND_MS);
            await operateOnce(client, serverCallId, events.url, into);
          }
        }),
      );
    await operate(WARM_UP_ROUNDS, new Map());
    await delay(SETTLE_MS);
    await generator.reset();
    watch.enable();
    await operate(rounds, tookMs);
    watch.disable();
    const counts = await generator.counts();
    return { tookMs, counts, clientLateMs: watch.max / 1e6 - WATCH_MS };
  } finally {
    client.close();
    await generator.close();
    await server.stop();
    events.close();
  }
}

/** serverCallIds of the calls that no route records. */
async function operatedCalls(server: ServerProcess): Promise<readonly string[]> {
  const numbers = Array.from({ length: OPERATED }, (_, index) =>
    dialledNumber(FIRST_OPERATED + index),
  );
  const found = await eventually(async () => {
    const calls = await liveCalls(server);
    const ids = calls.filter(({ dialled }) => dialled !== undefined && numbers.includes(dialled));
    return ids.length === OPERATED ? ids : undefined;
  }, LISTED_MS);
  if (found === undefined) throw new Error('the server does not list the calls that were placed');
  return found.map(({ serverCallId }) => serverCallId);
}

/** One recording through all operations, a fifth of a round each. */
async function operateOnce(
  client: TlsClient,
  serverCallId: string,
  callback: string,
  into: Map<Operation, number[]>,
): Promise<void> {
  const beganMs = performance.now();
  const timed = async (
    operation: Operation,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Record<string, unknown>> => {
    const stepMs = ROUND_MS / OPERATIONS.length;
    await delayUntil(beganMs + OPERATIONS.indexOf(operation) * stepMs);
    const fromMs = performance.now();
    const answer = await client.send(method, `/calling/recordings${path}?${API}`, body);
    into.get(operation)?.push(performance.now() - fromMs);
    return (answer ?? {}) as Record<string, unknown>;
  };
  const request = { ...recordingRequest(serverCallId), recordingStateCallbackUri: callback };
  const { recordingId } = await timed('start', 'POST', '', request);
  const path = `/${String(recordingId)}`;
  await timed('pause', 'POST', `${path}:pause`);
  const { recordingState } = await timed('getState', 'GET', path);
  if (recordingState !== 'inactive') throw new Error(`paused, but ${String(recordingState)}`);
  await timed('resume', 'POST', `${path}:resume`);
  await timed('stop', 'DELETE', path);
}

async function delayUntil(atMs: number): Promise<void> {
  const leftMs = atMs - performance.now();
  if (leftMs > 0) await delay(leftMs);
}
