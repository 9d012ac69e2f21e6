import { setTimeout as delay } from 'node:timers/promises';
import { adminRequest, signedFetch } from './admin-client.ts';
import type { EventReceiver, ReceivedEvent } from './event-receiver.ts';
import type { ServerProcess } from './server-process.ts';

const VERSION = 'api-version=2025-05-15';

export type LiveCall = {
  readonly serverCallId: string;
  /** Number that was dialled, of a call of the load generator. */
  readonly dialled: string | undefined;
  readonly activeRecordings: readonly string[];
};

export async function liveCalls(server: ServerProcess): Promise<readonly LiveCall[]> {
  const { value } = (await adminRequest(server, 'GET', '/admin/calls')) as {
    value: { serverCallId: string; participants: unknown; activeRecordings: string[] }[];
  };
  return value.map(({ serverCallId, participants, activeRecordings }) => ({
    serverCallId,
    dialled: /sip:(1\d{5})@/.exec(JSON.stringify(participants))?.[1],
    activeRecordings,
  }));
}

/** Body of a start: mixed WAV. */
export function recordingRequest(serverCallId: string): Record<string, unknown> {
  return {
    callLocator: { kind: 'serverCallLocator', serverCallId },
    recordingContentType: 'audio',
    recordingChannelType: 'mixed',
    recordingFormatType: 'wav',
  };
}

/** Rejects when the call was refused, or the server went before it answered. */
export async function startRecording(
  server: ServerProcess,
  serverCallId: string,
  callback: string,
): Promise<string> {
  const body = (await adminRequest(server, 'POST', `/calling/recordings?${VERSION}`, {
    ...recordingRequest(serverCallId),
    recordingStateCallbackUri: callback,
  })) as { recordingId: string };
  return body.recordingId;
}

export async function stopRecording(server: ServerProcess, recordingId: string): Promise<void> {
  await adminRequest(server, 'DELETE', `/calling/recordings/${recordingId}?${VERSION}`);
}

export async function recordingState(server: ServerProcess, recordingId: string): Promise<string> {
  const path = `/calling/recordings/${recordingId}?${VERSION}`;
  return ((await adminRequest(server, 'GET', path)) as { recordingState: string }).recordingState;
}

/** A call of an application's own to a number that a trunk serves; its serverCallId. */
export async function createCall(
  server: ServerProcess,
  phoneNumber: string,
  callbackUri: string,
): Promise<string> {
  const body = (await adminRequest(server, 'POST', `/calling/callConnections?${VERSION}`, {
    targets: [{ kind: 'phoneNumber', phoneNumber: { value: phoneNumber } }],
    sourceCallerIdNumber: { kind: 'phoneNumber', value: '+15550100' },
    callbackUri,
  })) as { serverCallId: string };
  return body.serverCallId;
}

/** A RecordingFileStatusUpdated event. */
export type Announcement = {
  readonly recordingId: string;
  readonly documentId: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly endReason: string;
  /** What makes two announcements of one recording the same. */
  readonly content: string;
};

export function announcementOf(event: ReceivedEvent): Announcement | undefined {
  if (event.type !== 'Microsoft.Communication.RecordingFileStatusUpdated') return undefined;
  const { data } = event;
  const info = data['recordingStorageInfo'] as { recordingChunks: { documentId: string }[] };
  return {
    recordingId: String(data['recordingId']),
    documentId: info.recordingChunks[0]?.documentId ?? '',
    startedAtMs: Date.parse(String(data['recordingStartTime'])),
    durationMs: Number(data['recordingDurationMs']),
    endReason: String(data['sessionEndReason']),
    content: JSON.stringify([info, data['recordingDurationMs'], data['sessionEndReason']]),
  };
}

/** `undefined` if it does not come in time. */
export async function eventually<T>(
  find: () => T | undefined | Promise<T | undefined>,
  timeoutMs: number,
): Promise<T | undefined> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const found = await find();
    if (found !== undefined || performance.now() > until) return found;
    await delay(20);
  }
}

export function received(
  events: EventReceiver,
  name: string,
  matches: (data: Readonly<Record<string, unknown>>) => boolean,
): ReceivedEvent | undefined {
  return events.received.find(
    (event) => event.type === `Microsoft.Communication.${name}` && matches(event.data),
  );
}

export type Fetched = { readonly status: number; readonly bytes: Uint8Array };

export async function fetchContent(
  server: ServerProcess,
  documentId: string,
  what: 'content/video' | 'content/acsmetadata',
): Promise<Fetched> {
  const response = await signedFetch(server, 'GET', `/v1/objects/${documentId}/${what}`);
  return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
}

export async function deleteContent(server: ServerProcess, documentId: string): Promise<number> {
  const response = await signedFetch(server, 'DELETE', `/v1/objects/${documentId}`);
  await response.arrayBuffer();
  return response.status;
}

/** The announcement of this recording's file, once it is there. */
export async function announced(
  events: EventReceiver,
  recordingId: string,
  timeoutMs = 15_000,
): Promise<Announcement> {
  const found = await eventually(
    () =>
      events.received
        .flatMap((event) => announcementOf(event) ?? [])
        .find((announcement) => announcement.recordingId === recordingId),
    timeoutMs,
  );
  if (found === undefined) throw new Error(`${recordingId} was not announced`);
  return found;
}
