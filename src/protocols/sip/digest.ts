/**
 * Digest authentication for SIP (RFC 3261 §22, RFC 7616, RFC 8760) with `qop=auth`. Nonces and
 * client nonces are handed in, and remembering which of them were used is the caller's business.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { DigestAlgorithm, DigestChallenge, DigestCredentials } from './digest-header.ts';
import { parseChallenge } from './digest-header.ts';
import { quote } from './scan.ts';

const HASH_BY_ALGORITHM = { MD5: 'md5', 'SHA-256': 'sha256' } as const satisfies Record<
  DigestAlgorithm,
  string
>;

export type AnswerOptions = {
  readonly username: string;
  readonly password: string;
  /** Of the request that carries the answer. */
  readonly method: string;
  /** Its Request-URI, as text. */
  readonly uri: string;
  /** Random; quoted in the header. */
  readonly cnonce: string;
  /** From 1, one more for each use of the challenge's nonce. */
  readonly nonceCount: number;
};

/** The value of `Authorization` that answers a challenge. */
export function answerChallenge(challenge: DigestChallenge, options: AnswerOptions): string {
  const { realm, nonce, opaque, algorithm, qop } = challenge;
  const { username, uri, cnonce } = options;
  const count = formatCount(options.nonceCount);
  const response = digestResponse({ ...options, realm, nonce, algorithm, qop, count });
  let text = `Digest username=${quote(username)}, realm=${quote(realm)}, nonce=${quote(nonce)}`;
  text += `, uri=${quote(uri)}, response="${response}", algorithm=${algorithm}`;
  if (qop !== undefined) text += `, qop=${qop}, nc=${count}, cnonce=${quote(cnonce)}`;
  if (opaque !== undefined) text += `, opaque=${quote(opaque)}`;
  return text;
}

/**
 * The challenge to answer: the first that can be, as servers list them in order of preference
 * (RFC 8760 §2.4). `values` are those of all `WWW-Authenticate` fields.
 */
export function chooseChallenge(values: readonly string[]): DigestChallenge | undefined {
  for (const value of values) {
    const challenge = parseChallenge(value);
    if (challenge.ok) return challenge.value;
  }
  return undefined;
}

export type VerifyOptions = {
  /** Of the request. */
  readonly method: string;
  /** Ours; other realms fail. */
  readonly realm: string;
  /** For an unknown user pass any text and ignore the result: the time taken tells nothing then. */
  readonly password: string;
};

/**
 * Whether the credentials prove the password. Not checked here: that the nonce is one of ours and
 * fresh, that its count grows, and that `credentials.uri` is a URI the request may be for.
 */
export function verifyDigest(credentials: DigestCredentials, options: VerifyOptions): boolean {
  const { password, method, realm } = options;
  const count = formatCount(credentials.nonceCount);
  const expected = Buffer.from(digestResponse({ ...credentials, method, password, realm, count }));
  const given = Buffer.from(credentials.response);
  const isEqual = expected.byteLength === given.byteLength && timingSafeEqual(expected, given);
  return isEqual && credentials.realm === realm;
}

type DigestInput = {
  readonly username: string;
  readonly password: string;
  readonly realm: string;
  readonly nonce: string;
  readonly method: string;
  readonly uri: string;
  readonly algorithm: DigestAlgorithm;
  readonly qop: 'auth' | undefined;
  readonly cnonce: string;
  readonly count: string;
};

/** RFC 7616 §3.4.1, and RFC 2069 §2.1.2 when there is no qop. */
function digestResponse(input: DigestInput): string {
  const { username, password, realm, nonce, method, uri, algorithm, qop, cnonce, count } = input;
  const hash = (text: string): string =>
    createHash(HASH_BY_ALGORITHM[algorithm]).update(text, 'utf8').digest('hex');
  const ha1 = hash(`${username}:${realm}:${password}`);
  const ha2 = hash(`${method}:${uri}`);
  if (qop === undefined) return hash(`${ha1}:${nonce}:${ha2}`);
  return hash(`${ha1}:${nonce}:${count}:${cnonce}:${qop}:${ha2}`);
}

function formatCount(count: number): string {
  return count.toString(16).padStart(8, '0');
}
