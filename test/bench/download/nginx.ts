import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../support/free-port.ts';

const START_MS = 5_000;

/** Debian's settings, but for the log of each request, which the server under test has not either. */
function configuration(directory: string, port: number, files: NginxFiles): string {
  return `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes auto;
pid ${directory}/nginx.pid;
error_log stderr warn;
events { worker_connections 768; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  default_type application/octet-stream;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${files.certFile};
    ssl_certificate_key ${files.keyFile};
    ssl_protocols TLSv1.2 TLSv1.3;
    keepalive_requests 100000;
    root ${files.root};
  }
}
`;
}

export type NginxFiles = {
  readonly root: string;
  readonly certFile: string;
  readonly keyFile: string;
};

/** nginx with a configuration of its own, in the foreground: a child of this process, no service. */
export class Nginx {
  readonly url: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(child: ChildProcess, port: number, directory: string) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.url = `https://127.0.0.1:${port}`;
    this.#directory = directory;
  }

  /** Rejects if there is no nginx on the path, or it does not come up. */
  static async start(files: NginxFiles): Promise<Nginx> {
    const directory = await mkdtemp(join(tmpdir(), 'tapedeck-nginx-'));
    await mkdir(join(directory, 'logs'));
    const port = await freePort();
    const path = join(directory, 'nginx.conf');
    await writeFile(path, configuration(directory, port, files));
    const child = spawn('nginx', ['-p', directory, '-c', path], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const failed = Promise.race([
      once(child, 'exit').then(() => {
        throw new Error('nginx ended at once; what it says is above');
      }),
      once(child, 'error').then(([error]) => {
        throw error as Error;
      }),
    ]);
    try {
      await Promise.race([listening(port), failed]);
    } catch (error) {
      child.kill();
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
    failed.catch(() => undefined);
    return new Nginx(child, port, directory);
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.kill('SIGTERM')) await exited;
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function listening(port: number): Promise<void> {
  const untilMs = performance.now() + START_MS;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (performance.now() > untilMs) throw error;
      await delay(20);
    } finally {
      socket.destroy();
    }
  }
}
