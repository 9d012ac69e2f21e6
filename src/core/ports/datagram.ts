/** An IP address in its canonical text form, without brackets, and a port. */
export type SocketAddress = { readonly address: string; readonly port: number };

/**
 * Called for every datagram. `data` and `from` are valid during the call only: implementations
 * reuse both. `from` is the same object as long as the source does not change. The receiver may
 * overwrite `data`, to send it on without a copy.
 */
export type DatagramReceiver = (data: Uint8Array, from: SocketAddress, arrivalUs: number) => void;

export type BindOptions = {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly receive: DatagramReceiver;
};

/** UDP, as a port. One suite runs over every implementation. */
export interface DatagramNetwork {
  /** Rejects with `port-in-use` or the system's error as cause. */
  bind(options: BindOptions): Promise<DatagramSocket>;
  /** Closes every socket; idempotent. */
  close(): Promise<void>;
}

export interface DatagramSocket {
  readonly local: SocketAddress;
  /**
   * Sends at once, without queueing: `false` when the system's buffer is full or the send failed
   * (the datagram is lost, as UDP may lose it). Never throws. `data` may be reused on return.
   */
  send(data: Uint8Array, to: SocketAddress): boolean;
  /**
   * Only datagrams from `peer` are received from now on; `send` to it is cheaper, and returns
   * `false` for anybody else. `undefined` opens the socket again. A peer that cannot be reached
   * leaves it open.
   */
  connect(peer: SocketAddress | undefined): void;
  /** Idempotent; `receive` is not called afterwards. */
  close(): void;
}
