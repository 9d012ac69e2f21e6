import { type JWK, SignJWT } from 'jose';
import type { Clock } from '../core/ports/clock.ts';
import type { NotificationSigner } from '../core/ports/notification-signer.ts';
import type { Random } from '../core/ports/random.ts';
import { SIGNING_ALGORITHM, type SigningKeys } from './signing-keys.ts';

/** As the vendor's own live. */
export const NOTIFICATION_TOKEN_SECONDS = 3_900;
/** A signature takes longer than all else that is done for a notification: so long one token serves for all. */
const REUSED_MS = 60_000;
/** Bots are configured: there are few. */
const MOST_REUSED = 1_000;

type Reused = { readonly token: Promise<string>; readonly untilMs: number };

/** Signs the notifications of bots, and publishes what they are checked with. */
export class NotificationTokens implements NotificationSigner {
  readonly #keys: SigningKeys;
  readonly #issuer: string;
  readonly #clock: Clock;
  readonly #random: Random;
  /** By application and tenant. */
  readonly #reused = new Map<string, Reused>();

  /** @param keys for nothing else: what they sign may be no access token. */
  constructor(keys: SigningKeys, issuer: string, clock: Clock, random: Random) {
    this.#keys = keys;
    this.#issuer = issuer;
    this.#clock = clock;
    this.#random = random;
  }

  /** Rejects with the system's error if no key can be stored. */
  async authorization({
    applicationId,
    tenantId,
  }: Parameters<NotificationSigner['authorization']>[0]): Promise<string> {
    const bot = JSON.stringify([applicationId, tenantId]);
    const nowMs = this.#clock.nowMs();
    const reused = this.#reused.get(bot);
    // The wall clock may be set back: nobody takes a token of the future.
    if (reused !== undefined && nowMs < reused.untilMs && nowMs >= reused.untilMs - REUSED_MS) {
      return `Bearer ${await reused.token}`;
    }
    if (this.#reused.size >= MOST_REUSED) this.#reused.clear();
    const token = this.#sign(applicationId, tenantId, nowMs);
    this.#reused.set(bot, { token, untilMs: nowMs + REUSED_MS });
    try {
      return `Bearer ${await token}`;
    } catch (error) {
      this.#reused.delete(bot);
      throw error;
    }
  }

  async #sign(applicationId: string, tenantId: string, nowMs: number): Promise<string> {
    const key = await this.#keys.current();
    const nowSeconds = Math.floor(nowMs / 1000);
    return new SignJWT({ tid: tenantId })
      .setProtectedHeader({ typ: 'JWT', alg: SIGNING_ALGORITHM, kid: key.kid, x5t: key.kid })
      .setIssuer(this.#issuer)
      .setAudience(applicationId)
      .setIssuedAt(nowSeconds)
      .setNotBefore(nowSeconds)
      .setExpirationTime(nowSeconds + NOTIFICATION_TOKEN_SECONDS)
      .setJti(this.#random.uuid())
      .sign(key.privateKey);
  }

  /** The JSON Web Key Set (RFC 7517 §5). */
  keys(): Promise<{ readonly keys: readonly JWK[] }> {
    return this.#keys.keySet();
  }

  /** The OpenID document; `keysUrl` is where `keys()` is served. */
  openIdConfiguration(keysUrl: string): Readonly<Record<string, unknown>> {
    return {
      issuer: this.#issuer,
      jwks_uri: keysUrl,
      id_token_signing_alg_values_supported: [SIGNING_ALGORITHM],
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
    };
  }
}
