import type { Timer } from '../../core/ports/clock.ts';
import type { IncomingRefer } from '../../core/ports/session-control.ts';
import { parseReferTo, type ReferTo } from '../../protocols/sip/refer-to.ts';
import { formatSipUri } from '../../protocols/sip/uri.ts';
import { userOf } from '../identity-party.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import type { DialogMessages } from './dialog-messages.ts';
import { ReferNotices } from './refer-notices.ts';
import { sessionReplacedBy } from './replaced-session.ts';

/** How long the application may think about it; a phone repeats its REFER for 32 s. */
const DECISION_MS = 20_000;
const MAX_REFERRALS = 8;

/** REFERs of the far side in one dialog (RFC 3515). */
export class ReceivedReferrals {
  readonly #messages: DialogMessages;
  readonly #onRefer: (refer: IncomingRefer) => void;
  #count = 0;
  #underWay = 0;

  constructor(messages: DialogMessages, onRefer: (refer: IncomingRefer) => void) {
    this.#messages = messages;
    this.#onRefer = onRefer;
  }

  receive(transaction: ServerTransaction): void {
    const { headers } = transaction.request;
    const values = headers.all('Refer-To');
    const referTo = parseReferTo(values[0] ?? '');
    if (values.length !== 1 || !referTo.ok) {
      if (!referTo.ok && referTo.defect === 'unsupported-scheme') {
        this.#messages.respond(transaction, 416);
      } else this.#messages.respond(transaction, 400, {}, 'Bad Request (Refer-To)');
      return;
    }
    if (referTo.value.method !== 'INVITE') {
      // Only calls can be asked for.
      this.#messages.respond(transaction, 501);
      return;
    }
    if (this.#underWay >= MAX_REFERRALS) {
      this.#messages.respond(transaction, 503, { headers: [['Retry-After', '10']] });
      return;
    }
    this.#offer(transaction, referTo.value);
  }

  #offer(transaction: ServerTransaction, referTo: ReferTo): void {
    const { context } = this.#messages;
    this.#underWay += 1;
    this.#count += 1;
    // The first may do without (RFC 3515 §2.4.6).
    const id = this.#count === 1 ? '' : `;id=${transaction.request.cseq.number}`;
    const wantsNone = /^\s*false\b/i.test(transaction.request.headers.get('Refer-Sub') ?? '');
    let timer: Timer | undefined;
    const decide = (): boolean => {
      if (timer === undefined) return false;
      timer.cancel();
      timer = undefined;
      return true;
    };
    const refuse = (status: number, reason: string): void => {
      if (!decide()) return;
      this.#underWay -= 1;
      this.#messages.respond(transaction, Math.max(status, 300), {}, reason);
    };
    timer = context.clock.setTimer(DECISION_MS, () => {
      refuse(480, 'Temporarily Unavailable');
    });
    const { uri, replaces } = referTo;
    this.#onRefer({
      user: userOf(uri),
      host: uri.host,
      uri: formatSipUri(uri),
      replaces: replaces === undefined ? undefined : sessionReplacedBy(context, replaces),
      accept: () => {
        const accepted = decide();
        if (accepted) {
          this.#messages.respond(transaction, 202, {
            headers: [
              ['Contact', this.#messages.contact(transaction.flow)],
              ...(wantsNone ? [['Refer-Sub', 'false'] as const] : []),
            ],
          });
        }
        const notices = new ReferNotices(this.#messages, id, () => {
          this.#underWay -= 1;
        });
        if (!accepted) notices.close();
        else if (wantsNone) notices.mute();
        // At once, whatever comes of it (RFC 3515 §2.4.4).
        notices.notify(100, 'Trying');
        return {
          notify: (status, reason) => {
            notices.notify(status, reason);
          },
        };
      },
      refuse,
    });
  }
}
