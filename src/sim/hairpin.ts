import type {
  BindOptions,
  DatagramNetwork,
  DatagramSocket,
  SocketAddress,
} from '../core/ports/datagram.ts';

/**
 * Datagrams to the server's external addresses go to where it is bound instead: they are for peers
 * elsewhere, and lead nowhere on the server's own machine more often than not.
 */
export class Hairpin implements DatagramNetwork {
  readonly #network: DatagramNetwork;
  readonly #external: ReadonlySet<string>;
  readonly #bound: string;

  /** @param bound address that reaches the server from here. */
  constructor(network: DatagramNetwork, external: readonly string[], bound: string) {
    this.#network = network;
    this.#external = new Set(external);
    this.#bound = bound;
  }

  async bind(options: BindOptions): Promise<DatagramSocket> {
    const socket = await this.#network.bind(options);
    const inner = (to: SocketAddress): SocketAddress =>
      this.#external.has(to.address) ? { address: this.#bound, port: to.port } : to;
    return {
      local: socket.local,
      send: (data, to) => socket.send(data, inner(to)),
      connect: (peer) => {
        socket.connect(peer === undefined ? undefined : inner(peer));
      },
      close: () => {
        socket.close();
      },
    };
  }

  close(): Promise<void> {
    return this.#network.close();
  }
}
