import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fetchContent } from '../support/acs-client.ts';
import type { EventReceiver, ReceivedEvent } from '../support/event-receiver.ts';
import type { RouteRecording } from '../support/load/load-generator.ts';
import { PACKET_MS, SPEECH_MS, tonesOf } from '../support/load/payloads.ts';
import { readRecordedAudio } from '../support/load/recorded-audio.ts';
import { checkChannel, type Stretch, type ToneCheck } from '../support/load/tone-check.ts';
import type { ServerProcess } from '../support/server-process.ts';

/** Says which call a recording is of, when the call begins. */
export const CALLER_EVENT = 'Microsoft.Communication.CallParticipantAdded';
/** The one event that the end of a recording brings. */
export const FILE_EVENT = 'Microsoft.Communication.RecordingFileStatusUpdated';
const FINISH_MS = 60_000;
/**
 * Frames that are not looked at where media begins, after both legs have sent, and before the
 * hang-up was asked for: the first packet may begin inside of a frame, its place is known to
 * within one more, and the resampler's filter needs some of a third to swing in.
 */
export const EDGE_FRAMES = 3;

/** What was looked for in one file, and not found. */
export type CallCheck = {
  readonly call: number;
  readonly documentId: string;
  readonly startMs: number;
  readonly stretch: Stretch;
  readonly wrongFrames: readonly number[];
};

export type FilesCheck = {
  readonly calls: readonly CallCheck[];
  readonly complete: number;
  readonly framesChecked: number;
  readonly complaints: readonly string[];
};

type FileData = {
  readonly serverCallId: string;
  readonly recordingStartTime: string;
  readonly recordingStorageInfo: { readonly recordingChunks: { readonly documentId: string }[] };
};

/** Events of all files, or of those that came in time. */
export async function filesOf(
  events: EventReceiver,
  calls: number,
): Promise<readonly ReceivedEvent[]> {
  const untilMs = performance.now() + FINISH_MS;
  for (;;) {
    const files = events.received.filter((event) => event.type === FILE_EVENT);
    if (files.length >= calls || performance.now() > untilMs) return files;
    await delay(20);
  }
}

/** Whether each leg's own tone is in every frame of its recording, on its channel or in the mix. */
export async function checkFiles(
  server: ServerProcess,
  events: EventReceiver,
  files: readonly ReceivedEvent[],
  run: RouteRecording & { readonly beganAtMs: readonly number[]; readonly hangUpAtMs: number },
): Promise<FilesCheck> {
  const callOf = callsByServerCallId(events);
  const complete = new Set<number>();
  const complaints: string[] = [];
  const calls: CallCheck[] = [];
  let framesChecked = 0;
  for (const { data } of files) {
    const file = data as FileData;
    const call = callOf.get(file.serverCallId) ?? -1;
    const documentId = file.recordingStorageInfo.recordingChunks[0]?.documentId ?? '';
    const startMs = Date.parse(file.recordingStartTime);
    const speechMs = run.channel === 'unmixed' ? SPEECH_MS : 0;
    const stretch = {
      fromMs: (run.beganAtMs[call] ?? 0) + speechMs - startMs + EDGE_FRAMES * PACKET_MS,
      toMs: run.hangUpAtMs - startMs - EDGE_FRAMES * PACKET_MS,
    };
    try {
      const checks = await checkFile(server, documentId, call, { ...run, stretch });
      const frames = checks.reduce((sum, check) => sum + check.framesChecked, 0);
      const wrong = checks.flatMap((check) => check.wrongFrames);
      framesChecked += frames;
      calls.push({ call, documentId, startMs, stretch, wrongFrames: wrong });
      if (wrong.length === 0 && frames > 0) complete.add(call);
      else complaints.push(`call ${call}: ${wrong.length} wrong frames, first ${wrong[0] ?? '-'}`);
    } catch (error) {
      complaints.push(`call ${call}: ${String(error)}`);
    }
  }
  return { calls, complete: complete.size, framesChecked, complaints };
}

async function checkFile(
  server: ServerProcess,
  documentId: string,
  call: number,
  run: RouteRecording & { readonly stretch: Stretch },
): Promise<readonly ToneCheck[]> {
  const path = join(server.dataDirectory, 'blobs', 'recordings', `${documentId}.${run.format}`);
  const { sampleRateHz, channels } = await readRecordedAudio(path);
  const { callerHz, calleeHz } = tonesOf(call);
  const [mix] = channels;
  if (run.channel === 'mixed') {
    if (mix === undefined || channels.length > 1) throw new Error(`${channels.length} channels`);
    const tones = { presentHz: [callerHz, calleeHz], absentHz: [] };
    return [checkChannel(mix, sampleRateHz, tones, run.stretch)];
  }
  const caller = await channelOfCaller(server, documentId);
  return channels.map((samples, channel) => {
    const isCaller = channel === caller;
    const tones = {
      presentHz: [isCaller ? callerHz : calleeHz],
      absentHz: [isCaller ? calleeHz : callerHz],
    };
    return checkChannel(samples, sampleRateHz, tones, run.stretch);
  });
}

/** By the metadata document; rejects unless both participants have a channel, and no more. */
async function channelOfCaller(server: ServerProcess, documentId: string): Promise<number> {
  const { bytes } = await fetchContent(server, documentId, 'content/acsmetadata');
  const text = Buffer.from(bytes).toString();
  const { participants } = JSON.parse(text) as {
    participants: { participantId: string; channel?: number }[];
  };
  const channels = participants.map(({ channel }) => channel).toSorted();
  if (channels.join() !== '0,1') throw new Error(`channels ${channels.join()}`);
  const caller = participants.find(({ participantId }) => /caller\d+@/.test(participantId));
  if (caller?.channel === undefined) throw new Error('the caller has no channel');
  return caller.channel;
}

/** Our callers are named by the number of their call. */
function callsByServerCallId(events: EventReceiver): ReadonlyMap<string, number> {
  const calls = new Map<string, number>();
  for (const event of events.received) {
    if (event.type !== CALLER_EVENT) continue;
    const caller = /caller(\d+)@/.exec(JSON.stringify(event.data['user']));
    if (caller !== null) calls.set(String(event.data['serverCallId']), Number(caller[1]));
  }
  return calls;
}
