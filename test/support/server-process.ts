import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { ReadyInformation } from '../../src/running-server.ts';

const COMMAND = fileURLToPath(new URL('../../bin/tapedeck.mjs', import.meta.url));
/** Far more than it needs, unless many share the machine. */
const START_MS = 90_000;

export type ServerOptions = {
  /** Flags beside those that keep servers of different tests apart. */
  readonly flags?: readonly string[];
  /** Keys of `tapedeck.yaml`. */
  readonly file?: Readonly<Record<string, unknown>>;
  /** Kept when the server goes; made and removed with it by default. */
  readonly dataDirectory?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Module that runs instead of the command and takes its arguments. */
  readonly command?: string;
  /** Free ones by default. A server that is started again takes those that it had. */
  readonly ports?: ServerPorts;
};

export type ServerPorts = {
  readonly http: number;
  readonly https: number;
  readonly sip: number;
  /** Of SIP over TLS; a free one if it does not matter. */
  readonly sips?: number;
  readonly management: number;
};

const FREE_PORTS: ServerPorts = { http: 0, https: 0, sip: 0, management: 0 };

/** A server as users run it: the command in a process of its own, on free ports. */
export class ServerProcess {
  readonly ready: ReadyInformation;
  readonly dataDirectory: string;
  /** By which commands find it. */
  readonly readyFile: string;
  readonly #child: ChildProcess;
  readonly #output: string[];
  readonly #remove: () => Promise<void>;

  private constructor(
    child: ChildProcess,
    ready: ReadyInformation,
    output: string[],
    paths: { readonly dataDirectory: string; readonly readyFile: string },
    remove: () => Promise<void>,
  ) {
    this.#child = child;
    this.ready = ready;
    this.#output = output;
    this.dataDirectory = paths.dataDirectory;
    this.readyFile = paths.readyFile;
    this.#remove = remove;
  }

  static async start(options: ServerOptions = {}): Promise<ServerProcess> {
    const scratch = await mkdtemp(join(tmpdir(), 'tapedeck-test-'));
    const dataDirectory = options.dataDirectory ?? join(scratch, 'data');
    const readyFile = join(scratch, 'ready.json');
    const configuration = join(scratch, 'tapedeck.yaml');
    await writeFile(configuration, stringify(options.file ?? {}));
    const output: string[] = [];
    const child = spawn(
      process.execPath,
      [
        options.command ?? COMMAND,
        'start',
        ...['--config', configuration],
        ...['--data-dir', dataDirectory],
        ...['--ready-file', readyFile],
        ...portFlags(options.ports ?? FREE_PORTS),
        ...['--drain-seconds', '1', '--min-free-bytes', '1MiB'],
        ...(options.flags ?? []),
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...options.env },
        cwd: scratch,
      },
    );
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
    }
    const ready = await readyOf(child, readyFile, output);
    return new ServerProcess(child, ready, output, { dataDirectory, readyFile }, () =>
      rm(scratch, { recursive: true, force: true }),
    );
  }

  /** Everything it has printed, log included. */
  get output(): string {
    return this.#output.join('');
  }

  get pid(): number {
    return this.ready.pid;
  }

  /** Where it listens, to be given to the next start. */
  get ports(): ServerPorts {
    const { http, https, sip, sips, management } = this.ready;
    return {
      http: Number(new URL(http).port),
      https: Number(new URL(https).port),
      sip: Number(/:(\d+)$/.exec(sip)?.[1]),
      sips: Number(/:(\d+)$/.exec(sips ?? '')?.[1] ?? 0),
      management: Number(new URL(management).port),
    };
  }

  /** Environment in which an unmodified SDK reaches this server, recording host included. */
  get clientEnvironment(): Readonly<Record<string, string>> {
    return {
      NODE_EXTRA_CA_CERTS: this.ready.caFile ?? '',
      HTTPS_PROXY: this.ready.http,
      NO_PROXY: '',
    };
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with the exit code when it is gone, however it went. */
  async ended(): Promise<number | null> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) await once(this.#child, 'exit');
    await this.#remove();
    return this.#child.exitCode;
  }

  /** SIGTERM; resolves with the exit code when it has drained and gone. */
  async stop(): Promise<number | null> {
    const code = await this.#end('SIGTERM');
    await this.#remove();
    return code;
  }

  /** kill -9. The data directory stays if it was given. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
    await this.#remove();
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
      return this.#child.exitCode;
    }
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
    return this.#child.exitCode;
  }
}

function portFlags(ports: ServerPorts): readonly string[] {
  const { sips = 0, ...others } = ports;
  const flags = Object.entries(others).flatMap(([name, port]) => [`--${name}-port`, String(port)]);
  return [...flags, '--sip-tls-port', String(sips)];
}

async function readyOf(
  child: ChildProcess,
  readyFile: string,
  output: readonly string[],
): Promise<ReadyInformation> {
  const until = performance.now() + START_MS;
  while (performance.now() < until) {
    if (child.exitCode !== null) break;
    try {
      return JSON.parse(await readFile(readyFile, 'utf8')) as ReadyInformation;
    } catch {
      await delay(20);
    }
  }
  child.kill('SIGKILL');
  throw new Error(`the server did not come up:\n${output.join('')}`);
}
