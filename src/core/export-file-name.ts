import type { DocumentId } from './ids.ts';

/** What a file in a caller's container holds. */
export type ExportedContent = 'wav' | 'mp3' | 'metadata';

const WORDS: Readonly<
  Record<ExportedContent, { readonly word: string; readonly extension: string }>
> = {
  wav: { word: 'audiowav', extension: 'wav' },
  mp3: { word: 'audiomp3', extension: 'mp3' },
  metadata: { word: 'acsmetadata', extension: 'json' },
};

/**
 * Name of a chunk's file within its folder: `0-audiowav.<documentId>.wav`.
 * @param index of the chunk, from 0.
 */
export function exportFileName(
  index: number,
  documentId: DocumentId,
  content: ExportedContent,
): string {
  const { word, extension } = WORDS[content];
  return `${index}-${word}.${documentId}.${extension}`;
}
