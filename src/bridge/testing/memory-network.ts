import { TapedeckError } from '../../core/error.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type {
  BindOptions,
  DatagramNetwork,
  DatagramSocket,
  SocketAddress,
} from '../../core/ports/datagram.ts';
import type { SleepingNetwork } from '../datagram/sleeping-network.ts';

export type Sent = {
  readonly from: SocketAddress;
  readonly to: SocketAddress;
  readonly data: Uint8Array;
};

/** A network in memory for tests: what is sent is kept, what arrives is handed in by the test. */
export class MemoryNetwork implements DatagramNetwork, SleepingNetwork {
  readonly sent: Sent[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #clock: Clock;
  readonly #bound = new Map<string, { options: BindOptions; peer: SocketAddress | undefined }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  bind(options: BindOptions): Promise<DatagramSocket> {
    const local = { address: options.host, port: options.port };
    const name = nameOf(local);
    if (this.#bound.has(name)) {
      return Promise.reject(new TapedeckError('port-in-use', `${name} is in use`));
    }
    const entry = { options, peer: undefined as SocketAddress | undefined };
    this.#bound.set(name, entry);
    return Promise.resolve({
      local,
      send: (data: Uint8Array, to: SocketAddress) => {
        if (entry.peer !== undefined && nameOf(entry.peer) !== nameOf(to)) return false;
        this.sent.push({ from: local, to, data: data.slice() });
        return true;
      },
      connect: (peer: SocketAddress | undefined) => {
        entry.peer = peer;
      },
      close: () => {
        if (this.#bound.get(name) === entry) this.#bound.delete(name);
      },
    });
  }

  close(): Promise<void> {
    this.#bound.clear();
    return Promise.resolve();
  }

  /** A datagram arrives; as in the system, a connected socket hears its peer only. */
  deliver(
    from: SocketAddress,
    to: SocketAddress,
    data: Uint8Array,
    arrivalUs: number = this.#clock.monotonicUs(),
  ): void {
    const entry = this.#bound.get(nameOf(to));
    if (entry === undefined) return;
    if (entry.peer !== undefined && nameOf(entry.peer) !== nameOf(from)) return;
    entry.options.receive(data.slice(), { ...from }, arrivalUs);
  }

  /** A datagram arrives, and is read when somebody asks for what waits. */
  leaveWaiting(from: SocketAddress, to: SocketAddress, data: Uint8Array): void {
    const arrivalUs = this.#clock.monotonicUs();
    this.#waiting.push(() => {
      this.deliver(from, to, data, arrivalUs);
    });
  }

  receiveWaiting(): void {
    for (const deliver of this.#waiting.splice(0)) deliver();
  }

  /** It never sleeps. */
  expedite(): void {
    return undefined;
  }

  /** What was sent to an address since the last call for it. */
  takeSentTo(to: SocketAddress): Uint8Array[] {
    const taken: Uint8Array[] = [];
    let kept = 0;
    for (const sent of this.sent) {
      if (sent.to.port === to.port && sent.to.address === to.address) taken.push(sent.data);
      else this.sent[kept++] = sent;
    }
    this.sent.length = kept;
    return taken;
  }

  get ports(): number[] {
    return [...this.#bound.values()].map(({ options }) => options.port).sort((a, b) => a - b);
  }
}

function nameOf(address: SocketAddress): string {
  return `${address.address} ${address.port}`;
}
