import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader, SignJWT, type JWK } from 'jose';
import type { ServerProcess } from './server-process.ts';

/** Makes tokens of a good one that nobody would give, signed with the very key of a server. */
export class TokenForge {
  readonly #key: KeyObject;
  readonly #good: string;

  private constructor(key: KeyObject, good: string) {
    this.#key = key;
    this.#good = good;
  }

  /** @param good a token that the server gave. */
  static async open(server: ServerProcess, good: string): Promise<TokenForge> {
    const path = join(server.dataDirectory, 'keys', 'tokens.json');
    const { keys } = JSON.parse(await readFile(path, 'utf8')) as {
      readonly keys: readonly { readonly jwk: JWK }[];
    };
    return new TokenForge(createPrivateKey({ key: { ...keys[0]?.jwk }, format: 'jwk' }), good);
  }

  /** The good token with other claims or header fields; `undefined` takes one out. */
  signed(
    claims: Readonly<Record<string, unknown>>,
    header: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    const fields = present({ ...decodeProtectedHeader(this.#good), ...header });
    return new SignJWT(present({ ...decodeJwt(this.#good), ...claims }))
      .setProtectedHeader(fields as { alg: string })
      .sign(this.#key);
  }

  /** The good token with one bit of its signature changed. */
  bitChanged(bit: number): string {
    const [header = '', claims = '', signature = ''] = this.#good.split('.');
    const bytes = Buffer.from(signature, 'base64url');
    bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    return [header, claims, bytes.toString('base64url')].join('.');
  }

  /** The good token with `alg: none`, and no signature or the one that it had. */
  unsigned(signature: 'none' | 'kept'): string {
    const [, claims = '', kept = ''] = this.#good.split('.');
    const header = Buffer.from('{"typ":"JWT","alg":"none"}').toString('base64url');
    return [header, claims, signature === 'none' ? '' : kept].join('.');
  }
}

function present(all: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
