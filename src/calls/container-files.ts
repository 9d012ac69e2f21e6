import { exportFileName } from '../core/export-file-name.ts';
import type { ContainerPort, ExportTarget } from '../core/ports/export.ts';
import type { ChunkRecord } from '../core/records.ts';
import type { StoredIn } from './events/recording-events.ts';

/** Names of a chunk's two files within the caller's container. */
export function containerFiles(
  target: ExportTarget,
  { index, documentId, format }: Pick<ChunkRecord, 'index' | 'documentId' | 'format'>,
): { readonly content: string; readonly metadata: string } {
  const name = (content: 'wav' | 'mp3' | 'metadata'): string =>
    `${target.folder}/${exportFileName(index, documentId, content)}`;
  return { content: name(format.container), metadata: name('metadata') };
}

/** Puts the metadata document beside the chunk's file. Rejects as `ContainerPort.put` does. */
export async function putMetadata(
  containers: ContainerPort,
  target: ExportTarget,
  chunk: ChunkRecord,
): Promise<void> {
  const { metadata } = containerFiles(target, chunk);
  const bytes = Buffer.from(chunk.metadata);
  await containers.put(target.containerUrl, metadata, bytes, 'application/json');
}

/** The caller's container, where files are deleted by their own addresses. */
export function containerStorage(containers: ContainerPort, target: ExportTarget): StoredIn {
  return {
    storageType: 'AzureBlob',
    locationsOf: (chunk) => {
      const { content, metadata } = containerFiles(target, chunk);
      const contentLocation = containers.urlOf(target.containerUrl, content);
      return {
        contentLocation,
        metadataLocation: containers.urlOf(target.containerUrl, metadata),
        deleteLocation: contentLocation,
      };
    },
  };
}
