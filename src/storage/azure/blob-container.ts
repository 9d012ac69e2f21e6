import { createHash } from 'node:crypto';
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { TapedeckError } from '../../core/error.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { HttpSender } from '../../core/ports/http-sender.ts';
import type { Random } from '../../core/ports/random.ts';
import { azureHttpClient } from './azure-http-client.ts';
import { blobFailure } from './blob-failure.ts';
import type { ContainerAccess } from './container-access.ts';

/** Most that is sent or asked for at a time. */
export const BLOCK_BYTES: number = 256 * 1024;

export type BlobTools = {
  readonly sender: HttpSender;
  readonly clock: Clock;
  readonly random: Random;
};

export type BlobProperties = { readonly sizeBytes: number; readonly etag: string };

/** Pauses between attempts, while a failure is passing and the first attempt is not long ago. */
const RETRY_DELAYS_MS = [250, 500, 1000];
const RETRY_WITHIN_MS = 10_000;

/**
 * The few operations that we need of one container. All reject with `destination-unreachable` or
 * `destination-refused`, after a few quick repetitions of what is passing; no text holds a credential.
 * The SDK is loaded by the first operation: servers without exports never pay for it.
 */
export class BlobContainer {
  /** Without its signature. */
  readonly url: string;
  readonly #access: ContainerAccess;
  readonly tools: BlobTools;
  #client: Promise<ContainerClient> | undefined;

  constructor(access: ContainerAccess, tools: BlobTools) {
    this.url = access.url;
    this.#access = access;
    this.tools = tools;
  }

  /** Keeps a block for a later `commit`; nothing is visible yet, and it expires after a week. */
  async stage(
    name: string,
    blockId: string,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    const body = asBuffer(bytes);
    const transactionalContentMD5 = md5(body);
    await this.#run(name, signal, (blob, abort) =>
      blob.stageBlock(blockId, body, body.length, { transactionalContentMD5, ...abort }),
    );
  }

  /** Makes the blob of the blocks in this order; other staged blocks of it are dropped. */
  async commit(
    name: string,
    blockIds: readonly string[],
    mediaType: string,
    signal?: AbortSignal,
  ): Promise<void> {
    const blobHTTPHeaders = { blobContentType: mediaType };
    await this.#run(name, signal, (blob, abort) =>
      blob.commitBlockList([...blockIds], { blobHTTPHeaders, ...abort }),
    );
  }

  /** A small blob at once. */
  async put(
    name: string,
    bytes: Uint8Array,
    mediaType: string,
    signal?: AbortSignal,
  ): Promise<void> {
    const body = asBuffer(bytes);
    const blobHTTPHeaders = { blobContentType: mediaType, blobContentMD5: md5(body) };
    await this.#run(name, signal, (blob, abort) =>
      blob.upload(body, body.length, { blobHTTPHeaders, ...abort }),
    );
  }

  /** `undefined` if no such blob is visible. */
  async properties(name: string, signal?: AbortSignal): Promise<BlobProperties | undefined> {
    const found = await this.#runOrMissing(name, signal, (blob, abort) =>
      blob.getProperties(abort),
    );
    if (found === undefined) return undefined;
    const { contentLength: sizeBytes, etag } = found;
    if (sizeBytes === undefined || etag === undefined) throw this.#strange();
    return { sizeBytes, etag };
  }

  /**
   * Exactly `length` bytes, at most `BLOCK_BYTES`.
   * @param etag the blob must still have it.
   */
  async read(
    name: string,
    range: { readonly start: number; readonly length: number; readonly etag: string },
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const { start, length, etag } = range;
    const bytes = await this.#run(name, signal, async (blob, abort) => {
      const conditions = { ifMatch: etag };
      const answer = await blob.download(start, length, { conditions, ...abort });
      return answer.readableStreamBody === undefined
        ? []
        : await collect(answer.readableStreamBody);
    });
    const whole = Buffer.concat(bytes);
    if (whole.length !== length) throw this.#strange();
    return whole;
  }

  /** Idempotent. */
  async remove(name: string, signal?: AbortSignal): Promise<void> {
    await this.#runOrMissing(name, signal, (blob, abort) =>
      blob.delete({ deleteSnapshots: 'include', ...abort }),
    );
  }

  async #runOrMissing<T>(
    name: string,
    signal: AbortSignal | undefined,
    task: (blob: BlockBlobClient, abort: { abortSignal?: AbortSignal }) => Promise<T>,
  ): Promise<T | undefined> {
    return await this.#run(name, signal, async (blob, abort) => {
      try {
        return await task(blob, abort);
      } catch (cause) {
        const { status, serviceCode } = blobFailure(cause, this.url);
        if (status === 404 && serviceCode !== 'ContainerNotFound') return undefined;
        throw cause;
      }
    });
  }

  async #run<T>(
    name: string,
    signal: AbortSignal | undefined,
    task: (blob: BlockBlobClient, abort: { abortSignal?: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const { clock } = this.tools;
    const lastStartUs = clock.monotonicUs() + RETRY_WITHIN_MS * 1000;
    for (let attempt = 0; ; attempt += 1) {
      try {
        this.#client ??= connect(this.#access, this.tools.sender);
        const blob = (await this.#client).getBlockBlobClient(name);
        return await task(blob, signal === undefined ? {} : { abortSignal: signal });
      } catch (cause) {
        const { error, isPassing } = blobFailure(cause, this.url);
        const delayMs = RETRY_DELAYS_MS[attempt];
        const isOver = signal?.aborted === true || clock.monotonicUs() > lastStartUs;
        if (!isPassing || isOver || delayMs === undefined) throw error;
        await pause(clock, delayMs);
      }
    }
  }

  #strange(): TapedeckError {
    return new TapedeckError(
      'destination-refused',
      `${this.url} does not answer as blob storage does.`,
    );
  }
}

async function connect(access: ContainerAccess, sender: HttpSender): Promise<ContainerClient> {
  const sdk = await import('@azure/storage-blob');
  const { url, credential } = access;
  const pipeline = sdk.newPipeline(
    credential.kind === 'key'
      ? new sdk.StorageSharedKeyCredential(credential.account, credential.key)
      : new sdk.AnonymousCredential(),
    // Repeating is ours, where a test's clock can reach it and nothing takes minutes.
    { httpClient: azureHttpClient(sender), retryOptions: { maxTries: 1 } },
  );
  return new sdk.ContainerClient(
    credential.kind === 'sas' ? `${url}?${credential.sas}` : url,
    pipeline,
  );
}

function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(delayMs, resolve));
}

/** Checked by the service on arrival; not a matter of security. */
function md5(bytes: Uint8Array): Uint8Array {
  return createHash('md5').update(bytes).digest();
}

/** The SDK signs the length of Node's buffers alone. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

async function collect(stream: NodeJS.ReadableStream): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(Buffer.from(part));
  return parts;
}
