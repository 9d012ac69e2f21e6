import { defect, parsed, type Parsed } from '../../core/result.ts';
import type { Parameters } from './parameters.ts';
import { isToken, quote, readQuoted, splitOutside, trim } from './scan.ts';

/** Algorithms of RFC 7616 §3.3 that are spoken here; the session variants are not in use in SIP. */
export type DigestAlgorithm = 'MD5' | 'SHA-256';

/** `WWW-Authenticate` or `Proxy-Authenticate`; a SIP field holds one challenge (RFC 3261 §20.44). */
export type DigestChallenge = {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly algorithm: DigestAlgorithm;
  /** `undefined`: the server knows only RFC 2069. */
  readonly qop: 'auth' | undefined;
  /** The last answer was right but for its nonce. */
  readonly stale: boolean;
};

/** `Authorization` or `Proxy-Authorization`. */
export type DigestCredentials = {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  /** The URI that was hashed, as text. */
  readonly uri: string;
  /** Lower-case hexadecimal. */
  readonly response: string;
  readonly algorithm: DigestAlgorithm;
  readonly qop: 'auth';
  readonly cnonce: string;
  /** How often the client has used this nonce: from 1. */
  readonly nonceCount: number;
  readonly opaque: string | undefined;
};

export type DigestDefect =
  | 'other-scheme'
  | 'bad-syntax'
  | 'missing-parameter'
  | 'unsupported-algorithm'
  | 'unsupported-qop'
  | 'bad-nonce-count'
  | 'bad-response';

export function parseChallenge(text: string): Parsed<DigestChallenge, DigestDefect> {
  const fields = readDigestFields(text);
  if (!fields.ok) return fields;
  const get = (name: string): string | undefined => fields.value.get(name);
  const realm = get('realm');
  const nonce = get('nonce');
  if (realm === undefined || nonce === undefined) return defect('missing-parameter');
  const algorithm = readAlgorithm(get('algorithm'));
  if (algorithm === undefined) return defect('unsupported-algorithm');
  const qops = get('qop')
    ?.split(',')
    .map((qop) => qop.trim().toLowerCase());
  if (qops !== undefined && !qops.includes('auth')) return defect('unsupported-qop');
  return parsed({
    realm,
    nonce,
    opaque: get('opaque'),
    algorithm,
    qop: qops === undefined ? undefined : 'auth',
    stale: get('stale')?.toLowerCase() === 'true',
  });
}

export function formatChallenge(challenge: DigestChallenge): string {
  const { realm, nonce, opaque, algorithm, qop, stale } = challenge;
  let text = `Digest realm=${quote(realm)}, nonce=${quote(nonce)}, algorithm=${algorithm}`;
  if (qop !== undefined) text += `, qop="${qop}"`;
  if (opaque !== undefined) text += `, opaque=${quote(opaque)}`;
  return stale ? `${text}, stale=true` : text;
}

/** Credentials without `qop=auth` are a defect: their nonce could be used again unnoticed. */
export function parseCredentials(text: string): Parsed<DigestCredentials, DigestDefect> {
  const fields = readDigestFields(text);
  if (!fields.ok) return fields;
  const get = (name: string): string | undefined => fields.value.get(name);
  const username = get('username');
  const realm = get('realm');
  const nonce = get('nonce');
  const uri = get('uri');
  const response = get('response')?.toLowerCase();
  if (
    username === undefined ||
    realm === undefined ||
    nonce === undefined ||
    uri === undefined ||
    response === undefined
  ) {
    return defect('missing-parameter');
  }
  const algorithm = readAlgorithm(get('algorithm'));
  if (algorithm === undefined) return defect('unsupported-algorithm');
  if (get('qop')?.toLowerCase() !== 'auth') return defect('unsupported-qop');
  const cnonce = get('cnonce');
  const count = get('nc');
  if (cnonce === undefined || count === undefined) return defect('missing-parameter');
  if (!/^[0-9A-Fa-f]{8}$/.test(count)) return defect('bad-nonce-count');
  if (!/^[0-9a-f]+$/.test(response)) return defect('bad-response');
  return parsed({
    username,
    realm,
    nonce,
    uri,
    response,
    algorithm,
    qop: 'auth',
    cnonce,
    nonceCount: Number.parseInt(count, 16),
    opaque: get('opaque'),
  });
}

/** MD5 is what no algorithm means (RFC 7616 §3.3). */
function readAlgorithm(text: string | undefined): DigestAlgorithm | undefined {
  const name = (text ?? 'MD5').toUpperCase();
  return name === 'MD5' || name === 'SHA-256' ? name : undefined;
}

/** `Digest name=value, name="value"`; names in lower case, the first of a repeated name counts. */
function readDigestFields(text: string): Parsed<Parameters, DigestDefect> {
  const [, scheme, rest] = /^([^ \t]+)[ \t]+(.*)$/s.exec(trim(text)) ?? [];
  if (scheme === undefined || rest === undefined) return defect('bad-syntax');
  if (scheme.toLowerCase() !== 'digest') return defect('other-scheme');
  const pieces = splitOutside(rest, ',', { angleBrackets: false });
  if (pieces === undefined) return defect('bad-syntax');
  const fields = new Map<string, string>();
  for (const piece of pieces) {
    const equals = piece.indexOf('=');
    const name = trim(piece.slice(0, Math.max(equals, 0))).toLowerCase();
    const value = readValue(trim(piece.slice(equals + 1)));
    if (equals < 1 || !isToken(name) || value === undefined) return defect('bad-syntax');
    if (!fields.has(name)) fields.set(name, value);
  }
  return parsed(fields);
}

function readValue(text: string): string | undefined {
  if (text.startsWith('"')) {
    const quoted = readQuoted(text);
    return quoted?.end === text.length ? quoted.value : undefined;
  }
  return /[\s"]/.test(text) || text === '' ? undefined : text;
}
