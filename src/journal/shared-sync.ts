/** One sync at a time: callers that come while one runs share the next, which covers them all. */
export class SharedSync {
  readonly #sync: () => Promise<void>;
  #running: Promise<void> | undefined;
  #queued: Promise<void> | undefined;

  /** @param sync covers everything that was written before it is called; may reject. */
  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** Resolves or rejects as a sync that began after this call. */
  run(): Promise<void> {
    // First, as the one that waits may start a few turns after the one that ran has ended.
    if (this.#queued !== undefined) return this.#queued;
    if (this.#running === undefined) return this.#start();
    this.#queued = this.#running
      .catch(() => undefined)
      .then(() => {
        this.#queued = undefined;
        return this.#start();
      });
    return this.#queued;
  }

  /** Resolves when the sync that runs now has ended, whichever way. */
  async settled(): Promise<void> {
    await this.#running?.catch(() => undefined);
  }

  #start(): Promise<void> {
    this.#running = this.#sync().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }
}
