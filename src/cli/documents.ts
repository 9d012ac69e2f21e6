import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode, TapedeckError } from '../core/error.ts';
import type { AdminClient } from './admin-client.ts';
import type { ChunkAnswer, DetailsAnswer, Page, RecordingAnswer } from './answers.ts';
import { usage } from './arguments.ts';
import { Progress } from './progress.ts';
import { printDocument, saveDocument } from './save-document.ts';
import type { VerbContext } from './verb.ts';

const PAGE_ROWS = 500;

/** The files of a recording, or the one document that has this id, renderings too. */
export async function findDocuments(
  client: AdminClient,
  id: string,
): Promise<readonly ChunkAnswer[]> {
  const details = (await client.find(recordingPath(id))) as DetailsAnswer | undefined;
  if (details !== undefined) {
    const kept = details.chunks.filter((chunk) => chunk.deletedAt === undefined);
    if (kept.length > 0) return kept;
    const state = details.chunks.length > 0 ? 'deleted' : details.state;
    throw new TapedeckError('content-not-found', `the recording has no file (it is ${state})`);
  }
  // Pages through all of them: which recording a document is of its id does not say.
  for (let before = ''; ;) {
    const path = `/admin/recordings?limit=${PAGE_ROWS}${before}`;
    const { value } = (await client.ask('GET', path)) as Page<RecordingAnswer>;
    const found = value.flatMap(({ chunks }) => chunks).find((one) => one.documentId === id);
    if (found !== undefined) return [found];
    const last = value.at(-1);
    if (last === undefined || value.length < PAGE_ROWS) break;
    before = `&before=${encodeURIComponent(last.startedAt)}`;
  }
  throw new TapedeckError('recording-not-found', `no recording or document has the id ${id}`);
}

export function recordingPath(id: string): string {
  return `/admin/recordings/${encodeURIComponent(id)}`;
}

/**
 * Downloads to `output`, a file, a directory, or `-` for standard output, and prints where each file is.
 * @param what `content`: the media; `metadata`: the document that describes it.
 */
export async function downloadDocuments(
  context: VerbContext,
  client: AdminClient,
  chunks: readonly ChunkAnswer[],
  what: 'content' | 'metadata',
  output: string,
): Promise<void> {
  const isDirectory = output !== '-' && (await isDirectoryAt(output));
  if (chunks.length > 1 && output !== '-' && !isDirectory) {
    throw usage(`--output: there are ${chunks.length} files; expected a directory`, '--output');
  }
  for (const chunk of chunks) {
    const name = `${chunk.documentId}.${what === 'metadata' ? 'json' : chunk.formatType}`;
    const body = { documentId: chunk.documentId, what };
    const { url } = (await client.ask('POST', '/admin/links', body)) as { url: string };
    const stream = await client.open(url);
    if (output === '-') {
      await printDocument(stream, context.stdout);
      continue;
    }
    const path = isDirectory ? join(output, name) : output;
    const [sha256, sizeBytes] =
      what === 'content' ? [chunk.sha256, chunk.sizeBytes] : [undefined, undefined];
    const progress = new Progress(context.stderr, name, sizeBytes);
    try {
      await saveDocument(stream, path, sha256, progress);
    } finally {
      progress.close();
    }
    context.stdout.write(`${path}\n`);
  }
}

async function isDirectoryAt(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
