import { readFile } from 'node:fs/promises';
import { findTone, type ToneSpan } from '../../../src/media/tone/tone-meter.ts';
import { readWav, type WavClip } from '../../../src/media/wav/wav-reader.ts';
import { BEEP_AMPLITUDE, BEEP_HZ, endOfBeepMs, soundOf } from '../../support/beep-heard.ts';
import type { Json, Notification } from '../../support/notification-receiver.ts';
import type { MediaTap } from '../../support/peers/media-tap.ts';
import { atLeast, atMost, given, near, same } from '../checks.ts';
import { PROMPT_AMPLITUDE, PROMPT_HZ, PROMPT_MS, VOICE_AMPLITUDE, VOICE_HZ } from './caller.ts';
import type { CallOfLane } from './lane-run.ts';
import type { GraphEvidence } from './protocol.ts';
import type { GraphStage } from './stage.ts';

type Tapped = Pick<MediaTap, 'toPhone' | 'fromPhone'>;

/** Of example 1. */
const CLIENT_CONTEXT = 'd45324c1-fcb5-430a-902c-f20af696537c';
const MAX_SILENCE_MS = 2_000;
const LEAST_WORDS = 3;
const PLACE_TOLERANCE_MS = 20;
const LENGTH_TOLERANCE_MS = 40;
const RECORDING_HZ = 16_000;
const PHONE_HZ = 8_000;
/** Packets after the beep say how late all that the phone sends arrives. */
const TIMED_MS = 1_000;
const DASHED_LOWER = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** What the SDK says of the operation, and that the phone has heard the prompt, and then the beep. */
export async function judgeOperation(evidence: GraphEvidence, call: CallOfLane): Promise<void> {
  const { operationId = '', clientContext, status = 'running' } = evidence;
  same(DASHED_LOWER.test(operationId), true, `${operationId} is an id`);
  same(clientContext, CLIENT_CONTEXT, 'clientContext');
  same(status.toLowerCase(), 'running', 'status');
  await given(call.heard, 'answer');
  const { prompts, beeps } = await call.caller.heard();
  atLeast(
    beeps[0]?.startMs ?? NaN,
    prompts.at(-1)?.endMs ?? NaN,
    'start of the beep for the phone',
  );
  // A phone may lose what comes too late for it; nothing of it was lost before it came there.
  const sent = { ...soundOf(call.caller.tap.toPhone), sampleRateHz: PHONE_HZ };
  const sentPrompts = tonesOf(sent, PROMPT_HZ, PROMPT_AMPLITUDE);
  const sentBeeps = tonesOf(sent, BEEP_HZ, BEEP_AMPLITUDE);
  same(sentPrompts.length, 1, 'prompts');
  same(sentBeeps.length, 1, 'beeps');
  const [prompt, beep] = [given(sentPrompts[0], 'prompt'), given(sentBeeps[0], 'beep')];
  near(prompt.endMs - prompt.startMs, PROMPT_MS, PLACE_TOLERANCE_MS, 'length of the prompt');
  atLeast(beep.startMs, prompt.endMs, 'start of the beep');
}

/** The caller has spoken, and then said nothing for as long as example 1 allows. */
export function judgeNotification({ whole, path }: Notification, call: CallOfLane): void {
  const { callId, callbackPath, operationId = '' } = call;
  const operation = whole['resourceData'] as Json;
  const url = `/communications/calls/${upper(callId)}/operations/${upper(operationId)}`;
  same(path, callbackPath, 'callback');
  same(whole['@odata.type'], '#microsoft.graph.commsNotification', '@odata.type');
  same(whole['changeType'], 'deleted', 'changeType');
  same(whole['resourceUrl'], url, 'resourceUrl');
  same(operation['@odata.type'], '#microsoft.graph.recordOperation', '@odata.type of the resource');
  same(operation['@odata.id'], url, '@odata.id');
  same(operation['id'], operationId, 'id');
  same(operation['status'], 'completed', 'status');
  same(operation['clientContext'], CLIENT_CONTEXT, 'clientContext');
  const result = operation['resultInfo'] as Json;
  same(result['code'], 200, 'code');
  same(result['subcode'], 8509, 'subcode');
  same(result['message'], 'Action completed, max silence timeout reached.', 'message');
  atLeast(String(operation['recordingAccessToken']).length, 1, 'length of the token');
  new URL(String(operation['recordingLocation']));
}

export async function judgeDownload(
  { file }: GraphEvidence,
  call: CallOfLane,
  stage: GraphStage,
): Promise<void> {
  const bytes = await readFile(given(file, 'file'));
  await isAsServed(bytes, given(call.completed, 'notification'), stage);
  judgeRecording(bytes, call.caller.tap);
}

/** What was said since the end of the beep is in the file where it was said, and nothing else is. */
export function judgeRecording(bytes: Uint8Array, { toPhone, fromPhone }: Tapped): void {
  const clip = clipOf(bytes);
  same(clip.sampleRateHz, RECORDING_HZ, 'sample rate');
  const startMs = given(endOfBeepMs(toPhone), 'beep');
  // If all of the beep came late, how late it was heard is up to the phone.
  const lateMs = given(endOfBeepMs(toPhone, 'beep'), 'beep') - startMs;
  const said = saidSince(startMs, fromPhone);
  const found = tonesOf(clip, VOICE_HZ);
  atLeast(said.length, LEAST_WORDS, 'words that were said');
  same(found.length, said.length, 'words in the recording');
  for (const [index, word] of said.entries()) {
    const name = `of word ${index + 1}`;
    const { startMs: foundMs = NaN, endMs: foundEndMs = NaN } = found[index] ?? {};
    atLeast(foundMs, word.startMs - lateMs - PLACE_TOLERANCE_MS, `start ${name}`);
    atMost(foundMs, word.startMs + PLACE_TOLERANCE_MS, `start ${name}`);
    atLeast(foundEndMs, word.endMs - lateMs - PLACE_TOLERANCE_MS, `end ${name}`);
    atMost(foundEndMs, word.endMs + PLACE_TOLERANCE_MS, `end ${name}`);
  }
  const lengthMs = (clip.samples.length * 1000) / clip.sampleRateHz;
  // Silence is measured while it goes on, by when packets came up to then; words stand where the first ones say.
  const lastWord = saidSince(startMs, fromPhone, Infinity).at(-1);
  const endMs = (lastWord?.endMs ?? NaN) + MAX_SILENCE_MS;
  atLeast(lengthMs, endMs - lateMs - LENGTH_TOLERANCE_MS, 'length of the recording');
  atMost(lengthMs, endMs + LENGTH_TOLERANCE_MS, 'length of the recording');
  same(tonesOf(clip, BEEP_HZ, BEEP_AMPLITUDE).length, 0, 'beeps in the recording');
  same(tonesOf(clip, PROMPT_HZ).length, 0, 'prompts in the recording');
}

/** The call is over for the phone and for the bot. */
export async function judgeEnd({ caller, callId }: CallOfLane, stage: GraphStage): Promise<void> {
  await caller.ended();
  const { resourceData } = await stage.hook.next(
    `the end of ${callId}`,
    (one) => one.changeType === 'deleted' && one.resourceData['id'] === callId,
  );
  same(resourceData['state'], 'terminated', 'state');
}

/** As example 2 says: the lane has all of it, and its own HTTP client has hidden the rest. */
async function isAsServed(
  bytes: Buffer,
  { resourceData }: Notification,
  stage: GraphStage,
): Promise<void> {
  const { pathname } = new URL(String(resourceData['recordingLocation']));
  const response = await fetch(`${stage.server.ready.http}${pathname}`, {
    headers: { authorization: `Bearer ${String(resourceData['recordingAccessToken'])}` },
  });
  same(response.status, 200, 'status of the download');
  same(response.headers.get('content-type'), 'application/octet-stream', 'content-type');
  same(response.headers.get('transfer-encoding'), 'chunked', 'transfer-encoding');
  const served = Buffer.from(await response.arrayBuffer());
  same(served.equals(bytes), true, 'the same bytes as are served');
}

/** Mono, 16 bits. */
function clipOf(bytes: Uint8Array): WavClip {
  const wav = readWav(bytes, { maxChannels: 1, maxDurationMs: 130_000 });
  if (!wav.ok) throw new Error(`the recording is no WAV: ${wav.defect}`);
  return wav.value;
}

/** Words of the phone, in ms from `startMs`: as the packets carry them, and when those of the first `timedMs` came. */
function saidSince(
  startMs: number,
  packets: Tapped['fromPhone'],
  timedMs: number = TIMED_MS,
): readonly ToneSpan[] {
  const isTimed = ({ atMs }: { readonly atMs: number }): boolean =>
    atMs >= startMs && atMs < startMs + timedMs;
  const sound = soundOf(packets, isTimed);
  const spans = tonesOf({ ...sound, sampleRateHz: PHONE_HZ }, VOICE_HZ);
  const shiftMs = sound.startMs - startMs;
  return spans.flatMap((span) => {
    const moved = { ...span, startMs: span.startMs + shiftMs, endMs: span.endMs + shiftMs };
    return moved.endMs > 0 ? [moved] : [];
  });
}

function tonesOf(
  { samples, sampleRateHz }: Pick<WavClip, 'samples' | 'sampleRateHz'>,
  frequencyHz: number,
  amplitude: number = VOICE_AMPLITUDE,
): readonly ToneSpan[] {
  return findTone(samples, sampleRateHz, { frequencyHz, threshold: amplitude / 2, bridgeMs: 40 });
}

function upper(id: string): string {
  return id.replaceAll('-', '').toUpperCase();
}
