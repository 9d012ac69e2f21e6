import type { Clock } from '../../core/ports/clock.ts';
import type { DatagramReceiver, DatagramSocket, SocketAddress } from '../../core/ports/datagram.ts';
import { canonicalAddress, type AddressFamily } from './ip-address.ts';
import { ArrivalTimes } from './arrival-times.ts';
import type { Address, LinuxCalls } from './linux-calls.ts';
import { MAX_UDP_PAYLOAD_BYTES } from './node-network.ts';
import {
  readSocketName,
  SOCKET_NAME_BYTES,
  socketNameBytes,
  writeSocketName,
} from './socket-name.ts';

// Values of Linux, the same on x86-64 and ARM64.
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const AF_UNSPEC = 0;

const MAX_DATAGRAM_BYTES = 65_536;
/** Views of the receive buffer up to this length are made once and kept: no object per packet. */
const KEPT_VIEWS = 2_048;

/** Memory that all sockets of a thread hand to the system: only one call runs at a time. */
export class SharedMemory {
  readonly calls: LinuxCalls;
  /** Small integers and structures. */
  readonly numbers: Int32Array = new Int32Array(new ArrayBuffer(64));
  readonly numbersAt: Address;
  /** A `struct sockaddr`. */
  readonly name: Uint8Array = new Uint8Array(new ArrayBuffer(64));
  readonly nameWords: Int32Array;
  readonly nameAt: Address;
  readonly arrivals: ArrivalTimes;
  readonly received: ArrayBuffer = new ArrayBuffer(MAX_DATAGRAM_BYTES);
  readonly receivedAt: Address;
  readonly #views: (Uint8Array | undefined)[] = [];
  readonly #sent: Uint8Array = new Uint8Array(new ArrayBuffer(MAX_DATAGRAM_BYTES));
  readonly #sentAt: Address;

  constructor(calls: LinuxCalls, clock: Clock) {
    this.calls = calls;
    this.arrivals = new ArrivalTimes(calls, clock);
    const at = (bytes: { readonly buffer: ArrayBufferLike }): Address => {
      if (!(bytes.buffer instanceof ArrayBuffer)) throw new TypeError('memory must not be shared');
      return calls.addressOf(bytes.buffer);
    };
    this.numbersAt = at(this.numbers);
    this.nameWords = new Int32Array(this.name.buffer);
    this.nameAt = at(this.name);
    this.receivedAt = calls.addressOf(this.received);
    this.#sentAt = at(this.#sent);
  }

  /** The first `length` bytes of the receive buffer. */
  receivedView(length: number): Uint8Array {
    if (length >= KEPT_VIEWS) return new Uint8Array(this.received, 0, length);
    return (this.#views[length] ??= new Uint8Array(this.received, 0, length));
  }

  /** Where the system finds `data`: what was just received goes out again without a copy. */
  addressOf(data: Uint8Array): Address {
    if (data.buffer === this.received) return this.receivedAt + data.byteOffset;
    this.#sent.set(data);
    return this.#sentAt;
  }
}

/** One socket; `take` is called by the network when the system says that there is something. */
export class LinuxDatagramSocket implements DatagramSocket {
  readonly local: SocketAddress;
  /** Tells this socket from an earlier one in the same slot. */
  readonly generation: number;
  readonly #memory: SharedMemory;
  readonly #fd: number;
  readonly #family: AddressFamily;
  readonly #nameBytes: number;
  readonly #receive: DatagramReceiver;
  readonly #onClose: () => void;
  /** The source of the last datagram, and its name as the system wrote it. */
  #from: SocketAddress = { address: '', port: 0 };
  readonly #fromWords = new Int32Array(7);
  #peer: SocketAddress | undefined;
  #onlyPeerWaits = false;
  /** The last destination, and its name for the system. */
  #to: SocketAddress | undefined;
  readonly #toName = new Uint8Array(new ArrayBuffer(SOCKET_NAME_BYTES));
  readonly #toNameAt: Address;
  #open = true;

  constructor(
    memory: SharedMemory,
    fd: number,
    family: AddressFamily,
    local: SocketAddress,
    receive: DatagramReceiver,
    generation: number,
    onClose: () => void,
  ) {
    this.#memory = memory;
    this.#fd = fd;
    this.#family = family;
    this.#nameBytes = socketNameBytes(family);
    this.local = local;
    this.#receive = receive;
    this.generation = generation;
    this.#onClose = onClose;
    this.#toNameAt = memory.calls.addressOf(this.#toName.buffer);
    memory.arrivals.keepFor(fd);
  }

  /** Hands one waiting datagram to the receiver; nothing happens if none is waiting. */
  take(nowUs: number): void {
    const { calls, receivedAt } = this.#memory;
    const peer = this.#peer;
    if (peer === undefined) {
      const length = this.#receiveFrom();
      if (length >= 0) this.#handOver(length, this.#source(), nowUs);
      return;
    }
    if (!this.#onlyPeerWaits) {
      this.#takeFromPeer(peer, nowUs);
      return;
    }
    const length = calls.recv(this.#fd, receivedAt, MAX_DATAGRAM_BYTES, MSG_DONTWAIT);
    if (length >= 0) this.#handOver(length, peer, nowUs);
  }

  #handOver(length: number, from: SocketAddress, nowUs: number): void {
    const { arrivals } = this.#memory;
    const arrivalUs = arrivals.areLate ? arrivals.of(this.#fd, nowUs) : nowUs;
    this.#receive(this.#memory.receivedView(length), from, arrivalUs);
  }

  /**
   * What came from others before the socket was connected is still waiting, and the system would
   * hand it out as if it were the peer's: sources are looked at until the socket was empty once.
   */
  #takeFromPeer(peer: SocketAddress, nowUs: number): void {
    while (this.#open && this.#peer === peer) {
      const length = this.#receiveFrom();
      if (length < 0) {
        this.#onlyPeerWaits = true;
        return;
      }
      const from = this.#source();
      if (from.port !== peer.port || from.address !== peer.address) continue;
      this.#handOver(length, peer, nowUs);
    }
  }

  /** Bytes received, the source's name in shared memory; −1 if nothing waits. */
  #receiveFrom(): number {
    const { calls, receivedAt, numbers, numbersAt, nameAt } = this.#memory;
    numbers[0] = SOCKET_NAME_BYTES;
    return calls.recvfrom(
      this.#fd,
      receivedAt,
      MAX_DATAGRAM_BYTES,
      MSG_DONTWAIT,
      nameAt,
      numbersAt,
    );
  }

  send(data: Uint8Array, to: SocketAddress): boolean {
    if (!this.#open || data.length > MAX_UDP_PAYLOAD_BYTES) return false;
    const { calls } = this.#memory;
    const peer = this.#peer;
    if (peer !== undefined) {
      if (to !== peer && (to.port !== peer.port || to.address !== peer.address)) return false;
      const at = this.#memory.addressOf(data);
      return calls.send(this.#fd, at, data.length, MSG_DONTWAIT | MSG_NOSIGNAL) === data.length;
    }
    if (!this.#name(to)) return false;
    const at = this.#memory.addressOf(data);
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    return (
      calls.sendto(this.#fd, at, data.length, flags, this.#toNameAt, this.#nameBytes) ===
      data.length
    );
  }

  connect(peer: SocketAddress | undefined): void {
    if (!this.#open) return;
    const { calls } = this.#memory;
    if (this.#peer !== undefined) {
      this.#peer = undefined;
      this.#to = undefined;
      this.#toName.fill(0);
      this.#toName[0] = AF_UNSPEC;
      calls.connect(this.#fd, this.#toNameAt, this.#nameBytes);
    }
    if (peer === undefined || !this.#name(peer)) return;
    if (calls.connect(this.#fd, this.#toNameAt, this.#nameBytes) < 0) return;
    const address = canonicalAddress(peer.address) ?? peer.address;
    this.#peer = { address, port: peer.port };
    this.#onlyPeerWaits = false;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    // Closing takes the socket out of the epoll set as well.
    this.#memory.calls.close(this.#fd);
    this.#onClose();
  }

  /** The name that the system just filled in, as an object that stays the same for one source. */
  #source(): SocketAddress {
    const words = this.#memory.nameWords;
    const last = this.#fromWords;
    const same =
      this.#family === 'IPv4'
        ? words[0] === last[0] && words[1] === last[1]
        : words[0] === last[0] &&
          words[2] === last[2] &&
          words[3] === last[3] &&
          words[4] === last[4] &&
          words[5] === last[5];
    if (!same) {
      last.set(words.subarray(0, last.length));
      this.#from = readSocketName(this.#memory.name, this.#family);
    }
    return this.#from;
  }

  /** Puts the destination's name where the system will read it; false if it is no address of ours. */
  #name(to: SocketAddress): boolean {
    const last = this.#to;
    if (last === to) return true;
    if (last !== undefined && last.port === to.port && last.address === to.address) return true;
    this.#to = undefined;
    if (!writeSocketName(this.#toName, this.#family, to)) return false;
    this.#to = { address: to.address, port: to.port };
    return true;
  }
}
