import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readWav } from '../../src/media/wav/wav-reader.ts';
import { adminRequest, signedFetch } from '../support/admin-client.ts';
import { EventReceiver, type ReceivedEvent } from '../support/event-receiver.ts';
import { runCommand, type CommandResult } from '../support/run-command.ts';
import { channelOf, clipOf, loudestDb } from '../support/recording-session.ts';
import { requestToken } from '../support/request-token.ts';
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
        // Speech gives them channels, a tone tells which one is whose.
        {
          identifier: '+15550100',
          name: 'agent',
          script: [{ speak: 'clip:alice' }, { tone: 2000, for: '2s' }],
          answerAfter: '20ms',
        },
        {
          identifier: '+15550199',
          name: 'caller',
          script: [{ speak: 'clip:bob' }, { tone: 3000, for: '2s' }],
          hangUpAfter: '7500ms',
        },
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

  test('shows what is known of one, with its waveform', async () => {
    const text = await output('recordings', 'show', recording.recordingId);
    expect(text).toMatch(/^state +done \(started by a route, ended by CallEnded\)$/m);
    expect(text).toMatch(/^format +audio, mixed, wav$/m);
    expect(text).toMatch(/^journal +kept$/m);
    // Both speak nearly all the time, on one channel.
    const [, picture = '', speakers] = /^ {2}0 {2}(\S+) *\S* {2}(.+)$/m.exec(text) ?? [];
    expect(picture).toMatch(/[▅▆▇█]{10}/);
    expect(speakers?.split(', ').sort()).toEqual(['4:+15550100', '4:+15550199']);
    const json = await output('recordings', 'show', recording.recordingId, '--json');
    expect(JSON.parse(json)).toMatchObject({ plan: { maxChannels: 5 }, renderings: [] });
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

describe('tapedeck render', () => {
  const render = (...words: readonly string[]): Promise<string> =>
    output('render', recording.recordingId, ...words);

  test('makes channels of a mixed recording, each with its own speaker', async () => {
    const path = join(server.dataDirectory, 'channels.wav');
    expect(await render('--channels', 'unmixed', '--output', path)).toBe(`${path}\n`);
    const clip = clipOf(await readFile(path));
    expect(clip.channels).toBe(2);
    const [first, second] = [channelOf(clip, 0), channelOf(clip, 1)];
    const [agent, caller] = loudestDb(first, 2000) > -10 ? [first, second] : [second, first];
    expect(Math.abs(loudestDb(agent, 2000) + 6)).toBeLessThan(1);
    expect(Math.abs(loudestDb(caller, 3000) + 6)).toBeLessThan(1);
    // What they say has a little of every tone.
    expect(loudestDb(agent, 3000)).toBeLessThan(-14);
    expect(loudestDb(caller, 2000)).toBeLessThan(-14);
  });

  test('makes an MP3, the same bytes when asked twice, and lists the document with a link', async () => {
    const [one, two] = ['one.mp3', 'two.mp3'].map((name) => join(server.dataDirectory, name));
    await render('--format', 'mp3', '--output', one ?? '');
    await render('--format', 'mp3', '--output', two ?? '');
    const bytes = await readFile(one ?? '');
    expect(bytes.readUInt16BE(0) >> 5).toBe(0x7ff);
    expect(bytes.equals(await readFile(two ?? ''))).toBe(true);
    const listed = await render('--format', 'mp3');
    const [, row = ''] = listed.split('\n');
    const link = new URL(row.split(/ {2,}/).at(-1) ?? '');
    const answer = await fetch(new URL(link.pathname + link.search, server.ready.http));
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
    const shown = await output('recordings', 'show', recording.recordingId);
    expect(shown).toMatch(/rendered later, mixed mp3, part 1/);
    expect(shown).toMatch(/rendered later, unmixed wav, part 1/);
  });

  test('says what cannot be made, and of what there is nothing', async () => {
    const { code, stderr } = await run(
      ...['render', recording.recordingId, '--format', 'mp3', '--channels', 'unmixed'],
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/\(400, 8562\)\n$/);
    expect((await run('render', '../x')).stderr).toMatch(/\(404, 8522\)\n$/);
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

test('tapedeck audit says who read and who rendered', async () => {
  const text = await output('audit');
  expect(text).toMatch(/^AT +ACTION +ACTOR +DOCUMENT +RECORDING\n/);
  expect(text).toMatch(new RegExp(`downloaded +signed-link 127.0.0.1 +${chunk.documentId}`));
  expect(text).toMatch(/rendered +access-key 127\.0\.0\.1 /);
  const [newest] = JSON.parse(await output('audit', '--limit', '1', '--json')) as unknown[];
  expect(newest).toMatchObject({ recordingId: recording.recordingId });
});

test('tapedeck sdk-env can be sourced, and names all that clients need', async () => {
  const text = await output('sdk-env');
  expect(text).toContain(server.ready.connectionString);
  expect(text).toContain(`export NODE_EXTRA_CA_CERTS=${server.ready.caFile ?? '?'}`);
  expect(await output('sdk-env', '--hosts')).toBe('127.0.0.1 tapedeck.asm.skype.com\n');
});

test('tapedeck sdk-env names an application that gets a token with every role', async () => {
  const { application } = server.ready;
  if (application === null) throw new Error('there is no application');
  const text = await output('sdk-env');
  expect(text).toContain(`export AZURE_AUTHORITY_HOST=${server.ready.https}\n`);
  expect(text).toContain(`export AZURE_CLIENT_ID=${application.clientId}\n`);
  expect(text).toContain(`export AZURE_CLIENT_SECRET=${application.clientSecret}\n`);
  expect(server.output).toContain(application.clientSecret);
  expect(decodeJwt(await requestToken(server, application))['roles']).toEqual([
    'Calls.Initiate.All',
    'Calls.InitiateGroupCall.All',
    'Calls.JoinGroupCall.All',
    'Calls.JoinGroupCallAsGuest.All',
    'Calls.AccessMedia.All',
  ]);
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

describe('tapedeck recordings delete', () => {
  test('removes files and journal for good, and the audit keeps who did it', async () => {
    const { recordingId } = recording;
    expect(await output('recordings', 'delete', recordingId)).toBe(`${recordingId} is deleted\n`);
    expect((await run('recordings', 'download', recordingId)).stderr).toMatch(/\(it is deleted\)/);
    expect((await run('recordings', 'download', chunk.documentId)).code).toBe(1);
    expect((await run('render', recordingId)).stderr).toMatch(/\(404, 8522\)/);
    expect((await run('recordings', 'delete', recordingId)).stderr).toMatch(/\(404, 8522\)/);
    for (const directory of ['journals', join('blobs', 'recordings')]) {
      const names = await readdir(join(server.dataDirectory, directory));
      expect(names.filter((name) => name.startsWith(chunk.documentId))).toEqual([]);
    }
    expect(await output('audit')).toMatch(
      new RegExp(`deleted +access-key 127.0.0.1 +${chunk.documentId}`),
    );
    expect(await output('recordings', 'list')).toMatch(/ deleted +route +mixed wav /);
  });
});
