import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  BlobServiceClient,
  ContainerSASPermissions,
  type ContainerClient,
} from '@azure/storage-blob';
import { freePort } from '../support/free-port.ts';

const COMMAND = fileURLToPath(
  new URL('../azurite/node_modules/.bin/azurite-blob', import.meta.url),
);
const START_MS = 30_000;
const HOUR_MS = 3_600_000;
/** The account and the key that every blob emulator has; they are published. */
const ACCOUNT = 'devstoreaccount1';
const KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** A blob server on loopback, as a lane's own storage account. */
export class Azurite {
  readonly #child: ChildProcess;
  readonly #service: BlobServiceClient;

  private constructor(child: ChildProcess, service: BlobServiceClient) {
    this.#child = child;
    this.#service = service;
  }

  static async start(directory: string): Promise<Azurite> {
    await mkdir(directory, { recursive: true });
    const port = await freePort();
    const child = spawn(
      COMMAND,
      ['--silent', '--skipApiVersionCheck', '--location', directory, '--blobPort', String(port)],
      { stdio: 'ignore' },
    );
    const endpoint = `http://127.0.0.1:${port}/${ACCOUNT}`;
    const service = BlobServiceClient.fromConnectionString(
      `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${KEY};BlobEndpoint=${endpoint};`,
    );
    const until = performance.now() + START_MS;
    for (;;) {
      try {
        await fetch(endpoint);
        return new Azurite(child, service);
      } catch (error) {
        if (performance.now() > until || child.exitCode !== null) throw error;
        await delay(50);
      }
    }
  }

  /** A new container, and its URL with a signature good for an hour. */
  async makeContainer(): Promise<{ readonly container: ContainerClient; readonly url: string }> {
    const container = this.#service.getContainerClient(`lane-${randomUUID()}`);
    await container.create();
    const url = await container.generateSasUrl({
      permissions: ContainerSASPermissions.parse('racwl'),
      expiresOn: new Date(Date.now() + HOUR_MS),
    });
    return { container, url };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}
