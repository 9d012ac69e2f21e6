import type { Socket } from 'node:net';
import type { SocketAddress } from '../core/ports/datagram.ts';
import type { StreamConnection } from '../core/ports/stream.ts';

/** Bytes that may wait for a peer that does not read. */
const MAX_WAITING_BYTES = 1024 * 1024;
const KEEP_ALIVE_MS = 60_000;
/** How long a closed connection may take to hand over what was written. */
const LINGER_MS = 5_000;

/** A socket of `node:net` or `node:tls` as a port; `undefined` if the peer is gone already. Owns the socket. */
export function streamConnectionOf(socket: Socket): StreamConnection | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (
    localAddress === undefined ||
    localPort === undefined ||
    remoteAddress === undefined ||
    remotePort === undefined
  ) {
    return undefined;
  }
  return new NodeStreamConnection(
    socket,
    { address: localAddress, port: localPort },
    { address: remoteAddress, port: remotePort },
  );
}

class NodeStreamConnection implements StreamConnection {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  onData: (data: Uint8Array) => void = () => undefined;
  onClose: (error?: Error) => void = () => undefined;
  readonly #socket: Socket;

  constructor(socket: Socket, local: SocketAddress, remote: SocketAddress) {
    this.local = local;
    this.remote = remote;
    this.#socket = socket;
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    let failure: Error | undefined;
    socket.on('data', (data) => {
      this.onData(data);
    });
    socket.on('error', (error) => {
      failure = error;
    });
    socket.once('close', () => {
      this.onClose(failure);
    });
  }

  write(data: Uint8Array): boolean {
    if (this.#socket.destroyed || !this.#socket.writable) return false;
    this.#socket.write(Buffer.from(data));
    return this.#socket.writableLength <= MAX_WAITING_BYTES;
  }

  close(): void {
    if (this.#socket.destroyed) return;
    // What is written still goes out; a peer that does not read is cut off.
    if (this.#socket.writableLength > MAX_WAITING_BYTES) {
      this.#socket.destroy();
      return;
    }
    this.#socket.setTimeout(LINGER_MS, () => this.#socket.destroy());
    this.#socket.destroySoon();
  }
}
