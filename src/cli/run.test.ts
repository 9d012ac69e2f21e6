import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SILENT_LOGGER } from '../core/ports/log.ts';
import { HmacAuthenticator } from '../identity/hmac-authenticator.ts';
import { wavHeader } from '../media/wav/wav-header.ts';
import { systemClock } from '../telemetry/system-clock.ts';
import { runVerb } from './run.ts';

const ACCESS_KEY = 'c2VjcmV0IGtleQ==';
const AUDIO = Buffer.alloc(1000, 'some audio');
const CONTENT = Buffer.concat([wavHeader({ sampleRateHz: 16_000, channels: 1 }, 1000), AUDIO]);
const CHUNK = {
  documentId: '0-td-1-abc',
  index: 0,
  sizeBytes: CONTENT.length,
  durationMs: 61_500,
  sha256: createHash('sha256').update(AUDIO).digest('hex'),
};
const RECORDING = {
  recordingId: 'cmVj',
  serverCallId: 'Y2FsbA==',
  state: 'done',
  origin: 'api',
  startedAt: '2026-01-01T00:00:00.000Z',
  endReason: 'CallEnded',
  chunks: [CHUNK],
};
const EVENT = {
  eventId: 'e-1',
  kind: 'grid',
  type: 'Microsoft.Communication.RecordingFileStatusUpdated',
  subject: '/recording/x',
  occurredAt: '2026-01-01T00:00:01.000Z',
  data: { recordingId: 'cmVj' },
  deliveries: [
    {
      destination: 'archive',
      state: 'waiting',
      attemptCount: 1,
      nextAttemptAt: '2026-01-01T00:00:11.000Z',
      attempts: [
        { attempt: 1, startedAt: '2026-01-01T00:00:01.000Z', durationMs: 12, httpStatus: 503 },
      ],
    },
  ],
};

type Asked = { readonly method: string; readonly url: string; readonly body: string };

let directory: string;
let server: Server;
let origin: string;
let asked: Asked[];
let answers: Record<string, unknown>;
let content: Buffer;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tapedeck-cli-'));
  asked = [];
  content = CONTENT;
  answers = {
    'GET /admin/recordings': {
      value: [RECORDING, { ...RECORDING, recordingId: 'bm8=', chunks: [] }],
    },
    'POST /admin/links': { url: 'https://elsewhere.invalid/v1/objects/x/content/video?se=1&sig=s' },
    'GET /admin/events': { value: [EVENT] },
    'GET /admin/events/e-1': EVENT,
    'POST /admin/events/e-1/redeliver': { deliveries: 1 },
    'POST /admin/sim/calls': { callId: 'call-id' },
  };
  server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const { method = '', url = '' } = request;
      asked.push({ method, url, body: body.toString() });
      if (url.startsWith('/v1/objects/')) {
        response.end(content);
        return;
      }
      const answer = answers[`${method} ${url.replace(/\?.*/, '')}`];
      const refusal = isOurs(request, body) ? undefined : 'Not authenticated.';
      response.statusCode = refusal !== undefined ? 401 : answer === undefined ? 404 : 200;
      const error = { error: { code: '8522', message: refusal ?? 'Nothing is here.' } };
      response.end(JSON.stringify(response.statusCode === 200 ? answer : error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(
    join(directory, 'ready.json'),
    JSON.stringify({
      http: origin,
      https: 'https://127.0.0.1:8443',
      connectionString: `endpoint=https://127.0.0.1:8443/;accesskey=${ACCESS_KEY}`,
      caFile: '/data/tls/ca.pem',
    }),
  );
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** The server's own check of signatures, and a token beside it. */
function isOurs(request: IncomingMessage, body: Buffer): boolean {
  if (request.headers.authorization === 'Bearer token') return true;
  const options = { accessKeys: [ACCESS_KEY], ownHosts: [] };
  const authenticator = new HmacAuthenticator(options, systemClock, SILENT_LOGGER);
  const { method = '', url = '', headers } = request;
  return authenticator.refusal({ method, rawUrl: url, headers, body }) === undefined;
}

type Ran = { readonly code: number; readonly out: string; readonly err: string };

async function run(...argv: readonly string[]): Promise<Ran> {
  return await runWith({ TAPEDECK_READY_FILE: join(directory, 'ready.json') }, argv);
}

async function runWith(env: Record<string, string>, argv: readonly string[]): Promise<Ran> {
  const written = { out: '', err: '' };
  const output = (key: 'out' | 'err') => ({
    write: (chunk: string | Uint8Array, done?: (error?: Error | null) => void): boolean => {
      written[key] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      done?.();
      return true;
    },
  });
  const code = await runVerb(argv, env, output('out'), output('err'));
  return { code, ...written };
}

describe('recordings', () => {
  test('are listed, one line a file, with what a person wants to know', async () => {
    const { code, out } = await run('recordings', 'list', '--limit', '5');
    expect(code).toBe(0);
    expect(asked[0]!.url).toBe('/admin/recordings?limit=5');
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(lines[0]!.slice(0, 3)).toEqual(['STARTED', 'STATE', 'ORIGIN']);
    expect(lines[1]).toEqual([
      RECORDING.startedAt,
      'done',
      'api',
      '1 m 02 s',
      '1.0 KiB',
      'CallEnded',
      '0-td-1-abc',
      'cmVj',
    ]);
    expect(lines[2]!.at(-1)).toBe('bm8=');
  });

  test('are listed as JSON for programs', async () => {
    const { out } = await run('recordings', 'list', '--json');
    expect(JSON.parse(out)).toMatchObject([{ recordingId: 'cmVj', chunks: [CHUNK] }, {}]);
  });

  test.each(['cmVj', '0-td-1-abc'])(
    'are downloaded by the id %s, from the server that was asked',
    async (id) => {
      const { code, out, err } = await run('recordings', 'download', id, '--output', directory);
      expect([code, err]).toEqual([0, '']);
      expect(out).toBe(`${join(directory, '0-td-1-abc.wav')}\n`);
      expect(readFileSync(join(directory, '0-td-1-abc.wav'))).toEqual(CONTENT);
      expect(asked.at(-1)!.url).toBe('/v1/objects/x/content/video?se=1&sig=s');
    },
  );

  test('go to standard output when asked', async () => {
    const { out } = await run('recordings', 'download', 'cmVj', '--output', '-');
    expect(out).toBe(CONTENT.toString());
  });

  test('that came damaged leave no file', async () => {
    content = Buffer.from(CONTENT);
    content[500] = 0;
    const before = readdirSync(directory);
    const { code, err } = await run('recordings', 'download', 'cmVj', '--output', directory);
    expect(code).toBe(1);
    expect(err).toMatch(/what came is not what was recorded\n$/);
    expect(readdirSync(directory)).toEqual(before);
  });

  test('without a file, or unknown ones, are told apart', async () => {
    expect((await run('recordings', 'download', 'bm8=')).err).toMatch(/has no file \(it is done\)/);
    expect((await run('recordings', 'download', 'zzz')).err).toMatch(/no recording or document/);
  });

  test('have metadata documents', async () => {
    content = Buffer.from('{}');
    const { code } = await run(
      'recordings',
      'download',
      'cmVj',
      '--metadata',
      '--output',
      directory,
    );
    expect(code).toBe(0);
    expect(asked.find(({ method }) => method === 'POST')!.body).toBe(
      '{"documentId":"0-td-1-abc","what":"metadata"}',
    );
    expect(readFileSync(join(directory, '0-td-1-abc.json'), 'utf8')).toBe('{}');
  });
});

describe('events', () => {
  test('are listed with the state of each delivery', async () => {
    const { out } = await run('events', 'list', '--before', '2027-01-01T00:00:00Z');
    expect(asked[0]!.url).toBe('/admin/events?before=2027-01-01T00%3A00%3A00Z');
    expect(out.split('\n')[1]!.split(/ {2,}/)).toEqual([
      EVENT.occurredAt,
      'e-1',
      'waiting',
      '1',
      EVENT.type,
      'archive',
    ]);
  });

  test('are shown with every attempt', async () => {
    const { out } = await run('events', 'show', 'e-1');
    expect(out).toContain('"recordingId": "cmVj"');
    expect(out).toContain('archive: waiting, next 2026-01-01T00:00:11.000Z');
    expect(out).toMatch(/1 +2026-01-01T00:00:01\.000Z +12 ms +503/);
  });

  test('are delivered again', async () => {
    expect((await run('events', 'redeliver', 'e-1')).out).toBe(
      'delivering again to 1 destination(s)\n',
    );
    expect(asked[0]).toMatchObject({ method: 'POST', url: '/admin/events/e-1/redeliver' });
  });
});

test('a simulated phone is made to call', async () => {
  const { out } = await run('sim', 'call', 'alice', '+15550102');
  expect(out).toBe('alice calls +15550102 (Call-ID call-id)\n');
  expect(asked[0]!.body).toBe('{"phone":"alice","to":"+15550102"}');
});

describe('the server', () => {
  test('is found by the options that it was started with, too', async () => {
    const { port } = new URL(origin);
    const argv = ['events', 'list', '--http-port', port, '--access-key', ACCESS_KEY];
    expect((await runWith({}, argv)).code).toBe(0);
    const env = { TAPEDECK_HTTP_PORT: port, TAPEDECK_ADMIN_TOKEN: 'token' };
    expect((await runWith(env, ['events', 'list'])).code).toBe(0);
  });

  test('says itself why it refuses', async () => {
    const { code, err } = await run('events', 'show', 'other');
    expect(code).toBe(1);
    expect(err).toBe('tapedeck: Nothing is here. (404, 8522)\n');
    const { port } = new URL(origin);
    const refused = await runWith({}, ['events', 'list', `--http-port=${port}`]);
    expect(refused.err).toBe('tapedeck: Not authenticated. (401, 8522)\n');
  });

  test('that is not there is named', async () => {
    const { code, err } = await runWith({}, ['events', 'list', '--http-port', '1']);
    expect(code).toBe(1);
    expect(err).toMatch(/^tapedeck: no server answers at http:\/\/127\.0\.0\.1:1; .+\n$/);
  });

  test.each([
    ['--ready-file', 'missing.json', /is not there: the server is not up/],
    ['--ready-file', 'text.json', /is no ready file/],
    ['--ready-file', 'other.json', /is no ready file/],
    ['--http-port', '0', /--http-port 0 does not say where/],
  ])('%s %s is one clear line', async (option, value, message) => {
    writeFileSync(join(directory, 'text.json'), 'not JSON');
    writeFileSync(join(directory, 'other.json'), '{"http":1}');
    const given = option === '--ready-file' ? join(directory, value) : value;
    const { code, err } = await runWith({}, ['events', 'list', option, given]);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(err.match(/\n/g)).toHaveLength(1);
  });
});

describe('sdk-env', () => {
  test('prints the connection string, the hosts line and the CA for each language', async () => {
    const { code, out } = await run('sdk-env');
    expect(code).toBe(0);
    expect(out).toContain(
      `export COMMUNICATION_CONNECTION_STRING='endpoint=https://127.0.0.1:8443/;accesskey=${ACCESS_KEY}'\n`,
    );
    expect(out).toContain('127.0.0.1 tapedeck.asm.skype.com\n');
    for (const variable of ['NODE_EXTRA_CA_CERTS', 'REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE']) {
      expect(out).toContain(`export ${variable}=/data/tls/ca.pem\n`);
    }
    expect(out).toContain('-Djavax.net.ssl.trustStore=/data/tls/ca.p12');
    expect(out).toContain(`export HTTPS_PROXY=${origin}\n`);
    expect(asked).toEqual([]);
  });

  test('is something that a shell can source', async () => {
    const { out } = await run('sdk-env');
    for (const line of out.split('\n')) expect(line).toMatch(/^($|#|export [A-Z_]+=\S+$)/);
  });

  test('prints the hosts line alone for a hosts file', async () => {
    expect((await run('sdk-env', '--hosts')).out).toBe('127.0.0.1 tapedeck.asm.skype.com\n');
    expect((await run('sdk-env', '--hosts', '--recording-host', 'off')).out).toBe('');
  });

  test('without a development CA says who has to be trusted', async () => {
    const argv = [
      'sdk-env',
      '--tls-cert',
      'a.pem',
      '--tls-key',
      'b.pem',
      '--recording-host',
      'off',
    ];
    const { out } = await runWith({}, argv);
    expect(out).not.toContain('NODE_EXTRA_CA_CERTS');
    expect(out).not.toContain('hosts file');
    expect(out).toContain('certificate of its own');
  });
});

describe('the command', () => {
  test('explains itself', async () => {
    for (const argv of [['help'], ['--help'], ['start', '--help'], []]) {
      const { code, out } = await runWith({}, argv);
      expect(code).toBe(0);
      expect(out).toContain('recordings download <id>');
      expect(out).toContain('--min-free-bytes <size>');
    }
  });

  test('says its version', async () => {
    expect((await runWith({}, ['version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each([
    [['dance'], /there is no verb "dance"/],
    [['recordings', 'burn'], /there is no verb "recordings burn"/],
    [['toString'], /there is no verb "toString"/],
    [['recordings', 'download'], /the id of the recording or document is missing/],
    [['sim', 'call', 'alice'], /the number, user or SIP URI to call is missing/],
    [['events', 'show', 'a', 'b'], /"b" is one word too many/],
    [['events', 'list', '--limit'], /--limit: the value is missing/],
    [['events', 'list', '--json=x'], /--json: takes no value/],
    [['events', 'list', '--colour', 'red'], /--colour: unknown option/],
    [['journal', 'dump', 'a', '--http-port', '1'], /journal dump takes no options/],
  ])('%j is refused as a wrong use', async (argv, message) => {
    const { code, err } = await runWith({}, argv);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });

  test('dumps what is no journal in one line', async () => {
    const { code, err } = await runWith({}, ['journal', 'dump', join(directory, 'none')]);
    expect(code).toBe(1);
    expect(err).toMatch(/^tapedeck: .+\n$/);
  });
});
