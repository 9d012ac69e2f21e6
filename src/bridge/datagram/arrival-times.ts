import type { Clock } from '../../core/ports/clock.ts';
import type { Address, LinuxCalls } from './linux-calls.ts';

// Values of Linux, the same on x86-64 and ARM64.
const CLOCK_REALTIME = 0;
/** The time at which the datagram that was received last had come, as a `timespec`. */
const SIOCGSTAMPNS = 0x8907;

/** The thread looks at its sockets every few milliseconds: after this it has stood still. */
const LATE_US = 20_000;
/** Two clocks are read in a row: further apart the thread was interrupted between them. */
const TOGETHER_US = 1_000;
const TRIES = 3;

/**
 * When datagrams came that waited for the thread. As long as it looks often enough the moment at which it looks
 * will do. After it has stood still the system is asked of each, so that nothing that depends on the
 * time of an arrival (a place in a recording, a delay) takes our lateness for that of the network.
 */
export class ArrivalTimes {
  /** `of` knows better than the clock. */
  areLate = false;
  readonly #calls: LinuxCalls;
  readonly #clock: Clock;
  /** A `struct timespec`: seconds and nanoseconds, 64 bits each. */
  readonly #time = new Uint32Array(new ArrayBuffer(16));
  readonly #timeAt: Address;
  #beganUs = 0;
  /** All that had come by then was received. */
  #receivedUntilUs: number;
  /** From the system's wall clock to ours, as of now. */
  #offsetUs = 0;

  constructor(calls: LinuxCalls, clock: Clock) {
    this.#calls = calls;
    this.#clock = clock;
    this.#timeAt = calls.addressOf(this.#time.buffer);
    this.#receivedUntilUs = clock.monotonicUs();
  }

  /** From now on the system keeps the times for a new socket. */
  keepFor(fd: number): void {
    // Asked for the first time it has none, and that is how it learns that somebody will ask.
    this.#calls.ioctl(fd, SIOCGSTAMPNS, this.#timeAt);
  }

  /** The sockets are looked at. */
  begin(): void {
    this.#beganUs = this.#clock.monotonicUs();
    this.areLate = this.#beganUs - this.#receivedUntilUs > LATE_US && this.#compareClocks();
  }

  /** They are empty. */
  end(): void {
    this.#receivedUntilUs = this.#beganUs;
  }

  /** When the datagram came that was just received from a socket, on our clock. */
  of(fd: number, nowUs: number): number {
    if (this.#calls.ioctl(fd, SIOCGSTAMPNS, this.#timeAt) < 0) return nowUs;
    // The wall clock may have been set meanwhile.
    const cameUs = this.#timeUs + this.#offsetUs;
    return Math.min(nowUs, Math.max(this.#receivedUntilUs, cameUs));
  }

  #compareClocks(): boolean {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const beforeUs = this.#clock.monotonicUs();
      if (this.#calls.clockGetTime(CLOCK_REALTIME, this.#timeAt) < 0) return false;
      if (this.#clock.monotonicUs() - beforeUs > TOGETHER_US) continue;
      this.#offsetUs = beforeUs - this.#timeUs;
      return true;
    }
    return false;
  }

  get #timeUs(): number {
    const time = this.#time;
    const seconds = (time[1] ?? 0) * 2 ** 32 + (time[0] ?? 0);
    return seconds * 1_000_000 + (time[2] ?? 0) / 1000;
  }
}
