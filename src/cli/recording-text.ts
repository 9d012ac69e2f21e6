import type { AdminClient } from './admin-client.ts';
import type { ChunkAnswer, DetailsAnswer, DetailedChunk } from './answers.ts';
import { type Peaks, peaksPicture } from './peaks-picture.ts';
import { durationText, sizeText, table } from './table.ts';

const PICTURE_COLUMNS = 60;

/** A recording as people read it, with the waveform of each channel. */
export async function recordingText(client: AdminClient, details: DetailsAnswer): Promise<string> {
  const { container, journalRemovedAt, chunks, renderings } = details;
  const facts: readonly (readonly [string, string])[] = [
    ['state', stateText(details)],
    ['started', details.startedAt],
    ['ended', details.endedAt ?? ''],
    ['format', formatText(details)],
    ['journal', journalRemovedAt === undefined ? 'kept' : `removed ${journalRemovedAt}`],
    ['container', container === undefined ? '' : `${container.url}/${container.folder}`],
  ];
  const given = facts.filter(([, value]) => value !== '');
  const width = Math.max(...given.map(([name]) => name.length));
  const lines = given.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`);
  const files: string[] = [];
  for (const chunk of [...chunks, ...renderings]) files.push(await chunkText(client, chunk));
  return [`${details.recordingId}\n`, ...lines, ...files].join('');
}

function stateText({ state, origin, endReason }: DetailsAnswer): string {
  const reason = endReason === undefined ? '' : `, ended by ${endReason}`;
  return `${state} (started by ${origin === 'api' ? 'the API' : 'a route'}${reason})`;
}

function formatText({ channelType, formatType, plan }: DetailsAnswer): string {
  const limit = channelType === 'unmixed' ? `, at most ${plan.maxChannels} channels` : '';
  return `audio, ${channelType}, ${formatType}${limit}`;
}

async function chunkText(client: AdminClient, chunk: DetailedChunk): Promise<string> {
  const head = `\n${chunk.documentId}  ${whatText(chunk)}\n`;
  if (chunk.deletedAt !== undefined) return head;
  const found = await client.find(`/admin/documents/${chunk.documentId}/peaks`);
  const pictures = found === undefined ? [] : peaksPicture(found as Peaks, PICTURE_COLUMNS);
  const rows = pictures.map((picture, channel) => [
    `  ${channel}`,
    picture,
    speakers(chunk, channel),
  ]);
  const others = chunk.channelType === 'unmixed' ? speakers(chunk, undefined) : '';
  const left = others === '' ? [] : [['  -', 'on no channel', others]];
  return head + (rows.length + left.length === 0 ? '' : withoutHeader([...rows, ...left]));
}

/** `part 2, 1 m 02 s, 1.9 MiB, until 2026-…`. */
function whatText(chunk: DetailedChunk): string {
  const made =
    chunk.purpose === 'session'
      ? `part ${chunk.index + 1}`
      : `rendered later, ${chunk.channelType} ${chunk.formatType}, part ${chunk.index + 1}`;
  const parts = [made, durationText(chunk.durationMs), sizeText(chunk.sizeBytes)];
  if (chunk.deletedAt !== undefined) parts.push(`deleted ${chunk.deletedAt}`);
  else if (chunk.expiresAt !== undefined) parts.push(`until ${chunk.expiresAt}`);
  if (chunk.export !== undefined) parts.push(exportText(chunk.export));
  return parts.join(', ');
}

function exportText(exported: NonNullable<DetailedChunk['export']>): string {
  if (exported.state === 'done') return 'in the container';
  const why = exported.error === undefined ? '' : ` (${exported.error})`;
  if (exported.state === 'failed') return `not in the container${why}`;
  return `not in the container yet, next attempt ${exported.nextAttemptAt ?? ''}${why}`;
}

/** A mixed channel is everybody's. */
function speakers(chunk: DetailedChunk, channel: number | undefined): string {
  return (chunk.participants ?? [])
    .filter((one) => chunk.channelType === 'mixed' || one.channel === channel)
    .map(({ participantId }) => participantId)
    .join(', ');
}

function withoutHeader(rows: readonly (readonly string[])[]): string {
  const [first = [], ...rest] = rows;
  return table(first, rest);
}

/** What a list of documents tells of each. */
export function documentRow(chunk: ChunkAnswer): readonly string[] {
  return [
    chunk.documentId,
    `${chunk.channelType} ${chunk.formatType}`,
    String(chunk.channels),
    durationText(chunk.durationMs),
    sizeText(chunk.sizeBytes),
  ];
}
