import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';
import { systemCode, TapedeckError } from '../core/error.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Logger } from '../core/ports/log.ts';
import { replaceSecret } from './secret-file.ts';

export const SIGNING_ALGORITHM = 'RS256';
/** A key signs for so long; then the next one is made. */
export const KEY_LIFETIME_MS: number = 90 * 86_400_000;
/** A key that signs no more is published for so long: longer than any token that it signed lives. */
export const RETIRED_KEY_KEPT_MS: number = 24 * 3_600_000;

const MODULUS_BITS = 2048;

/** One RSA key, by its RFC 7638 thumbprint. */
type Key = {
  readonly kid: string;
  readonly createdAtMs: number;
  readonly publicKey: KeyObject;
  readonly publicJwk: JWK;
};

export type SigningKey = Key & { readonly privateKey: KeyObject };

/** The newest signs; those behind it have lost their private halves. */
type Ring = { readonly signing: SigningKey | undefined; readonly retired: readonly Key[] };

/** As the file holds them; the newest first. */
type StoredKey = { readonly createdAtMs: number; readonly jwk: JWK };

/**
 * The keys that access tokens are signed with, in one file that only the server's user reads. The
 * first is made when it is first needed, the next when that one is old; tokens of a key that was
 * replaced stay good.
 */
export class SigningKeys {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  #ring: Ring;
  #making: Promise<SigningKey> | undefined;

  private constructor(path: string, ring: Ring, clock: Clock, log: Logger) {
    this.#path = path;
    this.#ring = ring;
    this.#clock = clock;
    this.#log = log;
  }

  /** Rejects with `data-dir-unusable` if the file is there and holds no keys. */
  static async open(path: string, clock: Clock, log: Logger): Promise<SigningKeys> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw unusable(path, error);
      return new SigningKeys(path, { signing: undefined, retired: [] }, clock, log);
    }
    try {
      return new SigningKeys(path, await readRing(text), clock, log);
    } catch (error) {
      throw unusable(path, error);
    }
  }

  /** The key to sign with now. Rejects with the system's error if the first cannot be stored. */
  async current(): Promise<SigningKey> {
    const { signing } = this.#ring;
    if (signing === undefined) return await this.#next();
    if (this.#clock.nowMs() - signing.createdAtMs < KEY_LIFETIME_MS) return signing;
    try {
      return await this.#next();
    } catch (error) {
      this.#log.error({ error }, 'no new key for tokens could be stored; the old one goes on');
      return signing;
    }
  }

  /** The key that a token says it was signed with, as long as its tokens are good. */
  publicKey(kid: string): KeyObject | undefined {
    return this.#published().find((key) => key.kid === kid)?.publicKey;
  }

  /** The JSON Web Key Set (RFC 7517 §5); the first key is made for it. */
  async keySet(): Promise<{ readonly keys: readonly JWK[] }> {
    await this.current();
    return { keys: this.#published().map((key) => key.publicJwk) };
  }

  #published(): readonly Key[] {
    const { signing, retired } = this.#ring;
    return signing === undefined ? [] : [signing, ...this.#stillGood(signing, retired)];
  }

  /** Each key was replaced when the one before it in the list was made. */
  #stillGood(signing: Key, retired: readonly Key[]): readonly Key[] {
    const nowMs = this.#clock.nowMs();
    return retired.filter((_key, index) => {
      const successor = retired[index - 1] ?? signing;
      return nowMs < successor.createdAtMs + RETIRED_KEY_KEPT_MS;
    });
  }

  #next(): Promise<SigningKey> {
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  async #make(): Promise<SigningKey> {
    const { privateKey } = await promisify(generateKeyPair)('rsa', {
      modulusLength: MODULUS_BITS,
    });
    const createdAtMs = this.#clock.nowMs();
    const key = await publicPart(await exportJWK(privateKey), createdAtMs);
    const signing: SigningKey = { ...key, privateKey };
    const retired = this.#published().map(withoutPrivate);
    const stored: readonly StoredKey[] = [
      { createdAtMs, jwk: await exportJWK(privateKey) },
      ...retired.map((old) => ({ createdAtMs: old.createdAtMs, jwk: old.publicJwk })),
    ];
    // Stored before anything is signed with it: a token outlives a restart.
    await replaceSecret(this.#path, JSON.stringify({ keys: stored }));
    this.#ring = { signing, retired };
    this.#log.info({ kid: key.kid }, 'a new key signs access tokens');
    return signing;
  }
}

async function readRing(text: string): Promise<Ring> {
  const { keys } = JSON.parse(text) as { readonly keys: readonly StoredKey[] };
  const [newest, ...older] = keys;
  if (newest === undefined) return { signing: undefined, retired: [] };
  const privateKey = createPrivateKey({ key: { ...newest.jwk }, format: 'jwk' });
  return {
    signing: { ...(await publicPart(newest.jwk, newest.createdAtMs)), privateKey },
    retired: await Promise.all(older.map((key) => publicPart(key.jwk, key.createdAtMs))),
  };
}

async function publicPart(jwk: JWK, createdAtMs: number): Promise<Key> {
  if (!Number.isFinite(createdAtMs)) throw new TypeError('a key without its time');
  const publicKey = createPublicKey({ key: { ...jwk }, format: 'jwk' });
  const bare = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(bare);
  // `x5t` is the name by which older libraries look for a key.
  const publicJwk = { ...bare, kid, x5t: kid, use: 'sig', alg: SIGNING_ALGORITHM };
  return { kid, createdAtMs, publicKey, publicJwk };
}

function withoutPrivate({ kid, createdAtMs, publicKey, publicJwk }: Key): Key {
  return { kid, createdAtMs, publicKey, publicJwk };
}

function unusable(path: string, cause: unknown): TapedeckError {
  return new TapedeckError('data-dir-unusable', `${path} cannot be read as keys for tokens`, {
    cause,
  });
}
