import type { Socket } from 'node:net';
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  createServer,
  getCACertificates,
  type SecureContext,
} from 'node:tls';
import { isIP } from 'node:net';
import { TapedeckError } from '../core/error.ts';
import type { SocketAddress } from '../core/ports/datagram.ts';
import type { StreamConnection, StreamListener, StreamNetwork } from '../core/ports/stream.ts';
import { streamConnectionOf } from './node-stream-connection.ts';
import { listenOn } from './node-stream-network.ts';
import { socketText } from './transport/flow.ts';

export type NodeTlsOptions = {
  /** Our certificate chain and key, PEM: for who calls us, and for peers that ask whom they talk to. */
  readonly cert: string;
  readonly key: string;
  /** PEM of authorities that are trusted besides those of the system. */
  readonly authorities: readonly string[];
};

/** How long a handshake may take, in either direction. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Connections at once that have not finished their handshake; more are closed at once. */
const MAX_HANDSHAKES = 500;
const MAX_HANDSHAKES_PER_ADDRESS = 100;

/** TLS over `node:tls`, 1.2 and above. Who is called has to prove its name. */
export class NodeTlsNetwork implements StreamNetwork {
  readonly #options: NodeTlsOptions;
  #context: SecureContext | undefined;

  constructor(options: NodeTlsOptions) {
    this.#options = options;
  }

  async listen(
    at: SocketAddress,
    accept: (connection: StreamConnection) => void,
  ): Promise<StreamListener> {
    const { cert, key } = this.#options;
    const accepted = new Set<Socket>();
    const handshakes = new Handshakes();
    const server = createServer({
      cert,
      key,
      noDelay: true,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    });
    server.on('connection', (socket: Socket) => {
      if (!handshakes.begin(socket)) {
        socket.destroy();
        return;
      }
      accepted.add(socket);
      socket.once('close', () => accepted.delete(socket));
    });
    server.on('secureConnection', (socket) => {
      handshakes.end(socket.remoteAddress, socket.remotePort);
      // One that breaks off before anybody listens is no reason to fall over.
      socket.on('error', () => undefined);
      const connection = streamConnectionOf(socket);
      if (connection === undefined) socket.destroy();
      else accept(connection);
    });
    server.on('tlsClientError', (_, socket) => {
      socket.destroy();
    });
    return listenOn(server, at, 'TLS', accepted);
  }

  connect(
    to: SocketAddress,
    signal: AbortSignal,
    serverName: string = to.address,
  ): Promise<StreamConnection> {
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => {
        socket.destroy();
        const why = cause instanceof Error ? `: ${cause.message}` : '';
        const text = `TLS ${socketText(to)} (${serverName}) is unreachable${why}`;
        reject(new TapedeckError('destination-unreachable', text, { cause }));
      };
      const onAbort = (): void => {
        fail(signal.reason);
      };
      const socket = connect({
        host: to.address,
        port: to.port,
        secureContext: this.#trust(),
        // Names only (RFC 6066 §3).
        ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
        checkServerIdentity: (_, certificate) => checkServerIdentity(serverName, certificate),
      });
      socket.setNoDelay(true);
      if (signal.aborted) {
        socket.on('error', () => undefined);
        onAbort();
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      socket.on('error', fail);
      socket.once('secureConnect', () => {
        signal.removeEventListener('abort', onAbort);
        socket.removeListener('error', fail);
        const connection = streamConnectionOf(socket);
        if (connection === undefined) fail(new Error('the connection closed at once'));
        else resolve(connection);
      });
    });
  }

  /** Made once: the system trusts hundreds of authorities. */
  #trust(): SecureContext {
    const { cert, key, authorities } = this.#options;
    this.#context ??= createSecureContext({
      cert,
      key,
      ca: [
        ...new Set([
          ...getCACertificates('bundled'),
          ...getCACertificates('system'),
          ...getCACertificates('extra'),
          ...authorities,
        ]),
      ],
    });
    return this.#context;
  }
}

/** Connections that have not proved yet to be more than an open port; they cost a handshake each. */
class Handshakes {
  readonly #addresses = new Map<string, string>();
  readonly #perAddress = new Map<string, number>();

  /** `false`: there are too many. */
  begin(socket: Socket): boolean {
    const { remoteAddress: address = '', remotePort } = socket;
    const ofAddress = this.#perAddress.get(address) ?? 0;
    if (this.#addresses.size >= MAX_HANDSHAKES || ofAddress >= MAX_HANDSHAKES_PER_ADDRESS) {
      return false;
    }
    const key = keyOf(address, remotePort);
    this.#addresses.set(key, address);
    this.#perAddress.set(address, ofAddress + 1);
    socket.once('close', () => {
      this.#forget(key);
    });
    return true;
  }

  end(address: string | undefined, port: number | undefined): void {
    this.#forget(keyOf(address, port));
  }

  #forget(key: string): void {
    const address = this.#addresses.get(key);
    if (address === undefined) return;
    this.#addresses.delete(key);
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(address, left);
    else this.#perAddress.delete(address);
  }
}

function keyOf(address = '', port = 0): string {
  return socketText({ address, port });
}
