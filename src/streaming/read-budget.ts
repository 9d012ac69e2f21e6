import type { Clock, Timer } from '../core/ports/clock.ts';

/** More than a hundred times what one stream of audio needs. */
const BYTES_A_SECOND = 8 * 1024 * 1024;
/** What a message costs beside its bytes, so that many small ones cost as much as they are work. */
const MESSAGE_COST_BYTES = 1024;
const SECOND_MS = 1000;

type Readable = { pause(): void; resume(): void };

/** Keeps a socket that sends without end from having the thread to itself: it is read from a second later. */
export class ReadBudget {
  readonly #socket: Readable;
  readonly #clock: Clock;
  #sinceUs: number;
  #spentBytes = 0;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(socket: Readable, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.#sinceUs = clock.monotonicUs();
  }

  /** A message has been read. */
  spend(bytes: number): void {
    if (this.#isClosed) return;
    const nowUs = this.#clock.monotonicUs();
    if (nowUs - this.#sinceUs >= SECOND_MS * 1000) {
      this.#sinceUs = nowUs;
      this.#spentBytes = 0;
    }
    this.#spentBytes += bytes + MESSAGE_COST_BYTES;
    if (this.#spentBytes <= BYTES_A_SECOND || this.#timer !== undefined) return;
    this.#socket.pause();
    this.#timer = this.#clock.setTimer(SECOND_MS, () => {
      this.#timer = undefined;
      this.#socket.resume();
    });
  }

  /** Reads on without a limit: the socket is closing. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    if (this.#timer !== undefined) this.#socket.resume();
  }
}
