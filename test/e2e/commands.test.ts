import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readWav } from '../../src/media/wav/wav-reader.ts';
import { adminRequest, signedFetch } from '../support/admin-client.ts';
import { EventReceiver, type ReceivedEvent } from '../support/event-receiver.ts';
import { runCommand, type CommandResult } from '../support/run-command.ts';
import { ServerProcess } from '../support/server-process.ts';

type Chunk = {
  readonly documentId: string;
  readonly sizeBytes: number;
  readonly createdAt: string;
  readonly expiresAt: string;
};
type Recording = {
  readonly recordingId: string;
  readonly serverCallId: string;
  readonly origin: string;
  readonly chunks: readonly Chunk[];
};

let server: ServerProcess;
let events: EventReceiver;
let ready: ReceivedEvent;
let recording: Recording;
let chunk: Chunk;

const run = (...words: readonly string[]): Promise<CommandResult> => runCommand(server, words);

async function output(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...words);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

beforeAll(async () => {
  events = await EventReceiver.open();
  server = await ServerProcess.start({
    flags: ['--event-webhook', events.url, '--admin-token', 'let-me-in'],
    file: {
      sim: [
        { identifier: '+15550100', name: 'agent', tone: 440, answerAfter: '20ms' },
        { identifier: '+15550199', name: 'caller', tone: 1000, hangUpAfter: '1500ms' },
      ],
      routes: [{ to: '^\\+15550100$', action: 'registered', record: { retention: '7y' } }],
    },
  });
  expect(await output('sim', 'call', 'caller', '+15550100')).toMatch(
    /^caller calls \+15550100 \(Call-ID \S+\)\n$/,
  );
  ready = await events.next('RecordingFileStatusUpdated');
  const { value } = JSON.parse(await output('recordings', 'list', '--json').then(wrapped)) as {
    value: Recording[];
  };
  recording = value[0] as Recording;
  chunk = recording.chunks[0] as Chunk;
});

const wrapped = (list: string): string => `{"value":${list}}`;

afterAll(async () => {
  events.close();
  expect(await server.stop()).toBe(0);
});

describe('tapedeck recordings', () => {
  test('lists what a route recorded, with the retention that the route gave', async () => {
    expect(recording).toMatchObject({
      recordingId: ready.data['recordingId'],
      origin: 'route',
      state: 'done',
      endReason: 'CallEnded',
    });
    const keptMs = Date.parse(chunk.expiresAt) - Date.parse(chunk.createdAt);
    expect(Math.round(keptMs / 86_400_000)).toBe(7 * 365);
    const table = await output('recordings', 'list');
    expect(table).toMatch(/^STARTED +STATE +ORIGIN/);
    expect(table).toContain(chunk.documentId);
  });

  test('downloads by recording and by document, audio and metadata', async () => {
    const file = join(server.dataDirectory, 'call.wav');
    expect(await output('recordings', 'download', recording.recordingId, '--output', file)).toBe(
      `${file}\n`,
    );
    const bytes = await readFile(file);
    expect(bytes.length).toBe(chunk.sizeBytes);
    expect(readWav(bytes).ok).toBe(true);
    const metadata = await output(
      ...['recordings', 'download', chunk.documentId, '--metadata', '--output', '-'],
    );
    expect(JSON.parse(metadata)).toMatchObject({ chunkDocumentId: chunk.documentId });
  });

  test('says what it does not know', async () => {
    const { code, stderr } = await run('recordings', 'download', 'nothing');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'tapedeck: no recording or document has the id nothing\n',
    });
  });

  test('is let in by the administrator’s token alone', async () => {
    const by = (token: string): Promise<CommandResult> =>
      runCommand(server, ['recordings', 'list'], {
        TAPEDECK_READY_FILE: server.readyFile,
        TAPEDECK_ADMIN_TOKEN: token,
      });
    expect((await by('let-me-in')).code).toBe(0);
    expect((await by('guess')).stderr).toMatch(/Not authenticated.*\(401, 7509\)/);
  });
});

describe('tapedeck events', () => {
  test('lists, shows and delivers again', async () => {
    const id = String(ready.envelope['id']);
    expect(await output('events', 'list', '--limit', '100')).toMatch(
      new RegExp(`${id} +delivered +1 +Microsoft.Communication.RecordingFileStatusUpdated`),
    );
    const shown = await output('events', 'show', id);
    expect(shown).toContain(recording.recordingId);
    expect(shown).toMatch(/ATTEMPT +STARTED +TOOK +STATUS/);
    expect(shown).toMatch(/1 +\S+Z +\d+ ms +200/);
    expect(await output('events', 'redeliver', id)).toBe('delivering again to 1 destination(s)\n');
    const again = await events.next('RecordingFileStatusUpdated');
    expect(again.envelope['id']).toBe(id);
    expect((await run('events', 'show', 'nothing')).stderr).toMatch(/\(404, 8522\)/);
  });
});

test('tapedeck journal dump prints the packets of the call', async () => {
  const directory = join(server.dataDirectory, 'journals');
  const [journal = ''] = await readdir(directory);
  const text = await output('journal', 'dump', join(directory, journal));
  expect(text).toContain('4:+15550100');
  expect(text.split('\n').length).toBeGreaterThan(100);
});

test('tapedeck sdk-env can be sourced, and names all that clients need', async () => {
  const text = await output('sdk-env');
  expect(text).toContain(server.ready.connectionString);
  expect(text).toContain(`export NODE_EXTRA_CA_CERTS=${server.ready.caFile ?? '?'}`);
  expect(await output('sdk-env', '--hosts')).toBe('127.0.0.1 tapedeck.asm.skype.com\n');
});

describe('a signed link', () => {
  type Link = { readonly url: string; readonly expiresAt: string };
  const link = async (body: Readonly<Record<string, unknown>>): Promise<URL> => {
    const { url } = (await adminRequest(server, 'POST', '/admin/links', body)) as Link;
    const made = new URL(url);
    return new URL(made.pathname + made.search, server.ready.http);
  };

  test('opens its file to anybody, and nothing else', async () => {
    const url = await link({ documentId: chunk.documentId });
    const whole = await fetch(url);
    expect(whole.status).toBe(200);
    expect((await whole.arrayBuffer()).byteLength).toBe(chunk.sizeBytes);
    const part = await fetch(url, { headers: { range: 'bytes=0-3' } });
    expect([part.status, await part.text()]).toEqual([206, 'RIFF']);

    const changed = new URL(url);
    changed.searchParams.set('se', String(Number(url.searchParams.get('se')) + 1));
    const other = new URL(url.href.replace('/content/video', '/content/acsmetadata'));
    const forged = new URL(url.href.replace(/sig=./, 'sig=!'));
    for (const wrong of [changed, other, forged]) expect((await fetch(wrong)).status).toBe(401);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(404);
    const whereDeleted = url.pathname.replace('/content/video', '') + url.search;
    const deletion = await fetch(new URL(whereDeleted, url), { method: 'DELETE' });
    expect(deletion.status).toBe(401);
  });

  test('expires', async () => {
    const url = await link({ documentId: chunk.documentId, what: 'metadata', lifetimeSeconds: 1 });
    expect((await fetch(url)).headers.get('content-type')).toMatch(/^application\/json/);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const late = await fetch(url);
    expect([late.status, await late.text()]).toEqual([401, expect.stringContaining('expired')]);
  });

  test('is made for files that are there, and by nobody without credentials', async () => {
    const gone = await signedFetch(server, 'POST', '/admin/links', { documentId: 'nothing' });
    expect(gone.status).toBe(404);
    const stranger = await fetch(new URL('/admin/links', server.ready.http), { method: 'POST' });
    expect(stranger.status).toBe(401);
  });
});
