import type { Clock, Timer } from '../core/ports/clock.ts';
import type { Logger } from '../core/ports/log.ts';
import type { Random } from '../core/ports/random.ts';
import { sipUri, type SipUri } from '../protocols/sip/uri.ts';
import type { SipEndpoint } from '../sip/endpoint.ts';

const EXPIRES_S = 300;
const RETRY_MS = 5000;
/** How long leaving may hold up the end of the process. */
const LEAVE_MS = 500;

export type RegistrationOptions = {
  readonly endpoint: SipEndpoint;
  readonly server: SipUri;
  readonly credentials: { readonly username: string; readonly password: string };
  /** User part of the Contact that the phone answers to. */
  readonly contactUser: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
};

/** Keeps one phone registered (RFC 3261 §10.2), by digest. */
export class Registration {
  readonly #options: RegistrationOptions;
  readonly #callId: string;
  #cseqNumber = 0;
  #timer: Timer | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#callId = options.random.uuid();
  }

  /** Resolves when the first attempt is over, with whether it succeeded; goes on by itself. */
  async refresh(): Promise<boolean> {
    const status = await this.#register(EXPIRES_S);
    const succeeded = status !== undefined && status < 300;
    if (!succeeded && this.#closing === undefined) {
      const { log, credentials } = this.#options;
      log.warn({ user: credentials.username, status }, 'simulated phone could not register');
    }
    if (this.#closing === undefined) {
      const waitMs = succeeded ? (EXPIRES_S * 1000) / 2 : RETRY_MS;
      this.#timer = this.#options.clock.setTimer(waitMs, () => {
        void this.refresh();
      });
    }
    return succeeded;
  }

  /** Takes the registration back, if the server answers soon. Idempotent. */
  close(): Promise<void> {
    this.#timer?.cancel();
    this.#closing ??= new Promise((resolve) => {
      const limit = this.#options.clock.setTimer(LEAVE_MS, resolve);
      void this.#register(0).then(() => {
        limit.cancel();
        resolve();
      });
    });
    return this.#closing;
  }

  /** The final status, or `undefined` if there is none. */
  async #register(expiresS: number): Promise<number | undefined> {
    const { endpoint, server, credentials, contactUser } = this.#options;
    const outcome = await endpoint.request({
      method: 'REGISTER',
      uri: sipUri({ host: server.host, port: server.port }),
      from: sipUri({ user: credentials.username, host: server.host }),
      callId: this.#callId,
      cseqNumber: () => (this.#cseqNumber += 1),
      headers: (target) => [
        ['Contact', endpoint.context.contact(contactUser, target)],
        ['Expires', String(expiresS)],
      ],
      credentials,
    });
    return outcome.kind === 'response' ? outcome.response.status : undefined;
  }
}
