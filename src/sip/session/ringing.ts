import type { Timer } from '../../core/ports/clock.ts';
import { responseTo, type HeaderList } from '../../protocols/sip/build.ts';
import type { SipRequest } from '../../protocols/sip/message.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import { listOf } from './option-tags.ts';
import { ReliableProvisional } from './reliable-provisional.ts';
import type { SipContext } from './sip-context.ts';

export type RingingOptions = {
  readonly context: SipContext;
  readonly transaction: ServerTransaction;
  readonly toTag: string;
  /** Of every response. */
  readonly contact: readonly [string, string];
  /** The caller wants its ringing acknowledged and does not do so. */
  readonly onNoPrack: () => void;
};

/** Proxies forget a call that rings for three minutes without a word (RFC 3261 §13.3.1.1). */
const RING_AGAIN_MS = 60_000;

/** The 180s to one INVITE, reliable ones where the caller requires that (RFC 3262). */
export class Ringing {
  readonly #options: RingingOptions;
  readonly #reliable: ReliableProvisional | undefined;
  #again: Timer | undefined;

  constructor(options: RingingOptions) {
    this.#options = options;
    const { context, transaction, onNoPrack } = options;
    const { request } = transaction;
    if (listOf(request.headers, 'Require').includes('100rel')) {
      const { clock, random } = context;
      const cseqNumber = request.cseq.number;
      this.#reliable = new ReliableProvisional({ clock, random, cseqNumber, onNoPrack });
    }
  }

  /** 180 with the given headers; a later one replaces it. Repeated from time to time. */
  ring(headers: Readonly<Record<string, string>>): void {
    const { context, transaction, toTag, contact } = this.#options;
    const respond = (reliable: HeaderList): void => {
      transaction.respond(
        responseTo(transaction.request, 180, undefined, {
          toTag,
          headers: [contact, ...Object.entries(headers), ...reliable],
        }),
      );
    };
    if (this.#reliable === undefined) respond([]);
    // Without an offer of the caller's the first reliable response would have to make one (RFC 3261
    // §13.2.1), before there is any media: such a caller hears nothing until the 200.
    else if (transaction.request.body.byteLength > 0) this.#reliable.send(respond);
    this.#again?.cancel();
    this.#again = context.clock.setTimer(RING_AGAIN_MS, () => {
      this.ring(headers);
    });
  }

  /** Whether the PRACK is for a response of ours; it may come behind the final one. */
  receivePrack(request: SipRequest): boolean {
    return this.#reliable?.receivePrack(request) === true;
  }

  /** The INVITE has its final response. Idempotent. */
  stop(): void {
    this.#again?.cancel();
    this.#reliable?.stop();
  }
}
