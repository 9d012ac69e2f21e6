import type { AdminClient } from './admin-client.ts';
import type { ChunkAnswer, Page } from './answers.ts';
import { usage, words } from './arguments.ts';
import { downloadDocuments, recordingPath } from './documents.ts';
import { Progress } from './progress.ts';
import { documentRow } from './recording-text.ts';
import { table } from './table.ts';
import { adminClient, show, type VerbContext } from './verb.ts';

type Document = ChunkAnswer & { readonly contentUrl: string };
type Answer = Page<Document> | { readonly state: 'rendering' };

const FORMATS = ['wav', 'mp3'];
const CHANNELS = ['mixed', 'unmixed'];

/** Makes another format or channel layout of a recording, and downloads it if a place is named. */
export async function renderRecording(context: VerbContext): Promise<void> {
  const { positional, own } = context.arguments;
  const [id = ''] = words(positional, ['id of the recording']);
  const body = {
    format: choice('format', own.get('format') ?? 'wav', FORMATS),
    channels: choice('channels', own.get('channels') ?? 'mixed', CHANNELS),
  };
  const client = adminClient(context);
  const progress = new Progress(
    context.stderr,
    `rendering ${body.channels} ${body.format}`,
    undefined,
  );
  let documents: readonly Document[];
  try {
    documents = await rendered(client, `${recordingPath(id)}/renderings`, body);
  } finally {
    progress.close();
  }
  const output = own.get('output');
  if (output !== undefined) {
    await downloadDocuments(context, client, documents, 'content', output);
    return;
  }
  show(context, documents, (all) =>
    table(
      ['DOCUMENT', 'FORMAT', 'CHANNELS', 'LENGTH', 'SIZE', 'LINK'],
      all.map((document) => [...documentRow(document), document.contentUrl]),
    ),
  );
}

/** The server answers after a while in any case; whoever asks again waits on for the same documents. */
async function rendered(
  client: AdminClient,
  path: string,
  body: Readonly<Record<string, string>>,
): Promise<readonly Document[]> {
  for (;;) {
    const answer = (await client.ask('POST', path, body)) as Answer;
    if ('value' in answer) return answer.value;
  }
}

function choice(name: string, given: string, allowed: readonly string[]): string {
  if (allowed.includes(given)) return given;
  throw usage(
    `--${name}: "${given}" is not allowed; expected ${allowed.join(' or ')}`,
    `--${name}`,
  );
}
