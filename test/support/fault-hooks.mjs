/**
 * Loaded before a server under test (`--import`), in its main thread and in each of its workers:
 * lets the test make a worker die or stand still, which the product knows nothing of. Commands come
 * as lines on a socket, and go to the workers over a broadcast channel:
 *   die media | die render | doom prompt | stall render 10000
 */
import { createServer } from 'node:net';
import { BroadcastChannel, isMainThread, parentPort, workerData } from 'node:worker_threads';

const channel = new BroadcastChannel('tapedeck-faults');
channel.unref();

if (isMainThread) {
  const server = createServer((socket) => {
    socket.setEncoding('utf8').on('data', (line) => {
      channel.postMessage(line.trim());
    });
    channel.onmessage = ({ data }) => {
      if (data.done !== undefined) socket.write(`${data.done}\n`);
    };
    socket.unref();
  });
  server.listen(process.env.FAULT_SOCKET);
  server.unref();
} else {
  const name = nameOf(workerData ?? {});
  channel.onmessage = ({ data }) => {
    if (typeof data !== 'string') return;
    const [what, whom, ms] = data.split(' ');
    if (whom !== name) return;
    channel.postMessage({ done: data });
    if (what === 'die') setImmediate(die);
    // Of what it is asked next, before it can have done it.
    if (what === 'doom') parentPort.once('message', die);
    // The whole thread: its event loop runs nothing meanwhile, as under SIGSTOP.
    if (what === 'stall') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms));
  };
}

function die() {
  throw new Error('a test wanted this worker to die');
}

/** Told by what each is given. */
function nameOf(data) {
  if ('rtpPorts' in data) return 'media';
  if ('blobDirectory' in data) return 'render';
  return 'path' in data ? 'database' : 'prompt';
}
