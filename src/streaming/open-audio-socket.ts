import { WebSocket, type RawData } from 'ws';
import type { AudioSocket } from '../core/ports/audio-socket.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';

/** What waits to be sent; about ten seconds of one stream. More is dropped. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
/** One that has not answered a ping until the next one is due is gone. */
const PING_MS = 15_000;
const CLOSE_MS = 2_000;
const NORMAL_CLOSURE = 1000;

/** A socket whose handshake is done. */
export class OpenAudioSocket implements AudioSocket {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #isAlive = true;
  onMessage: (text: string) => void = () => undefined;
  onClose: (reason: string) => void = () => undefined;

  constructor(socket: WebSocket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('message', (data: RawData, isBinary) => {
      if (!isBinary) this.onMessage(textOf(data));
    });
    socket.once('close', (code, reason) => {
      this.#timer?.cancel();
      const text = reason.toString('utf8').slice(0, 200);
      this.onClose(text === '' ? `closed with ${code}` : `closed with ${code}: ${text}`);
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
    this.#socket.close(NORMAL_CLOSURE);
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

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.from(data as Buffer).toString('utf8');
}
