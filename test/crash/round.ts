import { setTimeout as delay } from 'node:timers/promises';
import type { EventReceiver } from '../support/event-receiver.ts';
import type { LoadGenerator } from '../support/load/load-generator.ts';
import { dialledNumber } from '../support/load/load-phones.ts';
import type { ServerProcess } from '../support/server-process.ts';
import {
  announced,
  createCall,
  deleteContent,
  eventually,
  liveCalls,
  received,
  startRecording,
  stopRecording,
} from '../support/acs-client.ts';
import type { PromisedRecording } from './promises.ts';

/** What the kill follows. */
export type Scene = 'random' | 'start' | 'stop' | 'delete';

const ROUTE_CALLS = 6;
const API_CALLS = 3;
/** Numbers from here on are dialled by calls that no route records. */
export const UNRECORDED_FROM = 50_000;
const MEDIA_MS = { least: 700, most: 2_500 };
/** Half the kills come so soon after an acknowledgement. */
const AFTER_ACKNOWLEDGEMENT_MS = 300;

export type Round = {
  readonly killedAtMs: number;
  readonly promised: readonly PromisedRecording[];
  /** All calls that were up. */
  readonly serverCallIds: readonly string[];
  /** The call that an application made. */
  readonly applicationCallId: string;
};

/** Eight recordings at a time and clients that start, stop and delete; then kill -9. */
export async function runRound(parts: {
  readonly server: ServerProcess;
  readonly events: EventReceiver;
  readonly generator: LoadGenerator;
  readonly index: number;
  readonly scene: Scene;
}): Promise<Round> {
  const { server, events, generator, index, scene } = parts;
  const callback = `${events.url}callback`;
  const promised: PromisedRecording[] = [];
  const firstRoute = index * ROUTE_CALLS;
  const firstApi = UNRECORDED_FROM + index * API_CALLS;

  await generator.start();
  await Promise.all([
    generator.place(firstRoute, firstRoute + ROUTE_CALLS),
    generator.place(firstApi, firstApi + API_CALLS),
  ]);
  const applicationCallId = await createCall(server, `+1${800_000 + index}`, callback);
  const isTheCall = (data: Readonly<Record<string, unknown>>): boolean =>
    data['serverCallId'] === applicationCallId;
  await eventually(() => received(events, 'CallConnected', isTheCall), 5_000);

  const live = await liveCalls(server);
  const callOf = (number: number): { serverCallId: string; recordings: readonly string[] } => {
    const found = live.find((call) => call.dialled === dialledNumber(number));
    if (found === undefined) throw new Error(`call ${number} is not among the live calls`);
    return { serverCallId: found.serverCallId, recordings: found.activeRecordings };
  };
  for (let call = firstRoute; call < firstRoute + ROUTE_CALLS; call += 1) {
    const [recordingId] = callOf(call).recordings;
    if (recordingId === undefined) throw new Error(`call ${call} is not recorded by its route`);
    // Its promise is that of the route: from the first packet on.
    promised.push({ recordingId, call, origin: 'route', startedAtMs: 0 });
  }

  const start = async (call: number): Promise<PromisedRecording> => {
    const recordingId = await startRecording(server, callOf(call).serverCallId, callback);
    const recording: PromisedRecording = {
      recordingId,
      call,
      origin: 'api',
      startedAtMs: Date.now(),
    };
    promised.push(recording);
    return recording;
  };
  const stop = async (recording: PromisedRecording): Promise<void> => {
    recording.stopAskedAtMs = Date.now();
    await stopRecording(server, recording.recordingId);
    recording.stopAcknowledged = true;
  };
  const remove = async (recording: PromisedRecording): Promise<void> => {
    const announcement = await announced(events, recording.recordingId);
    recording.deleteAskedAtMs = Date.now();
    const status = await deleteContent(server, announcement.documentId);
    if (status !== 200) throw new Error(`deleting answered ${status}`);
    recording.deleteAcknowledged = true;
  };

  const whole = await start(firstApi);
  const brief = await start(firstApi + 1);
  await delay(between(MEDIA_MS.least, scene === 'random' ? MEDIA_MS.most : MEDIA_MS.least * 2));
  if (scene !== 'random') {
    if (scene === 'start') await start(firstApi + 2);
    else await stop(scene === 'stop' ? whole : brief);
    if (scene === 'delete') await remove(brief);
    await delay(between(0, AFTER_ACKNOWLEDGEMENT_MS));
    return kill();
  }

  // At a random moment: a client goes on with its requests, one of them may be under way.
  const killing = new AbortController();
  const client = (async (): Promise<void> => {
    await stop(brief);
    await remove(brief);
    while (!killing.signal.aborted) {
      const recording = await start(firstApi + 2);
      await delay(between(0, 400));
      await stop(recording);
    }
  })().catch((error: unknown) => {
    // The answer that did not come any more.
    if (!killing.signal.aborted) throw error;
  });
  await Promise.race([client, delay(between(0, MEDIA_MS.most))]);
  killing.abort();
  const killed = kill();
  await client;
  return killed;

  function kill(): Round {
    process.kill(server.pid, 'SIGKILL');
    return {
      killedAtMs: Date.now(),
      promised,
      serverCallIds: live.map((call) => call.serverCallId),
      applicationCallId,
    };
  }
}

function between(least: number, most: number): number {
  return least + Math.random() * (most - least);
}
