import {
  createLocalJWKSet,
  errors,
  type CryptoKey,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWK,
  type JWSHeaderParameters,
} from 'jose';
import type { Clock } from '../core/ports/clock.ts';
import type { HttpSender } from '../core/ports/http-sender.ts';
import type { Logger } from '../core/ports/log.ts';
import { KeysUnavailable } from './verified-claims.ts';

/** Keys are fetched anew after so long; the old ones go on while that fails. */
export const KEYS_FRESH_MS: number = 3_600_000;
const KEYS_USABLE_MS = 24 * 3_600_000;
/** Least time between two fetches, whatever keys tokens claim to be signed with. */
export const LEAST_FETCH_INTERVAL_MS = 30_000;
const FETCH_TIMEOUT_MS = 5_000;
const MAX_DOCUMENT_BYTES = 262_144;
const MAX_KEYS = 100;

type KeySet = { readonly keyOf: LocalKeySet; readonly fetchedAtMs: number };
type LocalKeySet = (header?: JWSHeaderParameters, token?: FlattenedJWSInput) => Promise<CryptoKey>;

export type ProviderKeysParts = {
  readonly sender: HttpSender;
  readonly clock: Clock;
  readonly log: Logger;
};

/** The public keys of an OpenID provider, found by discovery (OpenID Connect Discovery 1.0 §4). */
export class ProviderKeys {
  readonly #issuer: string;
  readonly #parts: ProviderKeysParts;
  #keySet: KeySet | undefined;
  #attemptedAtMs: number = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;

  constructor(issuer: string, parts: ProviderKeysParts) {
    this.#issuer = issuer;
    this.#parts = parts;
  }

  /**
   * The key that a token's header names. Rejects with `KeysUnavailable`, or with jose's error if
   * the provider has no such key.
   */
  async key(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    // Nobody waits for newer keys while the old ones do: a provider that hangs would hold up everybody.
    if (this.#ageMs() >= KEYS_USABLE_MS) await this.#fetch();
    else if (this.#ageMs() >= KEYS_FRESH_MS) void this.#fetch();
    const first = this.#usable();
    try {
      return await first.keyOf(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#fetch();
      const next = this.#usable();
      // Nothing was fetched, and so nothing changed.
      if (next === first) throw error;
      return await next.keyOf(header, token);
    }
  }

  #ageMs(): number {
    return this.#keySet === undefined
      ? Number.POSITIVE_INFINITY
      : this.#parts.clock.nowMs() - this.#keySet.fetchedAtMs;
  }

  #usable(): KeySet {
    if (this.#keySet === undefined || this.#ageMs() >= KEYS_USABLE_MS) throw new KeysUnavailable();
    return this.#keySet;
  }

  /** Never rejects; does nothing when it was tried a moment ago. */
  async #fetch(): Promise<void> {
    const nowMs = this.#parts.clock.nowMs();
    // A clock that was set back must not stop it for good.
    const sinceMs = Math.abs(nowMs - this.#attemptedAtMs);
    if (this.#fetching === undefined && sinceMs < LEAST_FETCH_INTERVAL_MS) return;
    this.#attemptedAtMs = this.#fetching === undefined ? nowMs : this.#attemptedAtMs;
    this.#fetching ??= this.#fetchOnce().finally(() => {
      this.#fetching = undefined;
    });
    await this.#fetching;
  }

  async #fetchOnce(): Promise<void> {
    try {
      const issuer = this.#issuer.replace(/\/$/, '');
      const document = await this.#json(`${issuer}/.well-known/openid-configuration`);
      if (document['issuer'] !== this.#issuer) throw new TypeError('it names another issuer');
      const keysUrl = document['jwks_uri'];
      if (typeof keysUrl !== 'string' || !isAsSafe(keysUrl, this.#issuer)) {
        throw new TypeError('its jwks_uri is missing, or not https');
      }
      const { keys } = await this.#json(keysUrl);
      if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw new TypeError('it has no key set');
      const set: JSONWebKeySet = { keys: keys.filter(isPublicKey) };
      this.#keySet = { keyOf: createLocalJWKSet(set), fetchedAtMs: this.#parts.clock.nowMs() };
    } catch (error) {
      this.#parts.log.warn(
        { error, issuer: this.#issuer },
        'the keys of the provider of tokens cannot be fetched',
      );
    }
  }

  async #json(url: string): Promise<Readonly<Record<string, unknown>>> {
    const { status, body } = await this.#parts.sender.send({
      method: 'GET',
      url,
      headers: { accept: 'application/json' },
      body: '',
      timeoutMs: FETCH_TIMEOUT_MS,
      maxResponseBytes: MAX_DOCUMENT_BYTES,
    });
    if (status !== 200) throw new TypeError(`${url} answers ${status}`);
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    if (typeof value !== 'object' || value === null) throw new TypeError(`${url} is no document`);
    return value as Readonly<Record<string, unknown>>;
  }
}

/** Keys that come over plain HTTP are taken only where the issuer itself is named so. */
function isAsSafe(url: string, issuer: string): boolean {
  return url.startsWith('https://') || (url.startsWith('http://') && issuer.startsWith('http://'));
}

/** Symmetric ones are for nobody else to know. */
function isPublicKey(key: unknown): key is JWK {
  if (typeof key !== 'object' || key === null) return false;
  const { kty } = key as { readonly kty?: unknown };
  return kty === 'RSA' || kty === 'EC' || kty === 'OKP';
}
