import { TapedeckError } from '../../core/error.ts';
import type { BlobReader } from '../../core/ports/blob-store.ts';
import type { ContainerPort } from '../../core/ports/export.ts';

/** Containers that take everything, or refuse. Blobs by URL. */
export class FakeContainers implements ContainerPort {
  readonly blobs: Map<string, string> = new Map();
  /** Containers whose address is refused at the start. */
  refused: TapedeckError | undefined;
  /** How many writes fail from now on. */
  failures = 0;
  /** Writes wait for it. */
  gate: Promise<void> = Promise.resolve();

  check(): void {
    if (this.refused !== undefined) throw this.refused;
  }

  urlOf(containerUrl: string, blobName: string): string {
    const { origin, pathname } = new URL(containerUrl);
    return `${origin}${pathname}/${blobName}`;
  }

  put(containerUrl: string, blobName: string, bytes: Uint8Array): Promise<void> {
    return this.#write(containerUrl, blobName, Buffer.from(bytes).toString('utf8'));
  }

  copy(containerUrl: string, blobName: string, from: BlobReader): Promise<void> {
    return this.#write(containerUrl, blobName, `${from.sizeBytes} bytes`);
  }

  async #write(containerUrl: string, blobName: string, text: string): Promise<void> {
    await this.gate;
    if (this.failures > 0) {
      this.failures -= 1;
      throw new TapedeckError('destination-unreachable', 'the container does not answer');
    }
    this.blobs.set(this.urlOf(containerUrl, blobName), text);
  }
}
