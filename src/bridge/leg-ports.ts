import { TapedeckError } from '../core/error.ts';
import type { DatagramNetwork, DatagramReceiver, DatagramSocket } from '../core/ports/datagram.ts';
import type { Random } from '../core/ports/random.ts';

export type PortRange = { readonly from: number; readonly to: number };

export type SocketPair = { readonly rtp: DatagramSocket; readonly rtcp: DatagramSocket };

/**
 * Hands out pairs of ports: RTP on an even one, RTCP on the next (RFC 3550 §11). Goes round the
 * range from a random start, so that a port just left rests as long as possible before its reuse.
 */
export class LegPorts {
  readonly #datagrams: DatagramNetwork;
  /** Even port of the first pair, and how many pairs fit. */
  readonly #first: number;
  readonly #pairs: number;
  /** Even ports by host that this worker holds: trying them would only cost system calls. */
  readonly #taken = new Set<string>();
  #next: number;

  constructor(datagrams: DatagramNetwork, range: PortRange, random: Random) {
    this.#datagrams = datagrams;
    this.#first = range.from + (range.from % 2);
    this.#pairs = Math.max(0, Math.floor((range.to - this.#first + 1) / 2));
    this.#next = Math.floor(random.fraction() * this.#pairs);
  }

  /** Rejects with `ports-exhausted` when no pair is free, or with the system's other errors. */
  async open(
    host: string,
    receiveRtp: DatagramReceiver,
    receiveRtcp: DatagramReceiver,
  ): Promise<SocketPair> {
    for (let attempt = 0; attempt < this.#pairs; attempt += 1) {
      const port = this.#first + this.#next * 2;
      this.#next = (this.#next + 1) % this.#pairs;
      const name = `${host} ${port}`;
      if (this.#taken.has(name)) continue;
      this.#taken.add(name);
      let pair: SocketPair | undefined;
      try {
        pair = await this.#tryPair(host, port, receiveRtp, receiveRtcp);
      } finally {
        if (pair === undefined) this.#taken.delete(name);
      }
      if (pair !== undefined) return pair;
    }
    throw new TapedeckError('ports-exhausted', `all ${this.#pairs} pairs of RTP ports are in use`);
  }

  /** Closes both sockets; the pair may be handed out again. */
  release(host: string, pair: SocketPair): void {
    pair.rtp.close();
    pair.rtcp.close();
    this.#taken.delete(`${host} ${pair.rtp.local.port}`);
  }

  /** `undefined` if another program has one of the two. */
  async #tryPair(
    host: string,
    port: number,
    receiveRtp: DatagramReceiver,
    receiveRtcp: DatagramReceiver,
  ): Promise<SocketPair | undefined> {
    const rtp = await this.#bind(host, port, receiveRtp);
    if (rtp === undefined) return undefined;
    let rtcp: DatagramSocket | undefined;
    try {
      rtcp = await this.#bind(host, port + 1, receiveRtcp);
    } finally {
      if (rtcp === undefined) rtp.close();
    }
    return rtcp === undefined ? undefined : { rtp, rtcp };
  }

  async #bind(
    host: string,
    port: number,
    receive: DatagramReceiver,
  ): Promise<DatagramSocket | undefined> {
    try {
      return await this.#datagrams.bind({ host, port, receive });
    } catch (error) {
      if (error instanceof TapedeckError && error.code === 'port-in-use') return undefined;
      throw error;
    }
  }
}
