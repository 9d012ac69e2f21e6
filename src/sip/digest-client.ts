import type { Random } from '../core/ports/random.ts';
import { answerChallenge, chooseChallenge } from '../protocols/sip/digest.ts';
import type { SipRequest, SipResponse } from '../protocols/sip/message.ts';
import { formatSipUri } from '../protocols/sip/uri.ts';
import type { ClientFailure } from './transaction/client-outcome.ts';
import type {
  ClientTransactions,
  RequestDraft,
  RequestTarget,
} from './transaction/client-transactions.ts';

/** Who we are when somebody asks. */
export type Credentials = { readonly username: string; readonly password: string };

export type Outcome =
  | { readonly kind: 'response'; readonly response: SipResponse }
  | { readonly kind: 'failure'; readonly failure: ClientFailure };

export type ExtraHeaders = readonly (readonly [string, string])[];

const CNONCE_BYTES = 8;
/** One for the proxy, one for the server behind it, and one stale nonce each. */
const MAX_ATTEMPTS = 5;

/**
 * Answers the 401 and 407 to one request and its repetitions (RFC 3261 §22.2, §22.3). Gives up,
 * as it must, when an answer is refused without a fresh nonce.
 */
export class ChallengeAnswers {
  readonly #credentials: Credentials | undefined;
  readonly #random: Random;
  readonly #answered = new Map<string, { readonly nonce: string; readonly value: string }>();
  #attempts = 1;

  constructor(credentials: Credentials | undefined, random: Random) {
    this.#credentials = credentials;
    this.#random = random;
  }

  /** Headers with which to send the request again; `undefined` if that makes no sense. */
  answer(request: SipRequest, response: SipResponse): ExtraHeaders | undefined {
    if (response.status !== 401 && response.status !== 407) return undefined;
    const isProxy = response.status === 407;
    const challenge = chooseChallenge(
      response.headers.all(isProxy ? 'Proxy-Authenticate' : 'WWW-Authenticate'),
    );
    if (this.#credentials === undefined || challenge === undefined) return undefined;
    if (this.#attempts >= MAX_ATTEMPTS) return undefined;
    const header = isProxy ? 'Proxy-Authorization' : 'Authorization';
    const key = `${header} ${challenge.realm}`;
    const before = this.#answered.get(key);
    if (before !== undefined && (!challenge.stale || before.nonce === challenge.nonce)) {
      return undefined;
    }
    this.#attempts += 1;
    const value = answerChallenge(challenge, {
      ...this.#credentials,
      method: request.method,
      uri: formatSipUri(request.uri),
      cnonce: this.#random.hex(CNONCE_BYTES),
      nonceCount: 1,
    });
    this.#answered.set(key, { nonce: challenge.nonce, value });
    return this.headers();
  }

  /** The answers so far; the ACK of an INVITE carries them too (RFC 3261 §22.1). */
  headers(): ExtraHeaders {
    return [...this.#answered].map(
      ([key, { value }]) => [key.split(' ', 1)[0] ?? '', value] as const,
    );
  }
}

export type SendOptions = {
  readonly clients: ClientTransactions;
  readonly random: Random;
  readonly target: RequestTarget;
  readonly credentials: Credentials | undefined;
  /** The request with these headers added and a CSeq of its own; called once an attempt. */
  readonly draft: (authorization: ExtraHeaders) => RequestDraft;
};

/** Sends a request other than INVITE; resolves with its final response, or with why there is none. */
export function sendWithCredentials(options: SendOptions): Promise<Outcome> {
  const answers = new ChallengeAnswers(options.credentials, options.random);
  return new Promise((resolve) => {
    const attempt = (authorization: ExtraHeaders): void => {
      const transaction = options.clients.send(options.draft(authorization), options.target, {
        onResponse: (response) => {
          if (response.status < 200) return;
          const again = answers.answer(transaction.request, response);
          if (again === undefined) resolve({ kind: 'response', response });
          else attempt(again);
        },
        onFailure: (failure) => {
          resolve({ kind: 'failure', failure });
        },
      });
    };
    attempt([]);
  });
}
