import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { DocumentId } from '../core/ids.ts';
import type { ResponseTokens } from '../core/ports/response-recorder.ts';

/** Tokens that open one stored response each: nothing is kept of them, and they last as long as it does. */
export class DerivedResponseTokens implements ResponseTokens {
  readonly #key: KeyObject;

  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key);
  }

  tokenOf(documentId: DocumentId): string {
    return this.#digest(documentId).toString('base64url');
  }

  isTokenOf(documentId: DocumentId, token: string): boolean {
    const expected = this.#digest(documentId);
    const given = Buffer.from(token, 'base64url');
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  #digest(documentId: DocumentId): Buffer {
    return createHmac('sha256', this.#key).update(`response\n${documentId}`).digest();
  }
}
