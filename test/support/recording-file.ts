import { join } from 'node:path';
import type { ReceivedEvent } from './event-receiver.ts';
import type { ServerProcess } from './server-process.ts';

type StorageInfo = { readonly recordingChunks: readonly { readonly documentId: string }[] };

/** Where the server keeps the file that a RecordingFileStatusUpdated event announces. */
export function recordingFile(server: ServerProcess, event: ReceivedEvent): string {
  const info = event.data['recordingStorageInfo'] as StorageInfo;
  const [chunk] = info.recordingChunks;
  if (chunk === undefined) throw new Error('the event names no chunk');
  return join(server.dataDirectory, 'blobs', 'recordings', `${chunk.documentId}.wav`);
}
