import { connect, createServer, type Socket } from 'node:net';
import { TapedeckError } from '../core/error.ts';
import type { SocketAddress } from '../core/ports/datagram.ts';
import type { StreamConnection, StreamListener, StreamNetwork } from '../core/ports/stream.ts';
import { bindError } from './node-datagram-network.ts';
import { familyOf, socketText } from './transport/flow.ts';

/** Bytes that may wait for a peer that does not read. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** Connections that may wait to be accepted. */
const BACKLOG = 512;
const KEEP_ALIVE_MS = 60_000;
/** How long a closed connection may take to hand over what was written. */
const LINGER_MS = 5_000;

/** TCP over `node:net`. */
export class NodeStreamNetwork implements StreamNetwork {
  async listen(
    at: SocketAddress,
    accept: (connection: StreamConnection) => void,
  ): Promise<StreamListener> {
    const accepted = new Set<Socket>();
    const server = createServer({ noDelay: true }, (socket) => {
      const connection = wrap(socket);
      if (connection === undefined) {
        socket.destroy();
        return;
      }
      accepted.add(socket);
      socket.once('close', () => accepted.delete(socket));
      accept(connection);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        reject(bindError(error, { host: at.address, port: at.port }, 'TCP'));
      });
      server.listen(
        {
          host: at.address,
          port: at.port,
          ipv6Only: familyOf(at.address) === 6,
          backlog: BACKLOG,
        },
        () => {
          server.removeAllListeners('error');
          resolve();
        },
      );
    });
    // Running out of descriptors for an accept: that connection is lost, the listener stays.
    server.on('error', () => undefined);
    const bound = server.address();
    const local =
      bound === null || typeof bound === 'string'
        ? at
        : { address: bound.address, port: bound.port };
    let closing: Promise<void> | undefined;
    return {
      local,
      close: () => {
        closing ??= new Promise<void>((resolve) => {
          server.close(() => {
            resolve();
          });
          for (const socket of accepted) socket.destroy();
        });
        return closing;
      },
    };
  }

  connect(to: SocketAddress, signal: AbortSignal): Promise<StreamConnection> {
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => {
        socket.destroy();
        reject(
          new TapedeckError('destination-unreachable', `TCP ${socketText(to)} is unreachable`, {
            cause,
          }),
        );
      };
      const onAbort = (): void => {
        fail(signal.reason);
      };
      const socket = connect({ host: to.address, port: to.port, noDelay: true });
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      socket.once('error', fail);
      socket.once('connect', () => {
        signal.removeEventListener('abort', onAbort);
        socket.removeListener('error', fail);
        const connection = wrap(socket);
        if (connection === undefined) fail(new Error('the connection closed at once'));
        else resolve(connection);
      });
    });
  }
}

/** `undefined` if the peer is gone already. */
function wrap(socket: Socket): StreamConnection | undefined {
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
