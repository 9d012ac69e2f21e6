import type { FastifyRequest } from 'fastify';
import { TapedeckError } from '../core/error.ts';
import type { AdminToken } from '../identity/admin-token.ts';
import type { HmacAuthenticator } from '../identity/hmac-authenticator.ts';
import type { SignedLinks } from '../identity/signed-links.ts';
import { originForm } from './origin-form.ts';

/**
 * One way to prove who asks. `'not-mine'`: the request does not try this way, the next one may
 * answer. Otherwise `undefined` for yes, or why not.
 */
export type Authenticator = (request: FastifyRequest) => 'not-mine' | { readonly refusal?: string };

/** The first authenticator that the request addresses decides. */
export function authenticate(
  request: FastifyRequest,
  authenticators: readonly Authenticator[],
): void {
  for (const authenticator of authenticators) {
    const verdict = authenticator(request);
    if (verdict === 'not-mine') continue;
    if (verdict.refusal === undefined) return;
    throw refused(verdict.refusal);
  }
  throw refused('the request carries no signature');
}

/** The access-key signature of the SDKs. Needs the raw body: call it before the body is parsed. */
export function byAccessKey(hmac: HmacAuthenticator): Authenticator {
  return (request) => {
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
}

export function byAdminToken(token: AdminToken): Authenticator {
  return (request) => {
    const { authorization } = request.headers;
    if (authorization === undefined || !/^Bearer\b/i.test(authorization)) return 'not-mine';
    return token.accepts(authorization) ? {} : { refusal: 'the bearer token is not ours' };
  };
}

/** A signed link: reads its one path, and does nothing else. */
export function bySignedLink(links: SignedLinks): Authenticator {
  return (request) => {
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
}

function refused(reason: string): TapedeckError {
  return new TapedeckError('signature-invalid', `Not authenticated: ${reason}.`);
}
