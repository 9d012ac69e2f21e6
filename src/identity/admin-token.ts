import { createHash, timingSafeEqual } from 'node:crypto';

/** Checks `Authorization: Bearer <token>` against the one configured token, in constant time. */
export class AdminToken {
  readonly #digest: Buffer | undefined;

  /** Without a token nothing is accepted. */
  constructor(token: string | undefined) {
    this.#digest = token === undefined || token === '' ? undefined : digest(token);
  }

  accepts(authorization: string | undefined): boolean {
    const token = /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1];
    if (this.#digest === undefined || token === undefined) return false;
    return timingSafeEqual(this.#digest, digest(token));
  }
}

/** Equal lengths whatever the tokens are. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
