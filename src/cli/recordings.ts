import type { DetailsAnswer, Page, RecordingAnswer } from './answers.ts';
import { words } from './arguments.ts';
import { downloadDocuments, findDocuments, recordingPath } from './documents.ts';
import { recordingText } from './recording-text.ts';
import { durationText, sizeText, table } from './table.ts';
import { adminClient, pageQuery, show, type VerbContext } from './verb.ts';

export async function listRecordings(context: VerbContext): Promise<void> {
  words(context.arguments.positional, []);
  const path = `/admin/recordings${pageQuery(context)}`;
  const page = (await adminClient(context).ask('GET', path)) as Page<RecordingAnswer>;
  show(context, page.value, (recordings) =>
    table(
      ['STARTED', 'STATE', 'ORIGIN', 'FORMAT', 'LENGTH', 'SIZE', 'END', 'DOCUMENT', 'RECORDING'],
      recordings.flatMap(rowsOf),
    ),
  );
}

/** One for each file that its event announced, or one without. */
function rowsOf(recording: RecordingAnswer): readonly (readonly string[])[] {
  const { startedAt, state, origin, channelType, formatType, recordingId } = recording;
  const files = recording.chunks.filter(({ purpose }) => purpose === 'session');
  return (files.length === 0 ? [undefined] : files).map((chunk) => [
    startedAt,
    chunk?.deletedAt === undefined ? state : 'deleted',
    origin,
    `${channelType} ${formatType}`,
    chunk === undefined ? '' : durationText(chunk.durationMs),
    chunk === undefined ? '' : sizeText(chunk.sizeBytes),
    recording.endReason ?? '',
    chunk?.documentId ?? '',
    recordingId,
  ]);
}

export async function showRecording(context: VerbContext): Promise<void> {
  const [id = ''] = words(context.arguments.positional, ['id of the recording']);
  const client = adminClient(context);
  const details = (await client.ask('GET', recordingPath(id))) as DetailsAnswer;
  const text = context.arguments.own.has('json') ? '' : await recordingText(client, details);
  show(context, details, () => text);
}

export async function downloadRecording(context: VerbContext): Promise<void> {
  const [id = ''] = words(context.arguments.positional, ['id of the recording or document']);
  const client = adminClient(context);
  const { own } = context.arguments;
  const what = own.has('metadata') ? 'metadata' : 'content';
  const chunks = await findDocuments(client, id);
  await downloadDocuments(context, client, chunks, what, own.get('output') ?? '.');
}

/** Removes files, metadata and journal, for good. */
export async function deleteRecording(context: VerbContext): Promise<void> {
  const [id = ''] = words(context.arguments.positional, ['id of the recording']);
  await adminClient(context).ask('DELETE', recordingPath(id));
  show(context, { recordingId: id, deleted: true }, () => `${id} is deleted\n`);
}
