import type { Clock } from '../../core/ports/clock.ts';
import type { SocketAddress } from '../../core/ports/datagram.ts';
import type { StreamConnection } from '../../core/ports/stream.ts';
import type { SipMessage } from '../../protocols/sip/message.ts';
import type { SipRejection } from '../../protocols/sip/rejection.ts';
import { StreamFramer } from '../../protocols/sip/stream-framer.ts';

export type TcpConnectionHandlers = {
  readonly onMessage: (message: SipMessage) => void;
  /** A defective request that can still be refused. */
  readonly onRejection: (rejection: SipRejection) => void;
  /** Called once. */
  readonly onClose: () => void;
};

/** Keep-alive answer (RFC 5626 §3.5.1). */
const PONG: Uint8Array = new Uint8Array([0x0d, 0x0a]);
/** So many defective messages in a row are no SIP peer. */
const MAX_DEFECTS_IN_A_ROW = 20;

/** One stream connection with its framing. Owns the stream. */
export class TcpConnection {
  readonly id: number;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly #stream: StreamConnection;
  readonly #clock: Clock;
  readonly #handlers: TcpConnectionHandlers;
  readonly #framer = new StreamFramer();
  #holds = 0;
  #spoke = false;
  #defectsInARow = 0;
  #lastActivityUs: number;
  #closed = false;

  constructor(id: number, stream: StreamConnection, clock: Clock, handlers: TcpConnectionHandlers) {
    this.id = id;
    this.local = stream.local;
    this.remote = stream.remote;
    this.#stream = stream;
    this.#clock = clock;
    this.#handlers = handlers;
    this.#lastActivityUs = clock.monotonicUs();
    stream.onData = (data) => {
      this.#receive(data);
    };
    stream.onClose = () => {
      this.#finish();
    };
  }

  /** Whether a whole message has come. */
  get spoke(): boolean {
    return this.#spoke;
  }

  get lastActivityUs(): number {
    return this.#lastActivityUs;
  }

  get isHeld(): boolean {
    return this.#holds > 0;
  }

  /** Keeps the connection from being reaped until the returned function is called. */
  hold(): () => void {
    this.#holds += 1;
    let held = true;
    return () => {
      if (held) this.#holds -= 1;
      held = false;
    };
  }

  /** `false`: the peer does not read, or is gone; the connection is closed then. */
  write(bytes: Uint8Array): boolean {
    if (this.#closed) return false;
    this.#lastActivityUs = this.#clock.monotonicUs();
    if (this.#stream.write(bytes)) return true;
    this.close();
    return false;
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#stream.close();
    this.#finish();
  }

  #finish(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handlers.onClose();
  }

  #receive(data: Uint8Array): void {
    for (const event of this.#framer.push(data)) {
      if (this.#closed) return;
      switch (event.kind) {
        case 'message':
          this.#heard();
          this.#handlers.onMessage(event.message);
          break;
        case 'ping':
          this.#heard();
          this.write(PONG);
          break;
        case 'defect':
          if (event.rejection !== undefined) this.#handlers.onRejection(event.rejection);
          this.#defectsInARow += 1;
          if (event.fatal || this.#defectsInARow >= MAX_DEFECTS_IN_A_ROW) this.close();
          break;
      }
    }
  }

  /** Only whole messages count as life: a byte now and then keeps nothing open. */
  #heard(): void {
    this.#spoke = true;
    this.#defectsInARow = 0;
    this.#lastActivityUs = this.#clock.monotonicUs();
  }
}
