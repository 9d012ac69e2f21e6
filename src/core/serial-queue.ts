/** Runs tasks one after the other, in the order they were handed in. A failed task does not stop the next. */
export class SerialQueue {
  #tail: Promise<void> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  /** Resolves when everything handed in so far is done. */
  idle(): Promise<void> {
    return this.#tail;
  }
}
