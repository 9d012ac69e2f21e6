import { formatStatusFragment, SIPFRAG_TYPE } from '../../protocols/sip/sipfrag.ts';
import type { DialogMessages } from './dialog-messages.ts';

/** What a NOTIFY says about how long the phone may wait for the next. */
const SUBSCRIPTION_S = 180;

type Notice = { readonly status: number; readonly reason: string };

/** The NOTIFYs about one REFER that was accepted, one behind the other (RFC 3515 §2.4.4). */
export class ReferNotices {
  readonly #messages: DialogMessages;
  readonly #eventId: string;
  readonly #onClosed: () => void;
  readonly #waiting: Notice[] = [];
  #isSending = false;
  #isMuted = false;
  #isClosed = false;

  /** `eventId` is the tail of `Event`, empty or `;id=…`; `onClosed` is called once. */
  constructor(messages: DialogMessages, eventId: string, onClosed: () => void) {
    this.#messages = messages;
    this.#eventId = eventId;
    this.#onClosed = onClosed;
  }

  /** The phone wants none (RFC 4488). */
  mute(): void {
    this.#isMuted = true;
  }

  /** A final status is the last; what comes after it is dropped. */
  notify(status: number, reason: string): void {
    if (this.#isClosed) return;
    // Of news that wait for their turn only the newest is of interest.
    if (!this.#isMuted) this.#waiting.splice(0, this.#waiting.length, { status, reason });
    if (status >= 200) this.close();
    if (!this.#isSending) void this.#sendAll();
  }

  /** Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClosed();
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const isLast = next.status >= 200;
      const state = isLast ? 'terminated;reason=noresource' : `active;expires=${SUBSCRIPTION_S}`;
      const outcome = await this.#messages.send('NOTIFY', {
        headers: [
          ['Event', `refer${this.#eventId}`],
          ['Subscription-State', state],
        ],
        body: formatStatusFragment(next),
        contentType: `${SIPFRAG_TYPE};version=2.0`,
      });
      // The phone has forgotten its REFER, or does not answer.
      if (outcome === 'gone') {
        this.#waiting.length = 0;
        this.close();
      }
    }
    this.#isSending = false;
  }
}
