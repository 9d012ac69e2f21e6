import { createSocket, type Socket } from 'node:dgram';

export type LossyRelayOptions = {
  /** Where callers send to; 0 picks one. */
  readonly port: number;
  readonly targetPort: number;
  /** Share of the datagrams that are lost, both ways, 0 … 1. */
  readonly loss: number;
  /** The same seed loses the same numbers in the sequence of datagrams. */
  readonly seed: number;
};

const LOOPBACK = '127.0.0.1';

/**
 * A UDP relay on loopback between many callers and one server that loses datagrams repeatably.
 * Each caller address has a socket of its own towards the server.
 */
export class LossyRelay {
  seen = 0;
  lost = 0;
  readonly #front: Socket;
  readonly #back = new Map<string, Socket>();
  readonly #options: LossyRelayOptions;
  #state: number;

  static async open(options: LossyRelayOptions): Promise<LossyRelay> {
    const relay = new LossyRelay(options);
    await new Promise<void>((resolve, reject) => {
      relay.#front.once('error', reject);
      relay.#front.bind(options.port, LOOPBACK, resolve);
    });
    return relay;
  }

  private constructor(options: LossyRelayOptions) {
    this.#options = options;
    this.#state = options.seed >>> 0;
    this.#front = createSocket('udp4');
    this.#front.on('message', (message, from) => {
      if (this.#loses()) return;
      this.#backTo(from.address, from.port).send(message, options.targetPort, LOOPBACK);
    });
  }

  get port(): number {
    return this.#front.address().port;
  }

  close(): void {
    this.#front.close();
    for (const socket of this.#back.values()) socket.close();
    this.#back.clear();
  }

  #backTo(address: string, port: number): Socket {
    const key = `${address}:${port}`;
    const known = this.#back.get(key);
    if (known !== undefined) return known;
    const socket = createSocket('udp4');
    socket.bind(0, LOOPBACK);
    socket.on('message', (message) => {
      if (!this.#loses()) this.#front.send(message, port, address);
    });
    this.#back.set(key, socket);
    return socket;
  }

  #loses(): boolean {
    this.seen += 1;
    // Linear congruence with the constants of Numerical Recipes: good enough for dice.
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    const isLost = this.#state / 2 ** 32 < this.#options.loss;
    if (isLost) this.lost += 1;
    return isLost;
  }
}
