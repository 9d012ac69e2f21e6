import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { get, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  ACCESS_KEY,
  DOCUMENT_ID,
  type FakeApi,
  makeFakeApi,
} from '../../test/support/fake-api-services.ts';
import { ensureDevelopmentTls } from '../net/development-ca.ts';
import { systemClock } from '../telemetry/system-clock.ts';
import { systemRandom } from '../telemetry/system-random.ts';
import { createHttpServers, type HttpServers } from './http-servers.ts';

const RECORDING_HOST = 'tapedeck.asm.skype.com';

let directory: string;
let certificate: { cert: string; key: string; ca: string };
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-servers-'));
  const tls = await ensureDevelopmentTls(directory, [RECORDING_HOST], systemClock, systemRandom);
  const read = (path: string): Promise<string> => readFile(path, 'utf8');
  certificate = {
    cert: await read(tls.certFile),
    key: await read(tls.keyFile),
    ca: await read(tls.caFile),
  };
});
afterAll(() => rm(directory, { recursive: true }));

let fake: FakeApi;
let state: { started: boolean; problem: string | undefined };
let servers: HttpServers;
const open = (plainPort = 0): Promise<HttpServers> =>
  createHttpServers(
    {
      plain: { host: '127.0.0.1', port: plainPort },
      tls: { host: '127.0.0.1', port: 0, ...certificate },
      management: { host: '127.0.0.1', port: 0 },
      ownNames: ['localhost', RECORDING_HOST],
    },
    fake.services,
    {
      isStarted: () => state.started,
      notReady: () => state.problem,
      metrics: () => Promise.resolve({ contentType: 'text/plain', text: 'up 1\n' }),
    },
  );
beforeEach(async () => {
  fake = await makeFakeApi(['localhost']);
  state = { started: true, problem: undefined };
  servers = await open();
});
afterEach(() => servers.close(0));

/** A signed link: the shortest way to content without an SDK. */
const contentPath = (): string =>
  fake.services.links.sign(`/v1/objects/${DOCUMENT_ID}/content/video`, 60);

async function answerOf(port: number, path: string): Promise<IncomingMessage> {
  const [response] = (await once(get({ port, path, agent: false }), 'response')) as [
    IncomingMessage,
  ];
  return response;
}

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString('latin1');
}

describe('management', () => {
  const status = async (path: string): Promise<number | undefined> => {
    const response = await answerOf(servers.managementPort, path);
    response.resume();
    return response.statusCode;
  };

  test('live always, started after the start, ready while calls are taken', async () => {
    const all = ['/health/live', '/health/started', '/health/ready'];
    const statuses = (): Promise<(number | undefined)[]> => Promise.all(all.map(status));
    state.started = false;
    expect(await statuses()).toEqual([200, 503, 503]);
    state.started = true;
    expect(await statuses()).toEqual([200, 200, 200]);
    state.problem = 'draining';
    expect(await statuses()).toEqual([200, 200, 503]);
  });

  test('the metrics are there, the API is not', async () => {
    expect(await textOf(await answerOf(servers.managementPort, '/metrics'))).toBe('up 1\n');
    expect(await status('/admin/calls')).toBe(404);
    const outside = await answerOf(servers.plainPort, '/metrics');
    outside.resume();
    expect(outside.statusCode).toBe(404);
  });
});

describe('the CONNECT proxy', () => {
  async function tunnel(authority: string): Promise<{ status: string; socket: Socket }> {
    const socket = connect(servers.plainPort, '127.0.0.1');
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    const [head] = (await once(socket, 'data')) as [Buffer];
    return { status: head.toString().split(' ')[1] ?? '', socket };
  }

  test('leads to our own TLS server under our own names, whatever the port', async () => {
    for (const authority of [`${RECORDING_HOST}:443`, `LOCALHOST:${servers.tlsPort}`]) {
      const { status, socket } = await tunnel(authority);
      expect(status).toBe('200');
      const secure = connectTls({ socket, servername: RECORDING_HOST, ca: certificate.ca });
      await once(secure, 'secureConnect');
      secure.write(`GET ${contentPath()} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      let text = '';
      for await (const part of secure as AsyncIterable<Buffer>) text += part.toString('latin1');
      expect(text).toMatch(/^HTTP\/1\.1 200 OK[^]*RIFF0123456789$/);
      expect(fake.asked.at(-1)).toEqual({ name: 'open', command: 'signed-link 127.0.0.1' });
    }
  });

  test.each([
    'example.test:443',
    '127.0.0.2:80',
    'localhost.example.test:443',
    'x',
    ':',
    '[::2]:1',
  ])('refuses %s', async (authority) => {
    const { status, socket } = await tunnel(authority);
    socket.destroy();
    expect(status).toMatch(/^40[03]$/);
  });

  test('a tunnel that says nothing is gone with the server', async () => {
    const { socket } = await tunnel(`${RECORDING_HOST}:443`);
    const gone = once(socket, 'close');
    await servers.close(0);
    await gone;
  });
});

test('a request in absolute form, as clients of proxies send it, is answered', async () => {
  const response = await answerOf(servers.plainPort, `http://localhost${contentPath()}`);
  expect(await textOf(response)).toBe('RIFF0123456789');
});

describe('paths that no client would write', () => {
  const ODD = [
    '.',
    '..',
    '../..',
    '%2e%2e',
    '%2e%2e%2f%2e%2e%2fetc',
    '%',
    '%zz',
    '%c3%28',
    '//',
    '%00',
  ];

  test.each(ODD)('%s is refused as cleanly as any other, signed or not', async (odd) => {
    const paths = [
      `/calling/recordings/${odd}?api-version=1`,
      `/calling/recordings/${odd}:pause?api-version=1`,
      `/calling/callConnections/${odd}/participants/${odd}?api-version=1`,
      `/v1/objects/${odd}/content/video`,
      `/v1/objects/${odd}`,
      `/admin/recordings/${odd}/renderings`,
      `/admin/documents/${odd}/peaks`,
    ];
    for (const path of paths) {
      for (const [method, signed] of [
        ['GET', true],
        ['POST', true],
        ['DELETE', true],
        ['GET', false],
      ] as const) {
        const options = { port: servers.plainPort, path, method, agent: false };
        const headers = signed ? signature(method, path, servers.plainPort) : {};
        const asked = request({ ...options, headers }).end();
        const [response] = (await once(asked, 'response')) as [IncomingMessage];
        const body = JSON.parse(await textOf(response)) as { error: { code: string } };
        expect([400, 401, 404], `${method} ${path}`).toContain(response.statusCode);
        expect(body.error.code).toMatch(/^(8522|8523|7509)$/);
      }
    }
    expect(fake.asked).toEqual([]);
  });
});

/** As the SDKs sign, of an empty body. */
function signature(method: string, path: string, port: number): Record<string, string> {
  const date = new Date().toUTCString();
  const hash = createHash('sha256').update('').digest('base64');
  const signed = createHmac('sha256', Buffer.from(ACCESS_KEY, 'base64'))
    .update(`${method}\n${path}\n${date};localhost:${port};${hash}`)
    .digest('base64');
  return {
    host: `localhost:${port}`,
    'x-ms-date': date,
    'x-ms-content-sha256': hash,
    authorization: `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signed}`,
  };
}

describe('running answers', () => {
  test('one that runs at the close is finished, and new connections are refused', async () => {
    let finish: () => void = () => undefined;
    const isFinished = new Promise<void>((resolve) => (finish = resolve));
    vi.spyOn(fake.services.calls.content, 'open').mockResolvedValue({
      sizeBytes: 4,
      mediaType: 'audio/wav',
      async *range() {
        yield Buffer.from('ab');
        await isFinished;
        yield Buffer.from('cd');
      },
      close: () => Promise.resolve(),
    });
    const response = await answerOf(servers.plainPort, contentPath());
    const closing = servers.close(60_000);
    const refused = request({ port: servers.plainPort });
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    finish();
    expect(await textOf(response)).toBe('abcd');
    await closing;
  });

  /** A file that has always more to give, and tells how much it gave. */
  function longFile(): { given: number; closed: number } {
    const file = { given: 0, closed: 0 };
    const block = Buffer.alloc(65_536);
    vi.spyOn(fake.services.calls.content, 'open').mockResolvedValue({
      sizeBytes: block.length * 10_000,
      mediaType: 'audio/wav',
      async *range() {
        for (; file.given < 10_000; file.given += 1) {
          await Promise.resolve();
          yield block;
        }
      },
      close: () => {
        file.closed += 1;
        return Promise.resolve();
      },
    });
    return file;
  }

  test('what runs beyond the deadline is cut, and its file closed', async () => {
    const file = longFile();
    const response = await answerOf(servers.plainPort, contentPath());
    await servers.close(10);
    await expect(textOf(response)).rejects.toThrow();
    await vi.waitFor(() => {
      expect(file.closed).toBe(1);
    });
  });

  test('a reader that goes away frees the file', async () => {
    const file = longFile();
    const response = await answerOf(servers.plainPort, contentPath());
    response.destroy();
    await vi.waitFor(() => {
      expect(file.closed).toBe(1);
    });
  });

  test('a reader that stops reading stops the reading of the file', async () => {
    const file = longFile();
    const response = await answerOf(servers.plainPort, contentPath());
    response.pause();
    let before = -1;
    await vi.waitFor(
      () => {
        const isStill = file.given === before;
        before = file.given;
        expect(isStill).toBe(true);
      },
      { interval: 100 },
    );
    expect(file.given).toBeLessThan(1_000);
    response.destroy();
  });

  test('closing twice is closing once', async () => {
    await Promise.all([servers.close(0), servers.close(0)]);
    await servers.close(0);
  });
});

test('a port in use is one clear line, and nothing stays open', async () => {
  await expect(open(servers.plainPort)).rejects.toMatchObject({
    code: 'port-in-use',
    message: `--http-port: 127.0.0.1:${servers.plainPort} is in use.`,
  });
});
