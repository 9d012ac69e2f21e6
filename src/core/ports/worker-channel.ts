/**
 * One end of a thread boundary: Node's `MessagePort`, `Worker` and `parentPort` fit, and so does
 * the in-process pair, with which everything runs in one thread.
 */
export interface MessageEnd {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  on(event: 'message', listener: (message: unknown) => void): void;
  close(): void;
}
