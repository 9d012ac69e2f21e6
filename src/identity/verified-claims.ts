import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { defect, parsed, type Parsed } from '../core/result.ts';
import type { TokenDefect } from './access-tokens.ts';

/** Clocks of issuers and ours may differ by so much. */
export const CLOCK_SKEW_SECONDS = 60;

/** Node takes no longer header, but a token may come from elsewhere some day. */
const MAX_TOKEN_LENGTH = 16_384;
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** The JWT of an `Authorization` header. */
export function bearerToken(authorization: string | undefined): Parsed<string, TokenDefect> {
  const [scheme = '', token = '', ...rest] = (authorization ?? '').trim().split(/[ \t]+/);
  if (scheme.toLowerCase() !== 'bearer' || token === '') return defect('missing');
  return rest.length === 0 ? parsed(token) : defect('malformed');
}

/**
 * The claims of a JWT whose signature and times are good. Who issued it, for whom and for what is left to the
 * caller.
 *
 * @param algorithms the only ones that are taken; `none` is never among them.
 */
export async function verifiedClaims(
  token: string,
  keyOf: JWTVerifyGetKey,
  algorithms: readonly string[],
  nowMs: number,
): Promise<Parsed<JWTPayload, TokenDefect>> {
  if (token.length > MAX_TOKEN_LENGTH || !COMPACT_JWS.test(token) || !isCanonical(token)) {
    return defect('malformed');
  }
  try {
    const { payload } = await jwtVerify(token, keyOf, {
      algorithms: [...algorithms],
      clockTolerance: CLOCK_SKEW_SECONDS,
      currentDate: new Date(nowMs),
      requiredClaims: ['exp', 'iss', 'aud'],
    });
    return parsed(payload);
  } catch (error) {
    return defect(defectOf(error));
  }
}

/** Unused bits at the end of a signature would let one token be written in several ways. */
function isCanonical(token: string): boolean {
  const signature = token.slice(token.lastIndexOf('.') + 1);
  return Buffer.from(signature, 'base64url').toString('base64url') === signature;
}

function defectOf(error: unknown): TokenDefect {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.claim === 'nbf' && error.reason === 'check_failed' ? 'not-yet-valid' : 'malformed';
  }
  if (error instanceof KeysUnavailable) return 'keys-unavailable';
  if (error instanceof errors.JWTInvalid) return 'malformed';
  const isOfKeyOrSignature =
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSENotSupported ||
    // A key of another kind than the algorithm asks for.
    error instanceof TypeError;
  return isOfKeyOrSignature ? 'signature-invalid' : 'malformed';
}

/** The keys to check a signature with cannot be had at the moment. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

/** A claim that is text and not empty. */
export function textClaim(claims: JWTPayload, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = claims[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

/** Of a claim that is a list of texts, or one text; `undefined` only if there is no such claim. */
export function listClaim(claims: JWTPayload, name: string): readonly string[] | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((one) => typeof one === 'string');
}

/** Audiences of the token: one text, or a list. */
export function audiencesOf(claims: JWTPayload): readonly string[] {
  return listClaim(claims, 'aud') ?? [];
}

/** Whether a person stands behind the token: the vendor's service marks those by their scopes. */
export function isDelegated(claims: JWTPayload): boolean {
  return claims['scp'] !== undefined || claims['idtyp'] === 'user';
}
