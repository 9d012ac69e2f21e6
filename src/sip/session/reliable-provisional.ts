import type { Clock, Timer } from '../../core/ports/clock.ts';
import type { Random } from '../../core/ports/random.ts';
import type { HeaderList } from '../../protocols/sip/build.ts';
import type { SipRequest } from '../../protocols/sip/message.ts';
import { parseRAck } from '../../protocols/sip/rack.ts';
import { Retransmission } from '../transaction/retransmission.ts';
import { TRANSACTION_TIMEOUT_MS } from '../transaction/timings.ts';

export type ReliableProvisionalOptions = {
  readonly clock: Clock;
  readonly random: Random;
  /** Number of the INVITE. */
  readonly cseqNumber: number;
  /** No PRACK in 64 T1: the INVITE is to be refused (RFC 3262 §3). */
  readonly onNoPrack: () => void;
};

type Sent = { readonly retransmission: Retransmission; readonly timeout: Timer };

/** Starts below this leave room to count up (RFC 3262 §3). */
const MAX_FIRST_RSEQ = 0x7fff_ffff;

/** The reliable provisional responses to one INVITE, one at a time, each repeated until its PRACK. */
export class ReliableProvisional {
  readonly #options: ReliableProvisionalOptions;
  readonly #firstRSeq: number;
  #rseq: number;
  #sent: Sent | undefined;
  #next: ((headers: HeaderList) => void) | undefined;
  #isStopped = false;

  constructor(options: ReliableProvisionalOptions) {
    this.#options = options;
    this.#firstRSeq = 1 + Math.floor(options.random.fraction() * (MAX_FIRST_RSEQ - 1));
    this.#rseq = this.#firstRSeq - 1;
  }

  /** `send` gets the headers that make the response reliable. While another one waits, only the newest is kept. */
  send(send: (headers: HeaderList) => void): void {
    if (this.#isStopped) return;
    if (this.#sent !== undefined) {
      this.#next = send;
      return;
    }
    this.#rseq += 1;
    const headers = [['Require', '100rel'] as const, ['RSeq', String(this.#rseq)] as const];
    const { clock } = this.#options;
    send(headers);
    this.#sent = {
      // Its interval doubles without a cap; the timeout ends it first.
      retransmission: new Retransmission(clock, TRANSACTION_TIMEOUT_MS, () => {
        send(headers);
      }),
      timeout: clock.setTimer(TRANSACTION_TIMEOUT_MS, () => {
        this.stop();
        this.#options.onNoPrack();
      }),
    };
  }

  /** Whether the PRACK is for a response that was sent; it may come late, or again. */
  receivePrack(request: SipRequest): boolean {
    const rack = parseRAck(request.headers.get('RAck') ?? '');
    if (rack?.cseqNumber !== this.#options.cseqNumber || rack.method !== 'INVITE') return false;
    if (rack.rseq < this.#firstRSeq || rack.rseq > this.#rseq) return false;
    if (rack.rseq === this.#rseq) {
      this.#settle();
      const next = this.#next;
      this.#next = undefined;
      if (next !== undefined) this.send(next);
    }
    return true;
  }

  /** The INVITE has its final response: nothing is repeated any more (RFC 3262 §3). Idempotent. */
  stop(): void {
    this.#isStopped = true;
    this.#next = undefined;
    this.#settle();
  }

  #settle(): void {
    this.#sent?.retransmission.stop();
    this.#sent?.timeout.cancel();
    this.#sent = undefined;
  }
}
