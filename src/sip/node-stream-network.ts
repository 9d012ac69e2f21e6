import { connect, createServer, type Server, type Socket } from 'node:net';
import { TapedeckError } from '../core/error.ts';
import type { SocketAddress } from '../core/ports/datagram.ts';
import type { StreamConnection, StreamListener, StreamNetwork } from '../core/ports/stream.ts';
import { bindError } from './node-datagram-network.ts';
import { streamConnectionOf } from './node-stream-connection.ts';
import { familyOf, socketText } from './transport/flow.ts';

/** Connections that may wait to be accepted. */
const BACKLOG = 512;

/** TCP over `node:net`. */
export class NodeStreamNetwork implements StreamNetwork {
  async listen(
    at: SocketAddress,
    accept: (connection: StreamConnection) => void,
  ): Promise<StreamListener> {
    const accepted = new Set<Socket>();
    const server = createServer({ noDelay: true }, (socket) => {
      const connection = streamConnectionOf(socket);
      if (connection === undefined) {
        socket.destroy();
        return;
      }
      accepted.add(socket);
      socket.once('close', () => accepted.delete(socket));
      accept(connection);
    });
    return listenOn(server, at, 'TCP', accepted);
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
        const connection = streamConnectionOf(socket);
        if (connection === undefined) fail(new Error('the connection closed at once'));
        else resolve(connection);
      });
    });
  }
}

/**
 * Binds a server that hands its sockets to somebody else. Rejects with `port-in-use` or `option-invalid`.
 * @param accepted what `close` takes down; kept by the caller.
 */
export async function listenOn(
  server: Server,
  at: SocketAddress,
  what: 'TCP' | 'TLS',
  accepted: ReadonlySet<Socket>,
): Promise<StreamListener> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(bindError(error, { host: at.address, port: at.port }, what));
    });
    server.listen(
      { host: at.address, port: at.port, ipv6Only: familyOf(at.address) === 6, backlog: BACKLOG },
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
    bound === null || typeof bound === 'string' ? at : { address: bound.address, port: bound.port };
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
