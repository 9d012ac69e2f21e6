import { parentPort } from 'node:worker_threads';
import type { MessageEnd } from '../core/ports/worker-channel.ts';

/** The worker's end of its channel. */
export function ownEnd(): MessageEnd {
  const port = parentPort;
  if (port === null) throw new TypeError('this module runs as a worker thread');
  return {
    postMessage: (message, transfer) => {
      port.postMessage(message, transfer);
    },
    on: (event, listener) => {
      port.on(event, listener);
    },
    close: () => {
      port.close();
    },
  };
}
