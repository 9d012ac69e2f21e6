import type { Timer } from '../../core/ports/clock.ts';
import type { ReferOutcome, ReferTarget } from '../../core/ports/session-control.ts';
import { formatNameAddress, parseNameAddress } from '../../protocols/sip/name-address.ts';
import { parseParameters } from '../../protocols/sip/parameters.ts';
import { formatReferTo } from '../../protocols/sip/refer-to.ts';
import { SIPFRAG_TYPE, parseStatusFragment } from '../../protocols/sip/sipfrag.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import { TRANSACTION_TIMEOUT_MS } from '../transaction/timings.ts';
import type { DialogMessages } from './dialog-messages.ts';

type Referral = {
  /** CSeq number of the REFER as sent last, which `id` of `Event` repeats (RFC 3515 §2.4.6). */
  cseqNumber: number;
  settled: boolean;
  hasNotice: boolean;
  readonly timer: Timer;
  /** Runs from the 2xx to the first NOTIFY. */
  noticeTimer: Timer | undefined;
  readonly settle: (outcome: ReferOutcome) => void;
};

/** A dialog with more of them at once is no transfer. */
const MAX_REFERRALS = 8;

/** REFERs of ours in one dialog, and the NOTIFYs about them (RFC 3515). */
export class SentReferrals {
  readonly #messages: DialogMessages;
  readonly #onGone: () => void;
  readonly #onIdle: () => void;
  readonly #referrals: Referral[] = [];

  /** `onGone`: the far side does not know the dialog; `onIdle`: no outcome is waited for any more. */
  constructor(messages: DialogMessages, onGone: () => void, onIdle: () => void) {
    this.#messages = messages;
    this.#onGone = onGone;
    this.#onIdle = onIdle;
  }

  /** Whether an outcome is waited for. */
  get isWaiting(): boolean {
    return this.#referrals.some((referral) => !referral.settled);
  }

  /** Resolves with the outcome; 408 after `timeoutMs`, or when no NOTIFY follows the 2xx. Never rejects. */
  refer(target: ReferTarget, timeoutMs: number): Promise<ReferOutcome> {
    const referTo = formatReferTo(target.uri, target.headers);
    if (referTo === undefined) return Promise.resolve({ status: 404, reason: 'Not a SIP URI' });
    if (this.#referrals.length >= MAX_REFERRALS) {
      return Promise.resolve({ status: 491, reason: 'Too many transfers' });
    }
    return new Promise((resolve) => {
      const referral: Referral = {
        cseqNumber: 0,
        settled: false,
        hasNotice: false,
        noticeTimer: undefined,
        timer: this.#messages.context.clock.setTimer(timeoutMs, () => {
          this.#settle(referral, { status: 408, reason: 'No outcome' });
        }),
        settle: resolve,
      };
      // Before the REFER: its first NOTIFY may overtake the 202.
      this.#referrals.push(referral);
      void this.#send(referral, referTo, target.referredBy);
    });
  }

  receiveNotify(transaction: ServerTransaction): void {
    const { request } = transaction;
    const [event = '', ...rest] = (request.headers.get('Event') ?? '').split(';');
    if (event.trim().toLowerCase() !== 'refer') {
      this.#messages.respond(transaction, 489, { headers: [['Allow-Events', 'refer']] });
      return;
    }
    const parameters = parseParameters(rest.length === 0 ? '' : `;${rest.join(';')}`);
    const id = parameters.ok ? parameters.value.get('id') : undefined;
    const referral = this.#find(id);
    if (referral === undefined) {
      this.#messages.respond(transaction, 481);
      return;
    }
    this.#messages.respond(transaction, 200);
    referral.hasNotice = true;
    referral.noticeTimer?.cancel();
    const type = (request.headers.get('Content-Type') ?? '').split(';', 1)[0]?.trim().toLowerCase();
    const fragment = type === SIPFRAG_TYPE ? parseStatusFragment(request.body) : undefined;
    const state = request.headers.get('Subscription-State') ?? '';
    const isLast = /^\s*terminated\b/i.test(state);
    if (fragment !== undefined && fragment.status >= 200) this.#settle(referral, fragment);
    else if (isLast) this.#settle(referral, { status: 480, reason: 'No outcome was told' });
    if (isLast) this.#forget(referral);
  }

  /** The dialog is over for us: nothing is waited for any more. Idempotent. */
  stop(): void {
    for (const referral of [...this.#referrals]) {
      this.#settle(referral, { status: 487, reason: 'The call is over' });
    }
    this.#referrals.length = 0;
  }

  async #send(referral: Referral, referTo: string, referredBy: string | undefined): Promise<void> {
    const by = referredBy === undefined ? undefined : asNameAddress(referredBy);
    const sending = this.#messages.send('REFER', {
      headers: [
        ['Refer-To', referTo],
        ...(by === undefined ? [] : [['Referred-By', by] as const]),
        ['Allow-Events', 'refer'],
      ],
    });
    const outcome = await sending;
    if (outcome === 'gone') {
      this.#settle(referral, { status: 408, reason: 'The far side does not answer' });
      this.#forget(referral);
      this.#onGone();
      return;
    }
    referral.cseqNumber = outcome.cseq.number;
    if (outcome.status >= 300) {
      this.#settle(referral, { status: outcome.status, reason: outcome.reason, isRefused: true });
      this.#forget(referral);
    } else if (/^\s*false\b/i.test(outcome.headers.get('Refer-Sub') ?? '')) {
      // No NOTIFY will come (RFC 4488): that it was accepted is all that there is to know.
      this.#settle(referral, { status: 202, reason: 'Accepted' });
      this.#forget(referral);
    } else if (!referral.hasNotice && !referral.settled) this.#awaitNotice(referral);
  }

  /** The first NOTIFY follows at once (RFC 3515 §2.4.4), or there will be none (RFC 6665 §4.1.2.4, Timer N). */
  #awaitNotice(referral: Referral): void {
    const { clock } = this.#messages.context;
    referral.noticeTimer = clock.setTimer(TRANSACTION_TIMEOUT_MS, () => {
      this.#settle(referral, { status: 408, reason: 'No NOTIFY' });
      this.#forget(referral);
    });
  }

  /** By `id`; without one, or before the number is known, the oldest that waits. */
  #find(id: string | undefined): Referral | undefined {
    const exact = this.#referrals.find((each) => id === String(each.cseqNumber));
    if (exact !== undefined) return exact;
    const open = this.#referrals.filter((each) => id === undefined || each.cseqNumber === 0);
    return open.find((each) => !each.settled) ?? open[0];
  }

  #settle(referral: Referral, outcome: ReferOutcome): void {
    if (referral.settled) return;
    referral.settled = true;
    referral.timer.cancel();
    referral.noticeTimer?.cancel();
    const { status, reason, isRefused } = outcome;
    referral.settle({ status, reason, ...(isRefused === true && { isRefused }) });
    if (!this.isWaiting) this.#onIdle();
  }

  #forget(referral: Referral): void {
    const at = this.#referrals.indexOf(referral);
    if (at >= 0) this.#referrals.splice(at, 1);
  }
}

/** `undefined` for what is no address: the header is left out then. */
function asNameAddress(text: string): string | undefined {
  const address = parseNameAddress(text);
  return address.ok ? formatNameAddress(address.value) : undefined;
}
