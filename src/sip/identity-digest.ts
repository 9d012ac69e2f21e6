import type { Clock } from '../core/ports/clock.ts';
import type { Random } from '../core/ports/random.ts';
import type { HeaderList } from '../protocols/sip/build.ts';
import { verifyDigest } from '../protocols/sip/digest.ts';
import {
  formatChallenge,
  parseCredentials,
  type DigestAlgorithm,
  type DigestCredentials,
} from '../protocols/sip/digest-header.ts';
import type { SipRequest } from '../protocols/sip/message.ts';
import { parseSipUri } from '../protocols/sip/uri.ts';
import { Nonces } from './identity-nonces.ts';
import type { SipUser } from './server-options.ts';

export type Identity =
  | { readonly kind: 'user'; readonly user: SipUser }
  | { readonly kind: 'unknown'; readonly stale: boolean };

/** Who asks, and therefore which header fields are used (RFC 3261 §22.2, §22.3). */
export type Asker = 'registrar' | 'proxy';

/**
 * libre up to 1.1 (baresip 1.0) fails on any challenge with an algorithm it does not know, where
 * RFC 8760 §2.4 has it look at the next.
 */
const KNOWS_MD5_ONLY = /^baresip v[01]\./;

/** Digest authentication of the configured users (RFC 3261 §22, RFC 8760). */
export class DigestIdentity {
  readonly #users: ReadonlyMap<string, SipUser>;
  readonly #realm: string;
  readonly #nonces: Nonces;
  /** Checked in place of an unknown user's secret, so that both take the same time. */
  readonly #decoy: string;

  constructor(users: readonly SipUser[], realm: string, clock: Clock, random: Random) {
    this.#users = new Map(users.map((user) => [user.name, user]));
    this.#realm = realm;
    this.#nonces = new Nonces(clock, random);
    this.#decoy = random.hex(16);
  }

  /** Who sent the request, as far as its credentials prove it. */
  identify(request: SipRequest): Identity {
    let stale = false;
    for (const name of ['Authorization', 'Proxy-Authorization']) {
      for (const value of request.headers.all(name)) {
        const credentials = parseCredentials(value);
        if (!credentials.ok) continue;
        const found = this.#check(request, credentials.value);
        if (found.kind === 'user') return found;
        stale ||= found.stale;
      }
    }
    return { kind: 'unknown', stale };
  }

  /**
   * The fields of a 401 or 407. MD5 stands first: clients that know nothing else often look at the
   * first field only (a deviation from RFC 8760 §2.4, which wants the strongest first).
   */
  challenge(asker: Asker, stale: boolean, userAgent: string | undefined): HeaderList {
    const algorithms: readonly DigestAlgorithm[] = KNOWS_MD5_ONLY.test(userAgent ?? '')
      ? ['MD5']
      : ['MD5', 'SHA-256'];
    const nonce = this.#nonces.issue();
    const name = asker === 'registrar' ? 'WWW-Authenticate' : 'Proxy-Authenticate';
    return algorithms.map((algorithm) => {
      const challenge = { realm: this.#realm, nonce, opaque: undefined, algorithm, stale };
      return [name, formatChallenge({ ...challenge, qop: 'auth' })] as const;
    });
  }

  #check(request: SipRequest, credentials: DigestCredentials): Identity {
    const unknown = { kind: 'unknown', stale: false } as const;
    const state = this.#nonces.stateOf(credentials.nonce, credentials.nonceCount);
    if (state === 'foreign') return unknown;
    const user = this.#users.get(credentials.username);
    const proves = verifyDigest(credentials, {
      method: request.method,
      realm: this.#realm,
      password: user?.secret ?? this.#decoy,
    });
    if (!proves || user === undefined || !isFor(request, credentials.uri)) return unknown;
    if (state === 'stale') return { kind: 'unknown', stale: true };
    this.#nonces.use(credentials.nonce, credentials.nonceCount);
    return { kind: 'user', user };
  }
}

/** Ports and parameters get lost on the way through proxies; user and host have to be those asked for. */
function isFor(request: SipRequest, uriText: string): boolean {
  const uri = parseSipUri(uriText);
  if (!uri.ok) return false;
  const sameHost = uri.value.host.toLowerCase() === request.uri.host.toLowerCase();
  return sameHost && uri.value.user === request.uri.user;
}
