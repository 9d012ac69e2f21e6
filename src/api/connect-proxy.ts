import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** Tunnels at a time; each holds one socket. */
const MAX_TUNNELS = 1_000;

/**
 * Answers CONNECT for clients that cannot resolve the recording host: the tunnel ends in our own
 * TLS server, whatever port the client names, so it leads nowhere else.
 */
export class ConnectProxy {
  readonly #ownNames: ReadonlySet<string>;
  readonly #tlsServer: Server;
  readonly #tunnels = new Set<Duplex>();

  /** @param ownNames host names, without ports, that clients may ask for. */
  constructor(ownNames: readonly string[], tlsServer: Server) {
    this.#ownNames = new Set(ownNames.map((name) => name.toLowerCase()));
    this.#tlsServer = tlsServer;
  }

  attach(plainServer: Server): void {
    plainServer.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#answer(request, socket, head);
    });
  }

  /** Ends what is still open. */
  close(): void {
    for (const socket of this.#tunnels) socket.destroy();
  }

  #answer(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Peers reset connections; that is no concern of the server.
    socket.on('error', () => socket.destroy());
    if (!this.#ownNames.has(hostOf(request.url ?? ''))) {
      socket.end('HTTP/1.1 403 Only this server is reached through this proxy\r\n\r\n');
      return;
    }
    if (this.#tunnels.size >= MAX_TUNNELS) {
      socket.end('HTTP/1.1 503 Too many tunnels\r\nRetry-After: 5\r\n\r\n');
      return;
    }
    this.#tunnels.add(socket);
    socket.once('close', () => this.#tunnels.delete(socket));
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    this.#tlsServer.emit('connection', socket);
  }
}

/** `host:port`, `[::1]:port`: the host in lower case, without brackets. */
function hostOf(authority: string): string {
  return authority
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
}
