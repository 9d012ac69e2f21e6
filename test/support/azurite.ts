import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  BlobSASPermissions,
  BlobServiceClient,
  ContainerSASPermissions,
  generateAccountSASQueryParameters,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
  type ContainerClient,
} from '@azure/storage-blob';

const MAIN = join(import.meta.dirname, '../azurite/node_modules/azurite/dist/src/blob/main.js');
const HOST = '127.0.0.1';
const START_MS = 30_000;

/** The account that every Azurite has, with its published key. */
export const AZURITE_ACCOUNT = 'devstoreaccount1';
export const AZURITE_KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

export type SasOptions = {
  /** Letters of the service: `r` read, `c` create, `w` write. Default `rcw`. */
  readonly permissions?: string;
  /** Default an hour from now. */
  readonly expiresOn?: Date;
};

/** A real Azurite in a process of its own, on a free port, with its files in a directory that goes with it. */
export class Azurite {
  /** What containers' URLs begin with, without a slash at the end. */
  readonly endpoint: string;
  /** The official client, with its own sockets and the account's key. */
  readonly service: BlobServiceClient;
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #credential = new StorageSharedKeyCredential(AZURITE_ACCOUNT, AZURITE_KEY);
  #containers = 0;

  private constructor(child: ChildProcess, port: number, directory: string) {
    this.#child = child;
    this.#directory = directory;
    this.endpoint = `http://${HOST}:${port}/${AZURITE_ACCOUNT}`;
    this.service = new BlobServiceClient(this.endpoint, this.#credential, {
      retryOptions: { maxTries: 1 },
    });
  }

  static async start(): Promise<Azurite> {
    const directory = await mkdtemp(join(tmpdir(), 'tapedeck-azurite-'));
    const child = spawn(
      process.execPath,
      [
        MAIN,
        ...['--blobHost', HOST, '--blobPort', '0', '--location', directory],
        ...['--skipApiVersionCheck', '--disableTelemetry', '--disableProductStyleUrl'],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    return new Azurite(child, await portOf(child), directory);
  }

  /** A new container, with the official client for it. */
  async createContainer(): Promise<ContainerClient> {
    this.#containers += 1;
    const container = this.service.getContainerClient(`recordings-${this.#containers}`);
    await container.create();
    return container;
  }

  /** The container's URL with a shared access signature. */
  sasUrl(containerName: string, options: SasOptions = {}): string {
    return `${this.endpoint}/${containerName}?${this.sas(containerName, options)}`;
  }

  /** A shared access signature for a container, or for one blob of it. */
  sas(containerName: string, options: SasOptions & { readonly blobName?: string } = {}): string {
    const permissions = options.permissions ?? 'rcw';
    const expiresOn = options.expiresOn ?? new Date(Date.now() + 3_600_000);
    const { blobName } = options;
    return generateBlobSASQueryParameters(
      {
        containerName,
        ...(blobName === undefined ? {} : { blobName }),
        permissions:
          blobName === undefined
            ? ContainerSASPermissions.parse(permissions)
            : BlobSASPermissions.parse(permissions),
        startsOn: new Date(0),
        expiresOn,
      },
      this.#credential,
    ).toString();
  }

  /** A signature whose permissions are those of the container's stored policy `policyId`, now and later. */
  policySasUrl(containerName: string, policyId: string): string {
    const sas = generateBlobSASQueryParameters(
      { containerName, identifier: policyId },
      this.#credential,
    ).toString();
    return `${this.endpoint}/${containerName}?${sas}`;
  }

  /** A shared access signature for all of the account's blobs. */
  accountSas(): string {
    return generateAccountSASQueryParameters(
      {
        permissions: AccountSASPermissions.parse('rcw'),
        resourceTypes: AccountSASResourceTypes.parse('o').toString(),
        services: AccountSASServices.parse('b').toString(),
        startsOn: new Date(0),
        expiresOn: new Date(Date.now() + 3_600_000),
      },
      this.#credential,
    ).toString();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'exit');
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Names of the blobs that can be read. */
export async function visibleBlobs(container: ContainerClient): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name } of container.listBlobsFlat()) names.push(name);
  return names.sort();
}

/** How many blocks are staged in the container, also for blobs that are not there yet. */
export async function stagedBlocks(container: ContainerClient): Promise<number> {
  let blocks = 0;
  for await (const { name } of container.listBlobsFlat({ includeUncommitedBlobs: true })) {
    const { uncommittedBlocks } = await container
      .getBlockBlobClient(name)
      .getBlockList('uncommitted');
    blocks += uncommittedBlocks?.length ?? 0;
  }
  return blocks;
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (why: string): void => {
      child.kill('SIGKILL');
      reject(
        new Error(`Azurite ${why} (npm ci --ignore-scripts --prefix test/azurite): ${output}`),
      );
    };
    const timer = setTimeout(() => fail('did not start'), START_MS);
    const listen = (text: string): void => {
      output += text;
      const port = /successfully listens on http:\/\/[^:]+:(\d+)/.exec(output)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    };
    child.stdout?.setEncoding('utf8').on('data', listen);
    child.stderr?.setEncoding('utf8').on('data', listen);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`ended with ${code ?? 'a signal'}`));
  });
}
