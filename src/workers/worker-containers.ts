import type { ContainerPort } from '../core/ports/export.ts';
import type { ContainerAccesses } from '../storage/azure/container-access.ts';
import type { RenderWorkers } from './render-workers.ts';

/**
 * Callers' containers, written to by the render workers: the main thread has calls to answer, and the
 * vendor's SDK alone would hold it for a quarter of a second when it is loaded.
 */
export class WorkerContainers implements ContainerPort {
  readonly #accesses: ContainerAccesses;
  readonly #workers: RenderWorkers;

  constructor(accesses: ContainerAccesses, workers: RenderWorkers) {
    this.#accesses = accesses;
    this.#workers = workers;
  }

  check(containerUrl: string): void {
    this.#accesses.of(containerUrl);
  }

  urlOf(containerUrl: string, blobName: string): string {
    return this.#accesses.urlOf(containerUrl, blobName);
  }

  /** Also rejects with `worker-failed`, when the worker dies meanwhile. */
  put(...request: Parameters<ContainerPort['put']>): Promise<void> {
    return this.#workers.upload('put', request);
  }

  /** Also rejects with `worker-failed`, when the worker dies meanwhile. */
  copy(...request: Parameters<ContainerPort['copy']>): Promise<void> {
    return this.#workers.upload('copy', request);
  }
}
