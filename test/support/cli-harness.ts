import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEVELOPMENT_APPLICATION } from '../../src/config/application-entry.ts';
import { shownCredentials } from '../../src/config/client-credentials.ts';
import { afterEach, beforeEach } from 'vitest';
import { SILENT_LOGGER } from '../../src/core/ports/log.ts';
import { HmacAuthenticator } from '../../src/identity/hmac-authenticator.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { runVerb } from '../../src/cli/run.ts';

export const ACCESS_KEY = 'c2VjcmV0IGtleQ==';

export type Asked = { readonly method: string; readonly url: string; readonly body: string };
export type Ran = { readonly code: number; readonly out: string; readonly err: string };

/** The command beside a server that answers what a test lays down; as new before each test. */
export class CliHarness {
  /** JSON of 200 answers by `METHOD /path`; a `null` is a 204, what is not here a 404. */
  answers: Record<string, unknown> = {};
  /** What documents hold. */
  content: Uint8Array = new Uint8Array(0);
  asked: Asked[] = [];
  directory = '';
  origin = '';
  #server: Server | undefined;

  constructor() {
    beforeEach(async () => {
      this.directory = mkdtempSync(join(tmpdir(), 'tapedeck-cli-'));
      this.answers = {};
      this.asked = [];
      await this.#listen();
      writeFileSync(
        this.readyFile,
        JSON.stringify({
          http: this.origin,
          https: 'https://127.0.0.1:8443',
          connectionString: `endpoint=https://127.0.0.1:8443/;accesskey=${ACCESS_KEY}`,
          caFile: '/data/tls/ca.pem',
          application: shownCredentials([DEVELOPMENT_APPLICATION]),
        }),
      );
    });
    afterEach(() => {
      this.#server?.closeAllConnections();
      this.#server?.close();
      rmSync(this.directory, { recursive: true, force: true });
    });
  }

  get readyFile(): string {
    return join(this.directory, 'ready.json');
  }

  run(...argv: readonly string[]): Promise<Ran> {
    return this.runWith({ TAPEDECK_READY_FILE: this.readyFile }, argv);
  }

  /** @param terminal whether standard error is one. */
  async runWith(
    env: Readonly<Record<string, string>>,
    argv: readonly string[],
    terminal = false,
  ): Promise<Ran> {
    const written = { out: '', err: '' };
    const output = (key: 'out' | 'err', isTTY: boolean) => ({
      isTTY,
      write: (chunk: string | Uint8Array, done?: (error?: Error | null) => void): boolean => {
        written[key] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
        done?.();
        return true;
      },
    });
    const code = await runVerb(argv, env, output('out', false), output('err', terminal));
    return { code, ...written };
  }

  async #listen(): Promise<void> {
    const server = createServer((request, response) => {
      void readBody(request).then((body) => {
        const { method = '', url = '' } = request;
        this.asked.push({ method, url, body: body.toString() });
        if (url.startsWith('/v1/objects/')) {
          response.end(this.content);
          return;
        }
        const answer = this.answers[`${method} ${url.replace(/\?.*/, '')}`];
        const refusal = isOurs(request, body) ? undefined : 'Not authenticated.';
        response.statusCode = refusal !== undefined ? 401 : answer === undefined ? 404 : 200;
        if (answer === null) response.statusCode = 204;
        const error = { error: { code: '8522', message: refusal ?? 'Nothing is here.' } };
        response.end(JSON.stringify(response.statusCode === 200 ? answer : error));
      });
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
}

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

/** Hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
