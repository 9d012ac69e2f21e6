import { chunkDocumentId, type DocumentId } from '../core/ids.ts';
import type { RenderFormat } from '../core/ports/render.ts';

/** What can be made of a journal. */
export const RENDER_FORMATS: readonly RenderFormat[] = [
  { container: 'wav', channels: 'mixed' },
  { container: 'wav', channels: 'unmixed' },
  { container: 'mp3', channels: 'mixed' },
];

/** Where a rendering of this format goes: a name for each, so that it is made once. */
export function renderingDirectory({ container, channels }: RenderFormat): string {
  return `renderings/${container}-${channels}`;
}

/** @param recording document id of the recording's first chunk. */
export function renderingDocumentId(
  recording: DocumentId,
  { container, channels }: RenderFormat,
): DocumentId {
  return `${recording}-${channels}-${container}` as DocumentId;
}

/** Keys of the `index`-th file of a rendering and of its peaks, as `RenderJob.blobDirectory` says. */
export function renderingKeys(
  recording: DocumentId,
  format: RenderFormat,
  index: number,
): { readonly blobKey: string; readonly peaksKey: string } {
  const documentId = chunkDocumentId(renderingDocumentId(recording, format), index);
  const path = `${renderingDirectory(format)}/${documentId}`;
  return { blobKey: `${path}.${format.container}`, peaksKey: `${path}.peaks.json` };
}
