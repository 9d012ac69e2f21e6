import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { levelDb, toneAmplitude } from '../../src/media/tone/tone-meter.ts';
import { readWav, type WavClip } from '../../src/media/wav/wav-reader.ts';
import { EventReceiver, type ReceivedEvent } from './event-receiver.ts';
import { SDK_PACKAGES, SdkSession } from './sdk-session.ts';
import { ServerProcess, type ServerOptions } from './server-process.ts';

export type SdkCall = { readonly callConnectionId: string; readonly serverCallId: string };
export type RecordingState = { readonly recordingId: string; readonly recordingState: string };
export type RecordingChunk = {
  readonly documentId: string;
  readonly contentLocation: string;
  readonly metadataLocation: string;
  readonly deleteLocation: string;
};
export type RecordingMetadata = {
  readonly chunkDuration: number;
  readonly participants: readonly { readonly participantId: string; readonly channel?: number }[];
  readonly pauseResumeIntervals: readonly { readonly duration: number }[];
  readonly recordingInfo: Readonly<Record<string, unknown>>;
};

/** A server, an application with the official SDK, and its web hook. */
export class RecordingSession {
  readonly server: ServerProcess;
  readonly sdk: SdkSession;
  readonly events: EventReceiver;
  readonly #callback: string;
  readonly #scratch: string;

  private constructor(
    server: ServerProcess,
    sdk: SdkSession,
    events: EventReceiver,
    scratch: string,
  ) {
    this.server = server;
    this.sdk = sdk;
    this.events = events;
    this.#callback = `${events.url}callbacks`;
    this.#scratch = scratch;
  }

  static async open(options: ServerOptions): Promise<RecordingSession> {
    const scratch = await mkdtemp(join(tmpdir(), 'tapedeck-recording-'));
    const events = await EventReceiver.open();
    const flags = ['--event-webhook', `${events.url}grid`, ...(options.flags ?? [])];
    const server = await ServerProcess.start({ ...options, flags });
    const sdk = await SdkSession.open(server, SDK_PACKAGES[0]);
    return new RecordingSession(server, sdk, events, scratch);
  }

  async close(): Promise<void> {
    this.sdk.close();
    this.events.close();
    expect(await this.server.stop()).toBe(0);
    await rm(this.#scratch, { recursive: true });
  }

  /** A call to these phones that is up. */
  async connect(...phones: readonly { readonly phoneNumber: string }[]): Promise<SdkCall> {
    const call = await this.sdk.call<SdkCall>('createGroupCall', phones, this.#callback);
    await this.events.next('CallConnected', ofCall(call));
    return call;
  }

  /** Ends it for everybody, and waits until all that was to be told of it has been told. */
  async hangUp(call: SdkCall): Promise<void> {
    await this.sdk.call('hangUp', call.callConnectionId, true);
    await this.events.next('CallDisconnected', ofCall(call));
  }

  /** Mixed WAV, apart from what `options` say. */
  start(call: SdkCall, options: Readonly<Record<string, unknown>> = {}): Promise<RecordingState> {
    return this.sdk.call<RecordingState>('startRecording', {
      callLocator: { kind: 'serverCallLocator', id: call.serverCallId },
      recordingContent: 'audio',
      recordingChannel: 'mixed',
      recordingFormat: 'wav',
      recordingStateCallbackEndpointUrl: this.#callback,
      ...options,
    });
  }

  async stateOf(recordingId: string): Promise<string> {
    const { recordingState } = await this.sdk.call<RecordingState>('recordingState', recordingId);
    return recordingState;
  }

  /** The one chunk of a recording whose file is ready. */
  async finished(recordingId: string): Promise<RecordingChunk> {
    const { data } = await this.events.next(
      'RecordingFileStatusUpdated',
      (event) => event.data['recordingId'] === recordingId,
    );
    const info = data['recordingStorageInfo'] as { recordingChunks: readonly RecordingChunk[] };
    const [chunk, ...others] = info.recordingChunks;
    if (chunk === undefined || others.length > 0) throw new Error('expected one chunk');
    return chunk;
  }

  /** How many events told of files of this recording. */
  filesTold(recordingId: string): number {
    return this.#told('RecordingFileStatusUpdated', recordingId).length;
  }

  /** The states that were told of, in the order in which they came. */
  statesTold(recordingId: string): readonly unknown[] {
    return this.#told('RecordingStateChanged', recordingId).map(({ data }) => data['state']);
  }

  async download(location: string): Promise<Buffer> {
    const path = join(this.#scratch, 'download');
    await this.sdk.call('download', location, path);
    return readFile(path);
  }

  async metadataOf(chunk: RecordingChunk): Promise<RecordingMetadata> {
    const text = (await this.download(chunk.metadataLocation)).toString('utf8');
    return JSON.parse(text) as RecordingMetadata;
  }

  #told(name: string, recordingId: string): readonly ReceivedEvent[] {
    return this.events.received.filter(
      ({ type, data }) => type.endsWith(`.${name}`) && data['recordingId'] === recordingId,
    );
  }
}

const ofCall =
  (call: SdkCall) =>
  (event: ReceivedEvent): boolean =>
    event.data['serverCallId'] === call.serverCallId;

/** A WAV file of any number of channels. */
export function clipOf(bytes: Uint8Array): WavClip {
  const clip = readWav(bytes, { maxChannels: 32 });
  if (!clip.ok) throw new Error(clip.defect);
  return clip.value;
}

export function channelOf(clip: WavClip, channel: number): WavClip {
  const samples = new Int16Array(clip.samples.length / clip.channels);
  for (let at = 0; at < samples.length; at += 1) {
    samples[at] = clip.samples[at * clip.channels + channel] ?? 0;
  }
  return { ...clip, channels: 1, samples };
}

/** Level of a tone below full scale in the tenth of a second in which it is loudest. */
export function loudestDb({ samples, sampleRateHz }: WavClip, frequencyHz: number): number {
  const window = sampleRateHz / 10;
  let loudest = 0;
  for (let at = 0; at + window <= samples.length; at += window / 2) {
    loudest = Math.max(loudest, toneAmplitude(samples, sampleRateHz, frequencyHz, at, window));
  }
  return levelDb(loudest);
}
