import { createHash } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode, TapedeckError } from '../core/error.ts';
import type { AdminClient } from './admin-client.ts';
import type { ChunkAnswer, Page, RecordingAnswer } from './answers.ts';
import { usage, words } from './arguments.ts';
import { durationText, sizeText, table } from './table.ts';
import { adminClient, pageQuery, show, type Output, type VerbContext } from './verb.ts';

const PAGE_ROWS = 500;

export async function listRecordings(context: VerbContext): Promise<void> {
  words(context.arguments.positional, []);
  const path = `/admin/recordings${pageQuery(context)}`;
  const page = (await adminClient(context).ask('GET', path)) as Page<RecordingAnswer>;
  show(context, page.value, (recordings) =>
    table(
      ['STARTED', 'STATE', 'ORIGIN', 'LENGTH', 'SIZE', 'END', 'DOCUMENT', 'RECORDING'],
      recordings.flatMap((recording) => {
        const { startedAt, state, origin, endReason = '', recordingId } = recording;
        const row = (chunk?: ChunkAnswer): readonly string[] => [
          startedAt,
          chunk?.deletedAt === undefined ? state : 'deleted',
          origin,
          chunk === undefined ? '' : durationText(chunk.durationMs),
          chunk === undefined ? '' : sizeText(chunk.sizeBytes),
          endReason,
          chunk?.documentId ?? '',
          recordingId,
        ];
        return recording.chunks.length === 0 ? [row()] : recording.chunks.map(row);
      }),
    ),
  );
}

export async function downloadRecording(context: VerbContext): Promise<void> {
  const [id = ''] = words(context.arguments.positional, ['id of the recording or document']);
  const client = adminClient(context);
  const chunks = await findChunks(client, id);
  const what = context.arguments.own.has('metadata') ? 'metadata' : 'content';
  const output = context.arguments.own.get('output') ?? '.';
  const isDirectory = output !== '-' && (await isDirectoryAt(output));
  if (chunks.length > 1 && output !== '-' && !isDirectory) {
    throw usage(`--output: ${id} has ${chunks.length} files; expected a directory`, '--output');
  }
  for (const chunk of chunks) {
    const name = `${chunk.documentId}.${what === 'metadata' ? 'json' : 'wav'}`;
    const body = { documentId: chunk.documentId, what };
    const { url } = (await client.ask('POST', '/admin/links', body)) as { url: string };
    const stream = await client.open(url);
    const sha256 = what === 'content' ? chunk.sha256 : undefined;
    if (output === '-') {
      await toOutput(stream, context.stdout);
    } else {
      const path = isDirectory ? join(output, name) : output;
      await toFile(stream, path, sha256);
      context.stdout.write(`${path}\n`);
    }
  }
}

/** Pages through all recordings: ids are opaque here. */
async function findChunks(client: AdminClient, id: string): Promise<readonly ChunkAnswer[]> {
  for (let before = ''; ;) {
    const path = `/admin/recordings?limit=${PAGE_ROWS}${before}`;
    const { value } = (await client.ask('GET', path)) as Page<RecordingAnswer>;
    for (const recording of value) {
      const chunk = recording.chunks.find((one) => one.documentId === id);
      if (chunk !== undefined) return [chunk];
      if (recording.recordingId !== id) continue;
      if (recording.chunks.length > 0) return recording.chunks;
      const text = `the recording has no file (it is ${recording.state})`;
      throw new TapedeckError('content-not-found', text);
    }
    const last = value.at(-1);
    if (last === undefined || value.length < PAGE_ROWS) break;
    before = `&before=${encodeURIComponent(last.startedAt)}`;
  }
  throw new TapedeckError('recording-not-found', `no recording or document has the id ${id}`);
}

async function isDirectoryAt(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Behind it are the samples: what the server hashes while the call is on, before sizes are known. */
const WAV_HEADER_BYTES = 44;

/** Whole or not at all: checked against its hash under another name first. */
async function toFile(
  stream: ReadableStream<Uint8Array>,
  path: string,
  sha256: string | undefined,
): Promise<void> {
  const unfinished = `${path}.part`;
  const file256 = createHash('sha256');
  const audio256 = createHash('sha256');
  let bytes = 0;
  try {
    const file = await open(unfinished, 'w');
    try {
      for await (const piece of stream) {
        file256.update(piece);
        audio256.update(
          piece.subarray(Math.min(piece.length, Math.max(0, WAV_HEADER_BYTES - bytes))),
        );
        bytes += piece.length;
        await file.write(piece);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    const hashes = [audio256.digest('hex'), file256.digest('hex')];
    if (sha256 !== undefined && !hashes.includes(sha256)) {
      throw new TapedeckError('blob-mismatch', `${path}: what came is not what was recorded`);
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function toOutput(stream: ReadableStream<Uint8Array>, output: Output): Promise<void> {
  for await (const piece of stream) {
    await new Promise<void>((resolve, reject) => {
      output.write(piece, (error) => {
        if (error === undefined || error === null) resolve();
        else reject(error);
      });
    });
  }
}
