import { getSystemErrorName } from 'node:util';
import { TapedeckError } from '../../core/error.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type {
  BindOptions,
  DatagramNetwork,
  DatagramSocket,
  SocketAddress,
} from '../../core/ports/datagram.ts';
import { familyOf, type AddressFamily } from './ip-address.ts';
import type { LinuxCalls } from './linux-calls.ts';
import type { SleepingNetwork } from './sleeping-network.ts';
import { LinuxDatagramSocket, SharedMemory } from './linux-socket.ts';
import { bindError, PROBES, RECEIVE_BUFFER_BYTES } from './node-network.ts';
import {
  AF_INET,
  AF_INET6,
  readSocketName,
  SOCKET_NAME_BYTES,
  socketNameBytes,
  writeSocketName,
} from './socket-name.ts';

// Values of Linux, from its headers; the same on x86-64 and ARM64.
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** `struct epoll_event` in 32-bit words: it is packed on x86-64 only; the last two are ours. */
const EVENT_WORDS = process.arch === 'x64' ? 3 : 4;
const EVENTS_PER_WAIT = 512;
/** After so many datagrams the event loop gets a turn, however many are waiting. */
const DATAGRAMS_PER_TURN = 1_024;
/** … nor do more than so many turns' worth of them hold up what cannot go on before they are taken. */
const TURNS_AT_ONCE = 16;

export const DEFAULT_SLEEP_MS = 4;
/** The sleep while somebody waits for work of this thread. */
const URGENT_SLEEP_MS = 0.2;

export type LinuxNetworkOptions = {
  /**
   * How long the thread sleeps between two looks at its sockets. Half of it is added to the delay
   * of a relayed packet, all of it to that of a message to this thread. Default 4.
   */
  readonly sleepMs?: number;
};

/**
 * UDP by the system's own calls, in batches. While a socket is open, the thread sleeps a few
 * milliseconds, then takes what has arrived on all sockets, then gives the event loop one turn.
 * Waking once for many packets costs less than half of waking for each. The sleep blocks the
 * thread: use it where the thread has nothing else to do, as a media worker.
 */
export class LinuxDatagramNetwork implements DatagramNetwork, SleepingNetwork {
  readonly #calls: LinuxCalls;
  readonly #memory: SharedMemory;
  readonly #events = new Int32Array(new ArrayBuffer(EVENTS_PER_WAIT * EVENT_WORDS * 4));
  readonly #eventsAt: number;
  readonly #epoll: number;
  readonly #sleepMs: number;
  readonly #clock: Clock;
  /** Open sockets by slot; the slot number is what the system hands back with an event. */
  readonly #slots: (LinuxDatagramSocket | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #neverWoken = new Int32Array(new SharedArrayBuffer(4));
  #openSockets = 0;
  #generation = 0;
  #running = false;
  #isBehind = false;
  #urgentWork = 0;
  #closed = false;

  constructor(calls: LinuxCalls, clock: Clock, options: LinuxNetworkOptions = {}) {
    this.#calls = calls;
    this.#memory = new SharedMemory(calls, clock);
    this.#eventsAt = calls.addressOf(this.#events.buffer);
    this.#clock = clock;
    this.#sleepMs = options.sleepMs ?? DEFAULT_SLEEP_MS;
    this.#epoll = calls.epollCreate(EPOLL_CLOEXEC);
    if (this.#epoll < 0) throw systemError('epoll_create1', calls.errno());
  }

  bind(options: BindOptions): Promise<DatagramSocket> {
    try {
      return Promise.resolve(this.#bindFixed(options));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  expedite(work: Promise<unknown>): void {
    this.#urgentWork += 1;
    const done = (): void => {
      this.#urgentWork -= 1;
    };
    work.then(done, done);
  }

  receiveWaiting(): void {
    for (let turn = 0; turn < TURNS_AT_ONCE; turn += 1) {
      if (this.#closed || !this.#drain()) return;
    }
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    for (const socket of this.#slots) socket?.close();
    this.#calls.close(this.#epoll);
    return Promise.resolve();
  }

  #bindFixed(options: BindOptions): DatagramSocket {
    if (options.port !== 0) return this.#bind(options);
    // As `node:dgram` in `bindFixed`: a port of the system's choice is lost by disconnecting.
    for (let attempt = 1; ; attempt += 1) {
      const probe = this.#bind(options);
      probe.close();
      try {
        return this.#bind({ ...options, port: probe.local.port });
      } catch (error) {
        if (attempt === PROBES) throw error;
      }
    }
  }

  #bind({ host, port, receive }: BindOptions): DatagramSocket {
    if (this.#closed) throw new TapedeckError('shutting-down', 'the datagram network is closed');
    const family = familyOf(host);
    if (family === undefined) {
      throw new TapedeckError('argument-invalid', `${host} is not an IP address`, {
        field: 'host',
      });
    }
    const calls = this.#calls;
    const fd = calls.socket(
      family === 'IPv4' ? AF_INET : AF_INET6,
      SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
      0,
    );
    if (fd < 0) throw bindError(host, port, systemError('socket', calls.errno()));
    try {
      const local = this.#prepare(fd, family, { address: host, port });
      const slot = this.#freeSlots.pop() ?? this.#slots.length;
      const generation = (this.#generation = (this.#generation + 1) | 0);
      const socket = new LinuxDatagramSocket(
        this.#memory,
        fd,
        family,
        local,
        receive,
        generation,
        () => {
          this.#slots[slot] = undefined;
          this.#freeSlots.push(slot);
          this.#openSockets -= 1;
        },
      );
      this.#watch(fd, slot, generation);
      this.#slots[slot] = socket;
      this.#openSockets += 1;
      this.#start();
      return socket;
    } catch (error) {
      calls.close(fd);
      throw error;
    }
  }

  /** Options and name of a new socket; returns the name that the system gave. */
  #prepare(fd: number, family: AddressFamily, wanted: SocketAddress): SocketAddress {
    const { calls, numbers, numbersAt, name, nameAt } = this.#memory;
    const setOption = (level: number, option: number, value: number): void => {
      numbers[0] = value;
      calls.setsockopt(fd, level, option, numbersAt, 4);
    };
    setOption(SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
    if (family === 'IPv6') setOption(IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (!writeSocketName(name, family, wanted)) {
      throw new TapedeckError('argument-invalid', `${wanted.port} is not a port`, {
        field: 'port',
      });
    }
    if (calls.bind(fd, nameAt, socketNameBytes(family)) < 0) {
      throw bindError(wanted.address, wanted.port, systemError('bind', calls.errno()));
    }
    numbers[0] = SOCKET_NAME_BYTES;
    if (calls.getsockname(fd, nameAt, numbersAt) < 0) {
      throw systemError('getsockname', calls.errno());
    }
    return readSocketName(name, family);
  }

  #watch(fd: number, slot: number, generation: number): void {
    const { calls, numbers, numbersAt } = this.#memory;
    numbers.fill(0);
    numbers[0] = EPOLLIN;
    numbers[EVENT_WORDS - 2] = slot;
    numbers[EVENT_WORDS - 1] = generation;
    if (calls.epollControl(this.#epoll, EPOLL_CTL_ADD, fd, numbersAt) < 0) {
      throw systemError('epoll_ctl', calls.errno());
    }
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    if (this.#openSockets === 0) {
      this.#running = false;
      return;
    }
    // With more waiting than one turn may take, there is no time to sleep.
    if (!this.#isBehind) {
      const sleepMs = this.#urgentWork > 0 ? URGENT_SLEEP_MS : this.#sleepMs;
      Atomics.wait(this.#neverWoken, 0, 0, sleepMs);
    }
    try {
      this.#isBehind = this.#drain();
    } finally {
      setImmediate(this.#turn);
    }
  };

  /**
   * One datagram per ready socket and round: asking a socket again only to hear that it is empty
   * would be a wasted call, and the next round names those that have more. True if the turn ended
   * before the sockets were empty.
   */
  #drain(): boolean {
    const events = this.#events;
    const { arrivals } = this.#memory;
    arrivals.begin();
    for (let taken = 0; taken < DATAGRAMS_PER_TURN;) {
      // A receiver may have closed the network.
      if (this.#closed) return false;
      const ready = this.#calls.epollWait(this.#epoll, this.#eventsAt, EVENTS_PER_WAIT, 0);
      if (ready <= 0) {
        arrivals.end();
        return false;
      }
      const nowUs = this.#clock.monotonicUs();
      for (let end = EVENT_WORDS; end <= ready * EVENT_WORDS; end += EVENT_WORDS) {
        const socket = this.#slots[events[end - 2] ?? -1];
        // A receiver may have closed this socket, and opened another in its slot, since the wait.
        if (socket?.generation === events[end - 1]) socket?.take(nowUs);
      }
      taken += ready;
    }
    return true;
  }
}

function systemError(call: string, errno: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${call}: ${code}`), { code, errno: -errno, syscall: call });
}
