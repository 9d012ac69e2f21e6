import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK, SignJWT } from 'jose';
import type { CallbackSigner } from '../core/ports/callback-signer.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Random } from '../core/ports/random.ts';

/** The issuer that applications written for the vendor's service expect. */
export const VENDOR_ISSUER = 'https://acscallautomation.communication.azure.com';
/** From when it is signed; `nbf` is that moment too. */
export const TOKEN_LIFETIME_SECONDS = 300;

const ALGORITHM = 'RS256';
const MODULUS_BITS = 2048;

export type CallbackTokenOptions = {
  /** PEM, PKCS #8; see `makeSigningKey`. */
  readonly privateKey: string;
  readonly issuer: string;
  /** Our resource id: the default audience. */
  readonly resourceId: string;
};

/** A new private key, PEM, to be kept in a file that only the server's user reads. */
export function makeSigningKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: MODULUS_BITS });
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** Signs callbacks as JWTs, and publishes the key with which applications check them. */
export class CallbackTokens implements CallbackSigner {
  readonly #options: CallbackTokenOptions;
  readonly #key: KeyObject;
  readonly #publicJwk: JWK & { readonly kid: string };
  readonly #clock: Clock;
  readonly #random: Random;

  private constructor(
    options: CallbackTokenOptions,
    key: KeyObject,
    publicJwk: JWK & { readonly kid: string },
    clock: Clock,
    random: Random,
  ) {
    this.#options = options;
    this.#key = key;
    this.#publicJwk = publicJwk;
    this.#clock = clock;
    this.#random = random;
  }

  /** Rejects with Node's or jose's error if the key is not a private RSA key in PEM. */
  static async create(
    options: CallbackTokenOptions,
    clock: Clock,
    random: Random,
  ): Promise<CallbackTokens> {
    const key = createPrivateKey(options.privateKey);
    const jwk = await exportJWK(createPublicKey(key));
    const kid = await calculateJwkThumbprint(jwk);
    return new CallbackTokens(
      options,
      key,
      { ...jwk, kid, use: 'sig', alg: ALGORITHM },
      clock,
      random,
    );
  }

  async authorization(
    audience: string = this.#options.resourceId,
    lifetimeSeconds: number = TOKEN_LIFETIME_SECONDS,
  ): Promise<string> {
    const nowSeconds = Math.floor(this.#clock.nowMs() / 1000);
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: ALGORITHM, kid: this.#publicJwk.kid, typ: 'JWT' })
      .setIssuer(this.#options.issuer)
      .setAudience(audience)
      .setIssuedAt(nowSeconds)
      .setNotBefore(nowSeconds)
      .setExpirationTime(nowSeconds + lifetimeSeconds)
      .setJti(this.#random.uuid())
      .sign(this.#key);
    return `Bearer ${token}`;
  }

  /** The JSON Web Key Set (RFC 7517 §5). */
  keys(): { readonly keys: readonly JWK[] } {
    return { keys: [this.#publicJwk] };
  }

  /** The OpenID document; `keysUrl` is where `keys()` is served. */
  openIdConfiguration(keysUrl: string): Readonly<Record<string, unknown>> {
    return {
      issuer: this.#options.issuer,
      jwks_uri: keysUrl,
      id_token_signing_alg_values_supported: [ALGORITHM],
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
    };
  }
}
