import { WebSocket, type RawData } from 'ws';
import type { AudioSocket, SocketEnd } from '../core/ports/audio-socket.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';
import { ReadBudget } from './read-budget.ts';

/** What waits to be sent; about twenty seconds of one stream. More is dropped. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
/** One that has not answered a ping until the next one is due is gone. */
const PING_MS = 15_000;
const CLOSE_MS = 2_000;
const NORMAL_CLOSURE = 1000;
const MAX_REASON_CHARACTERS = 200;

/** On purpose: 1000, or no status at all (RFC 6455 §7.4.1). */
const CLOSED_BY_WISH: ReadonlySet<number> = new Set([1000, 1005]);
/** Going away, connection lost, internal error, restart, try again later, bad gateway. */
const MAY_COME_BACK: ReadonlySet<number> = new Set([1001, 1006, 1011, 1012, 1013, 1014]);

/** A socket whose handshake is done. */
export class OpenAudioSocket implements AudioSocket {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #budget: ReadBudget;
  #timer: Timer | undefined;
  #isAlive = true;
  /** It sent what cannot be read. */
  #isBroken = false;
  /** Resolves when the connection is gone. */
  readonly gone: Promise<void>;
  onMessage: (text: string) => void = () => undefined;
  onClose: (reason: string, end: SocketEnd) => void = () => undefined;

  constructor(socket: WebSocket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.#budget = new ReadBudget(socket, clock);
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('ping', (data) => {
      this.#budget.spend(data.length);
    });
    socket.on('message', (data: RawData, isBinary) => {
      const bytes = bytesOf(data);
      this.#budget.spend(bytes.length);
      if (!isBinary) this.onMessage(bytes.toString('utf8'));
    });
    socket.on('error', (error) => {
      if ('code' in error && String(error.code).startsWith('WS_ERR_')) this.#isBroken = true;
    });
    this.gone = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        this.#timer?.cancel();
        this.#budget.close();
        resolve();
        const text = reason.toString('utf8').slice(0, MAX_REASON_CHARACTERS);
        const because = text === '' ? `closed with ${code}` : `closed with ${code}: ${text}`;
        this.onClose(because, this.#endOf(code));
      });
    });
    this.#keepAlive();
  }

  send(text: string): boolean {
    const { readyState, bufferedAmount } = this.#socket;
    if (readyState !== WebSocket.OPEN || bufferedAmount > MAX_BUFFERED_BYTES) return false;
    this.#socket.send(text);
    return true;
  }

  close(): void {
    if (this.#socket.readyState >= WebSocket.CLOSING) return;
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(CLOSE_MS, () => {
      this.#socket.terminate();
    });
    // Whatever comes before the other side's own close is read, and read over.
    this.onMessage = () => undefined;
    this.#budget.close();
    this.#socket.close(NORMAL_CLOSURE);
  }

  #endOf(code: number): SocketEnd {
    if (CLOSED_BY_WISH.has(code)) return 'closed';
    return MAY_COME_BACK.has(code) && !this.#isBroken ? 'lost' : 'rejected';
  }

  #keepAlive(): void {
    this.#timer = this.#clock.setTimer(PING_MS, () => {
      if (!this.#isAlive) {
        this.#socket.terminate();
        return;
      }
      this.#isAlive = false;
      this.#socket.ping();
      this.#keepAlive();
    });
  }
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
