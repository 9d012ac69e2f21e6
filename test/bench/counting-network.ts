import type {
  BindOptions,
  DatagramNetwork,
  DatagramSocket,
} from '../../src/core/ports/datagram.ts';

/** Takes what is sent and forgets it; hands in what the bench delivers. */
export class CountingNetwork implements DatagramNetwork {
  sent = 0;
  /** By port. */
  readonly receivers: Map<number, BindOptions['receive']> = new Map();

  bind({ host, port, receive }: BindOptions): Promise<DatagramSocket> {
    this.receivers.set(port, receive);
    return Promise.resolve({
      local: { address: host, port },
      send: () => {
        this.sent += 1;
        return true;
      },
      connect: () => undefined,
      close: () => undefined,
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
