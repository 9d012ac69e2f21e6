import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BlobStore, BlobWriter } from '../../src/core/ports/blob-store.ts';
import type { LiveExport } from '../../src/core/ports/export.ts';
import { nodeDisk } from '../../src/journal/node-disk.ts';
import { AddressPolicy } from '../../src/net/address-policy.ts';
import { AzureContainers } from '../../src/storage/azure/azure-containers.ts';
import { AzureLiveExports } from '../../src/storage/azure/azure-live-exports.ts';
import { ContainerAccesses } from '../../src/storage/azure/container-access.ts';
import type { StorageAccount } from '../../src/storage/azure/storage-account.ts';
import { FileBlobStore } from '../../src/storage/file-blob-store.ts';
import { Azurite, AZURITE_ACCOUNT, AZURITE_KEY } from '../support/azurite.ts';
import { freePort } from '../support/free-port.ts';
import { KeptLog } from '../support/kept-log.ts';
import { azureTools } from './azure-tools.ts';

const BLOCK_BYTES = 256 * 1024;
const HEADER_BYTES = 44;
const FOLDER = '20260402/3f2a-4c/0199a1b2-5d';
const BLOB = `${FOLDER}/0-audiowav.one.wav`;

let azurite: Azurite;
let container: ContainerClient;
let root: string;
let blobs: BlobStore;
let log: KeptLog;

beforeAll(async () => {
  azurite = await Azurite.start();
});
afterAll(() => azurite.stop());
beforeEach(async () => {
  container = await azurite.createContainer();
  root = await mkdtemp(join(tmpdir(), 'tapedeck-export-'));
  blobs = await FileBlobStore.open(nodeDisk, root);
  log = new KeptLog();
});
afterEach(() => rm(root, { recursive: true }));

function accesses(accounts: readonly StorageAccount[] = []): ContainerAccesses {
  return new ContainerAccesses(accounts, new AddressPolicy(['loopback']));
}

/** A local file that grows, and its copy. */
class Growing {
  readonly #writer: BlobWriter;
  readonly #export: LiveExport;
  readonly #parts: Uint8Array[] = [];
  #sizeBytes = HEADER_BYTES;

  constructor(writer: BlobWriter, begun: LiveExport) {
    this.#writer = writer;
    this.#export = begun;
  }

  static async begin(
    containerUrl: string,
    accounts: readonly StorageAccount[] = [],
  ): Promise<Growing> {
    const exports = new AzureLiveExports(accesses(accounts), { ...azureTools(), blobs, log });
    const writer = await blobs.open('recordings/one.wav', HEADER_BYTES);
    const begun = exports.begin({
      target: { containerUrl, folder: FOLDER },
      fileName: '0-audiowav.one.wav',
      mediaType: 'audio/wav',
      blobKey: 'recordings/one.wav',
      headerBytes: HEADER_BYTES,
    });
    return new Growing(writer, begun);
  }

  async grow(bytes: number): Promise<void> {
    const part = randomBytes(bytes);
    this.#parts.push(part);
    await this.#writer.append(part);
    this.#sizeBytes += bytes;
    this.#export.grown(this.#sizeBytes);
  }

  /** Whether the container has the file, and what it has to be. */
  async finish(): Promise<{ readonly isExported: boolean; readonly content: Buffer }> {
    const header = randomBytes(HEADER_BYTES);
    await this.#writer.writeHeader(header);
    await this.#writer.commit();
    const isExported = await this.#export.finish();
    return { isExported, content: Buffer.concat([header, ...this.#parts]) };
  }

  async drop(): Promise<void> {
    await this.#writer.abort();
    await this.#export.abort();
  }
}

async function stagedBlocks(blob: BlockBlobClient): Promise<number> {
  try {
    return (await blob.getBlockList('uncommitted')).uncommittedBlocks?.length ?? 0;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return 0;
    throw error;
  }
}

describe('a copy that follows its file', () => {
  test('has staged blocks while the file grows, and nothing visible', async () => {
    const file = await Growing.begin(azurite.sasUrl(container.containerName));
    await file.grow(2 * BLOCK_BYTES + 1000);
    const blob = container.getBlockBlobClient(BLOB);
    await expect.poll(() => stagedBlocks(blob)).toBe(2);
    expect(await blob.exists()).toBe(false);
    await file.grow(BLOCK_BYTES);
    await expect.poll(() => stagedBlocks(blob)).toBe(3);
    await file.drop();
    expect(await blob.exists()).toBe(false);
  });

  test('is the file byte for byte, with the header block first, and of its media type', async () => {
    const file = await Growing.begin(azurite.sasUrl(container.containerName));
    for (const bytes of [10, BLOCK_BYTES, 3 * BLOCK_BYTES + 7, 1]) await file.grow(bytes);
    const { isExported, content } = await file.finish();
    expect(isExported).toBe(true);
    const blob = container.getBlockBlobClient(BLOB);
    expect((await blob.downloadToBuffer()).equals(content)).toBe(true);
    expect((await blob.getProperties()).contentType).toBe('audio/wav');
    const blocks = (await blob.getBlockList('committed')).committedBlocks ?? [];
    expect(blocks.map(({ size }) => size)).toEqual([
      HEADER_BYTES,
      ...[BLOCK_BYTES, BLOCK_BYTES, BLOCK_BYTES, BLOCK_BYTES],
      18,
    ]);
  });

  test('of a file that is smaller than a block is made at the end', async () => {
    const file = await Growing.begin(azurite.sasUrl(container.containerName));
    await file.grow(5);
    const { isExported, content } = await file.finish();
    expect(isExported).toBe(true);
    const copy = await container.getBlockBlobClient(BLOB).downloadToBuffer();
    expect(copy.equals(content)).toBe(true);
  });

  test('replaces what an earlier attempt left', async () => {
    const url = azurite.sasUrl(container.containerName);
    const left = await Growing.begin(url);
    await left.grow(3 * BLOCK_BYTES);
    await expect.poll(() => stagedBlocks(container.getBlockBlobClient(BLOB))).toBe(3);
    await left.drop();
    const file = await Growing.begin(url);
    await file.grow(BLOCK_BYTES + 9);
    const { isExported, content } = await file.finish();
    expect(isExported).toBe(true);
    const copy = await container.getBlockBlobClient(BLOB).downloadToBuffer();
    expect(copy.equals(content)).toBe(true);
  });

  test("goes with a configured account's key, and its SAS", async () => {
    const { endpoint } = azurite;
    const sas = azurite.accountSas();
    for (const credential of [{ key: AZURITE_KEY }, { sas }]) {
      const account = { account: AZURITE_ACCOUNT, endpoint, ...credential };
      const file = await Growing.begin(container.url, [account]);
      await file.grow(BLOCK_BYTES + 5);
      const { isExported, content } = await file.finish();
      expect(isExported).toBe(true);
      const copy = await container.getBlockBlobClient(BLOB).downloadToBuffer();
      expect(copy.equals(content)).toBe(true);
    }
  });
});

describe('a container that cannot be written', () => {
  const secretsOf = (url: string): string[] =>
    [new URL(url).searchParams.get('sig') ?? '', new URL(url).search.slice(1)].filter(Boolean);

  async function expectNoExport(
    url: string,
    reason: RegExp,
    accounts: readonly StorageAccount[] = [],
  ): Promise<void> {
    const file = await Growing.begin(url, accounts);
    await file.grow(2 * BLOCK_BYTES);
    await file.grow(BLOCK_BYTES);
    expect((await file.finish()).isExported).toBe(false);
    expect(log.text).toMatch(reason);
    const containers = new AzureContainers(accesses(accounts), { ...azureTools(), blobs });
    const error: unknown = await containers
      .put(url, `${FOLDER}/metadata.json`, Buffer.from('{}'), 'application/json')
      .catch((cause: unknown) => cause);
    expect(error).toMatchObject({ fault: 'destination' });
    await expect(
      containers.copy(url, BLOB, 'recordings/one.wav', 'audio/wav'),
    ).rejects.toMatchObject({ fault: 'destination' });
    const told = `${log.text}\n${inspect(error, { depth: 20, showHidden: true })}`;
    const keys = accounts.flatMap(({ key }) => key ?? []);
    for (const secret of [...secretsOf(url), ...keys]) {
      expect(told).not.toContain(secret);
      expect(told).not.toContain(decodeURIComponent(secret));
    }
  }

  test('a SAS that may only read', async () => {
    const url = azurite.sasUrl(container.containerName, { permissions: 'r' });
    await expectNoExport(url, /refused: 403 AuthorizationPermissionMismatch/);
  });

  test('a SAS that may not read, so that nothing can be compared', async () => {
    const url = azurite.sasUrl(container.containerName, { permissions: 'cw' });
    await expectNoExport(url, /refused: 403 AuthorizationPermissionMismatch/);
  });

  test('a SAS that has expired', async () => {
    const url = azurite.sasUrl(container.containerName, { expiresOn: new Date(1000) });
    await expectNoExport(url, /refused: 403 \w+/);
  });

  test('a SAS that was altered', async () => {
    const url = azurite.sasUrl(container.containerName).replace(/sig=..../, 'sig=AAAA');
    await expectNoExport(url, /refused: 403 AuthorizationFailure/);
  });

  test('a configured key that is not the one of the account', async () => {
    const key = Buffer.alloc(64, 7).toString('base64');
    const account = { account: AZURITE_ACCOUNT, endpoint: azurite.endpoint, key };
    await expectNoExport(container.url, /refused: 403 AuthorizationFailure/, [account]);
  });

  test('a container that does not exist', async () => {
    await expectNoExport(azurite.sasUrl('nowhere'), /refused: 404 ContainerNotFound/);
  });

  test('a port at which nobody listens', async () => {
    const there = new URL(azurite.sasUrl(container.containerName));
    there.port = String(await freePort());
    await expectNoExport(there.href, /destination-unreachable/);
  });

  test('a server that is not blob storage', async () => {
    const { createServer } = await import('node:http');
    const server = createServer((request, response) => {
      request.resume().on('end', () => response.end('<html>welcome</html>'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const there = new URL(azurite.sasUrl(container.containerName));
    there.port = String((server.address() as { port: number }).port);
    await expectNoExport(there.href, /does not answer as blob storage does|refused/);
    server.close();
  });
});

describe('files that are whole already', () => {
  test('are copied and put, and have URLs without the signature', async () => {
    const containers = new AzureContainers(accesses(), { ...azureTools(), blobs });
    const url = azurite.sasUrl(container.containerName);
    const content = randomBytes(2 * BLOCK_BYTES + 3);
    const writer = await blobs.open('recordings/one.wav', 0);
    await writer.append(content);
    await writer.commit();
    await containers.copy(url, BLOB, 'recordings/one.wav', 'audio/wav');
    await expect(
      containers.copy(url, BLOB, 'recordings/two.wav', 'audio/wav'),
    ).rejects.toMatchObject({ code: 'content-not-found' });
    const document = Buffer.from('{"chunk":0}');
    await containers.put(url, `${FOLDER}/0-acsmetadata.one.json`, document, 'application/json');
    expect(containers.urlOf(url, BLOB)).toBe(`${container.url}/${BLOB}`);
    const copy = await container.getBlockBlobClient(BLOB).downloadToBuffer();
    expect(copy.equals(content)).toBe(true);
    const metadata = container.getBlockBlobClient(`${FOLDER}/0-acsmetadata.one.json`);
    expect((await metadata.downloadToBuffer()).equals(document)).toBe(true);
    expect((await metadata.getProperties()).contentType).toBe('application/json');
  });
});
