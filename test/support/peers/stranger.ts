import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { SocketAddress } from '../../../src/core/ports/datagram.ts';

/** A UDP socket that no SDP names. */
export class Stranger {
  /** Datagrams that came here. */
  received = 0;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', () => (this.received += 1));
    // Answers from closed ports are errors of earlier sends.
    socket.on('error', () => undefined);
  }

  static async open(host: string): Promise<Stranger> {
    const socket = createSocket('udp4');
    socket.bind(0, host);
    await once(socket, 'listening');
    return new Stranger(socket);
  }

  send(bytes: Uint8Array, to: SocketAddress): void {
    this.#socket.send(bytes, to.port, to.address, () => undefined);
  }

  close(): void {
    this.#socket.close();
  }
}
