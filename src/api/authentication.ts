import type { FastifyRequest } from 'fastify';
import { TapedeckError } from '../core/error.ts';
import type { AccessTokenVerifier, TokenDefect } from '../identity/access-tokens.ts';
import type { AdminToken } from '../identity/admin-token.ts';
import type { HmacAuthenticator } from '../identity/hmac-authenticator.ts';
import type { SignedLinks } from '../identity/signed-links.ts';
import { originForm } from './origin-form.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, as audit rows say it; empty where nobody has to prove anything. */
    actor: string;
  }
}

/** One way to prove who asks. */
export type Authenticator = {
  /** As audit rows call those who prove it so. */
  readonly name: 'access-key' | 'admin-token' | 'application' | 'signed-link';
  /**
   * `'not-mine'`: the request does not try this way, the next one may answer. Otherwise
   * `undefined` for yes, or why not.
   */
  readonly verdict: (request: FastifyRequest) => Verdict | Promise<Verdict>;
};

type Verdict =
  'not-mine' | { readonly refusal?: string; /** More on who it is. */ readonly who?: string };

/**
 * The first authenticator that the request addresses decides.
 *
 * @returns who asks, for audit rows: `access-key 192.0.2.1`.
 */
export async function authenticate(
  request: FastifyRequest,
  authenticators: readonly Authenticator[],
): Promise<string> {
  for (const { name, verdict } of authenticators) {
    const given = await verdict(request);
    if (given === 'not-mine') continue;
    if (given.refusal !== undefined) throw refused(given.refusal);
    return [name, given.who ?? '', peerOf(request)].filter((part) => part !== '').join(' ');
  }
  throw refused('the request carries no signature');
}

/** Of the connection: what headers say about it anybody can write. */
function peerOf(request: FastifyRequest): string {
  const address = request.raw.socket.remoteAddress ?? '';
  return address.replace(/^::ffff:(?=[\d.]+$)/, '');
}

/** The access-key signature of the SDKs. Needs the raw body: call it before the body is parsed. */
export function byAccessKey(hmac: HmacAuthenticator): Authenticator {
  const verdict: Authenticator['verdict'] = (request) => {
    const { authorization } = request.headers;
    if (authorization === undefined || /^Bearer\b/i.test(authorization)) return 'not-mine';
    const refusal = hmac.refusal({
      method: request.method,
      rawUrl: originForm(request.originalUrl),
      headers: request.headers,
      body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    });
    return refusal === undefined ? {} : { refusal };
  };
  return { name: 'access-key', verdict };
}

export function byAdminToken(token: AdminToken): Authenticator {
  const verdict: Authenticator['verdict'] = (request) => {
    const { authorization } = request.headers;
    if (authorization === undefined || !/^Bearer\b/i.test(authorization)) return 'not-mine';
    return token.accepts(authorization) ? {} : { refusal: 'the bearer token is not ours' };
  };
  return { name: 'admin-token', verdict };
}

/** The access token of an application, for the audience of Call Automation. */
export function byAccessToken(tokens: AccessTokenVerifier): Authenticator {
  const verdict: Authenticator['verdict'] = async (request) => {
    const { authorization } = request.headers;
    if (authorization === undefined || !/^Bearer\b/i.test(authorization)) return 'not-mine';
    const verified = await tokens.verify(authorization, 'communication');
    if (verified.ok) return { who: verified.value.applicationId };
    const refusal = TOKEN_REFUSALS[verified.defect];
    if (verified.defect === 'keys-unavailable') {
      throw new TapedeckError('keys-unavailable', `Not authenticated: ${refusal}.`);
    }
    return { refusal };
  };
  return { name: 'application', verdict };
}

/** In words that may be told to the caller. */
export const TOKEN_REFUSALS: Readonly<Record<TokenDefect, string>> = {
  missing: 'the access token is empty',
  malformed: 'the access token is no JWT with the claims that one has',
  'signature-invalid': 'the access token’s signature is not of a key that is trusted here',
  'issuer-unknown': 'the access token’s issuer is not trusted here',
  'audience-wrong': 'the access token is for another audience',
  expired: 'the access token has expired',
  'not-yet-valid': 'the access token is not valid yet',
  delegated: 'the access token is of a user, not of an application',
  'application-unknown': 'the access token’s application is not registered for this API',
  'keys-unavailable': 'the keys of the access token’s issuer cannot be had at the moment',
};

/** A signed link: reads its one path, and does nothing else. */
export function bySignedLink(links: SignedLinks): Authenticator {
  const verdict: Authenticator['verdict'] = (request) => {
    // Cheaper than parsing a URL that has none.
    if (!request.originalUrl.includes('sig=')) return 'not-mine';
    const url = new URL(originForm(request.originalUrl), 'http://link.invalid');
    const sig = url.searchParams.get('sig');
    const se = url.searchParams.get('se');
    if (request.method !== 'GET' || sig === null || se === null) return 'not-mine';
    switch (links.check(url.pathname, { se, sig })) {
      case 'valid':
        return {};
      case 'expired':
        return { refusal: 'the link has expired' };
      case 'invalid':
        return { refusal: 'the link is not ours' };
    }
  };
  return { name: 'signed-link', verdict };
}

function refused(reason: string): TapedeckError {
  return new TapedeckError('signature-invalid', `Not authenticated: ${reason}.`);
}
