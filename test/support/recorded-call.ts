import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { levelDb, toneAmplitude } from '../../src/media/tone/tone-meter.ts';
import type { WavClip } from '../../src/media/wav/wav-reader.ts';
import type { ControlSession } from './control-session.ts';
import { clipOf } from './recording-session.ts';

export type CallLocator = {
  readonly kind: 'serverCallLocator' | 'groupCallLocator';
  readonly id: string;
};

/** What a mixed recording of a call holds that is on while `during` runs. */
export async function recorded(
  session: ControlSession,
  callLocator: CallLocator,
  during: () => Promise<void>,
): Promise<WavClip> {
  const { recordingId } = await session.sdk.call<{ recordingId: string }>('startRecording', {
    callLocator,
    recordingContent: 'audio',
    recordingChannel: 'mixed',
    recordingFormat: 'wav',
    recordingStateCallbackEndpointUrl: session.callback,
  });
  await during();
  await session.sdk.call('stopRecording', recordingId);
  const { data } = await session.events.next(
    'RecordingFileStatusUpdated',
    (event) => event.data['recordingId'] === recordingId,
  );
  const { recordingChunks } = data['recordingStorageInfo'] as {
    recordingChunks: readonly { readonly contentLocation: string }[];
  };
  const [chunk] = recordingChunks;
  if (chunk === undefined) throw new Error('a recording without a file');
  const scratch = await mkdtemp(join(tmpdir(), 'tapedeck-recorded-'));
  const path = join(scratch, 'content');
  await session.sdk.call('download', chunk.contentLocation, path);
  const clip = clipOf(await readFile(path));
  await rm(scratch, { recursive: true });
  return clip;
}

/** Level of a tone in a fifth of a second at the beginning or the end of a clip, in dB. */
export function levelAt(clip: WavClip, at: 'beginning' | 'end', frequencyHz: number): number {
  const { samples, sampleRateHz } = clip;
  const window = sampleRateHz / 5;
  // What is at the very edges may have begun, or ended, within the window.
  const margin = sampleRateHz / 10;
  const from = at === 'beginning' ? margin : samples.length - window - margin;
  return levelDb(toneAmplitude(samples, sampleRateHz, frequencyHz, from, window));
}
