import type { Timer } from '../../core/ports/clock.ts';
import { responseTo, type HeaderList, type ResponseOptions } from '../../protocols/sip/build.ts';
import type { SipResponse } from '../../protocols/sip/message.ts';
import type { Dialog } from '../dialog.ts';
import { ChallengeAnswers, sendWithCredentials, type Credentials } from '../digest-client.ts';
import type { RequestDraft, RequestTarget } from '../transaction/client-transactions.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import { TRANSACTION_TIMEOUT_MS } from '../transaction/timings.ts';
import type { Target } from '../transport/flow.ts';
import { inDialogTarget } from './in-dialog-target.ts';
import type { SipContext } from './sip-context.ts';

export type DialogMessagesOptions = {
  readonly context: SipContext;
  readonly dialog: Dialog;
  /** Where the far side was last heard; `undefined` for a dialog that was restored. */
  readonly flow: Target | undefined;
  readonly credentials: Credentials | undefined;
  /** User part of our Contact. */
  readonly contactUser: string;
};

/** What a request of ours carries beside the dialog's own fields. */
export type DialogMessage = {
  readonly headers?: HeaderList;
  readonly body?: Uint8Array;
  readonly contentType?: string;
};

/** `gone`: the far side does not know the dialog any more (481), or did not answer (408). */
export type DialogOutcome = SipResponse | 'gone';

/** Far-away upper bound of the Retry-After of RFC 3261 §14.2. */
const MAX_RETRY_AFTER_S = 10;

/** Requests and responses of ours within one dialog. */
export class DialogMessages {
  readonly context: SipContext;
  readonly dialog: Dialog;
  readonly #options: DialogMessagesOptions;
  #flow: Target | undefined;

  constructor(options: DialogMessagesOptions) {
    this.#options = options;
    this.#flow = options.flow;
    this.context = options.context;
    this.dialog = options.dialog;
  }

  /** The value of our Contact in messages to this target. */
  contact(target: Target): string {
    return this.context.contact(this.#options.contactUser, target);
  }

  /** Where the next request goes. */
  target(): Promise<RequestTarget | undefined> {
    return inDialogTarget(this.context, this.dialog, this.#flow);
  }

  /** Where the far side was last heard. */
  get flow(): Target | undefined {
    return this.#flow;
  }

  /**
   * The far side was heard there: its router has given it another port, it has another address, or it has
   * made a new connection. Whose name was proved at the old one is still looked for there.
   */
  follow(flow: Target): void {
    const { serverName } = this.#flow ?? {};
    this.#flow = serverName === undefined ? flow : { ...flow, serverName };
  }

  respond(
    transaction: ServerTransaction,
    status: number,
    options: ResponseOptions = {},
    reason?: string,
  ): void {
    const retry = status === 500 && options.headers === undefined;
    transaction.respond(
      responseTo(transaction.request, status, reason, {
        toTag: this.dialog.localTag,
        ...(retry ? { headers: [['Retry-After', this.#retryAfter()]] } : {}),
        ...options,
      }),
    );
  }

  /** Any request but INVITE; challenges are answered. Never rejects. */
  async send(method: string, message: DialogMessage = {}): Promise<DialogOutcome> {
    const target = await this.target();
    if (target === undefined) return 'gone';
    const outcome = await sendWithCredentials({
      clients: this.context.clients,
      random: this.context.random,
      target,
      credentials: this.#options.credentials,
      draft: (authorization) => this.#draft(method, target, message, authorization),
    });
    if (outcome.kind === 'failure') return 'gone';
    return isGone(outcome.response) ? 'gone' : outcome.response;
  }

  /**
   * A re-INVITE; every 2xx is acknowledged. One that stays without a final response is cancelled.
   * Never rejects.
   */
  async invite(message: DialogMessage): Promise<DialogOutcome> {
    const target = await this.target();
    if (target === undefined) return 'gone';
    const answers = new ChallengeAnswers(this.#options.credentials, this.context.random);
    const { clients, clock } = this.context;
    return new Promise((resolve) => {
      const attempt = (authorization: HeaderList): void => {
        const draft = this.#draft('INVITE', target, message, authorization);
        let sendAck: (() => void) | undefined;
        let accepted = false;
        let deadline: Timer | undefined;
        const giveUp = (): void => {
          clients.cancel(transaction);
          deadline = clock.setTimer(TRANSACTION_TIMEOUT_MS, () => {
            resolve('gone');
          });
        };
        const transaction = clients.send(draft, target, {
          onResponse: (response) => {
            if (response.status < 200) {
              deadline ??= clock.setTimer(TRANSACTION_TIMEOUT_MS, giveUp);
              return;
            }
            deadline?.cancel();
            if (response.status >= 300) {
              const again = answers.answer(transaction.request, response);
              if (again === undefined) resolve(isGone(response) ? 'gone' : response);
              else attempt(again);
              return;
            }
            if (accepted) {
              sendAck?.();
              return;
            }
            accepted = true;
            this.dialog.refreshTarget(response);
            void this.#acknowledge(draft.cseqNumber, answers.headers(), (send) => {
              sendAck = send;
            });
            resolve(response);
          },
          onFailure: () => {
            deadline?.cancel();
            resolve('gone');
          },
        });
      };
      attempt([]);
    });
  }

  async #acknowledge(
    cseqNumber: number,
    headers: HeaderList,
    keep: (send: () => void) => void,
  ): Promise<void> {
    const target = await this.target();
    if (target === undefined) return;
    const draft = this.dialog.draftAck(cseqNumber, { headers });
    const send = this.context.clients.acknowledge(draft, target);
    keep(send);
    send();
  }

  #draft(
    method: string,
    target: Target,
    message: DialogMessage,
    authorization: HeaderList,
  ): RequestDraft {
    const { headers = [], ...rest } = message;
    return this.dialog.draft(method, {
      ...rest,
      headers: [
        ...(HAS_NO_CONTACT.includes(method) ? [] : [['Contact', this.contact(target)] as const]),
        ...headers,
        ...authorization,
      ],
    });
  }

  #retryAfter(): string {
    return String(Math.floor(this.context.random.fraction() * (MAX_RETRY_AFTER_S + 1)));
  }
}

/** They move no target (RFC 3261 §20.10, RFC 3262 §4). */
const HAS_NO_CONTACT: readonly string[] = ['BYE', 'PRACK'];

function isGone(response: SipResponse): boolean {
  return response.status === 481 || response.status === 408;
}
