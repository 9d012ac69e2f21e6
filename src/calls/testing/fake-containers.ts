import { TapedeckError } from '../../core/error.ts';
import type { ContainerPort } from '../../core/ports/export.ts';
import { Pace } from './pace.ts';

/** Containers that take everything, or refuse. Blobs by URL. */
export class FakeContainers implements ContainerPort {
  readonly blobs: Map<string, string> = new Map();
  /** Containers whose address is refused at the start. */
  refused: TapedeckError | undefined;
  /** How many writes fail from now on. */
  failures = 0;
  /** Copies under way. */
  copying = 0;
  /** Writes wait for it. */
  gate: Promise<void> = Promise.resolve();

  readonly #pace: Pace;

  constructor(pace: Pace = new Pace()) {
    this.#pace = pace;
  }

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

  async copy(containerUrl: string, blobName: string, blobKey: string): Promise<void> {
    this.copying += 1;
    try {
      await this.#write(containerUrl, blobName, `copy of ${blobKey}`);
    } finally {
      this.copying -= 1;
    }
  }

  async #write(containerUrl: string, blobName: string, text: string): Promise<void> {
    await this.gate;
    await this.#pace.step();
    if (this.failures > 0) {
      this.failures -= 1;
      throw new TapedeckError('destination-unreachable', 'the container does not answer');
    }
    this.blobs.set(this.urlOf(containerUrl, blobName), text);
  }
}
