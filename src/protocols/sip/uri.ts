import { defect, parsed, type Parsed } from '../../core/result.ts';
import { escapeUriParameter, escapeUser, unescapeUri } from './escape.ts';
import { formatHostPort, parseHostPort } from './host.ts';
import { NO_PARAMETERS, type Parameters } from './parameters.ts';

/** A `sip:`, `sips:` or `tel:` URI (RFC 3261 §19.1, RFC 3966). */
export type SipUri = {
  readonly scheme: 'sip' | 'sips' | 'tel';
  /** Percent-decoded; `''` if there is none. For `tel:` the number. */
  readonly user: string;
  /** Undecoded; only kept so that a remote target is sent back as it came (§19.1.1 advises against). */
  readonly password?: string;
  /** Without brackets for IPv6; `''` for `tel:`. */
  readonly host: string;
  readonly port: number | undefined;
  readonly parameters: Parameters;
  /** The part after `?`, undecoded; `''` if there is none. */
  readonly headers: string;
};

export type UriDefect =
  'no-scheme' | 'unsupported-scheme' | 'bad-user' | 'bad-host' | 'bad-uri-parameter' | 'bad-number';

/** Reads one URI without anything around it. White space inside is a defect. */
export function parseSipUri(text: string): Parsed<SipUri, UriDefect> {
  const colon = text.indexOf(':');
  if (colon < 1 || !/^[A-Za-z][A-Za-z0-9+.-]*$/.test(text.slice(0, colon))) {
    return defect('no-scheme');
  }
  const scheme = text.slice(0, colon).toLowerCase();
  const rest = text.slice(colon + 1);
  if (scheme === 'tel') return parseTel(rest);
  if (scheme !== 'sip' && scheme !== 'sips') return defect('unsupported-scheme');
  return parseSip(scheme, rest);
}

function parseSip(scheme: 'sip' | 'sips', rest: string): Parsed<SipUri, UriDefect> {
  // The user part may hold `;` and `?`, so it must be taken off first; `@` is escaped elsewhere.
  const at = rest.indexOf('@');
  const userInfo = at < 0 ? '' : rest.slice(0, at);
  const colon = userInfo.indexOf(':');
  const user = unescapeUri(colon < 0 ? userInfo : userInfo.slice(0, colon));
  if (user === undefined || (at >= 0 && user === '') || BAD_IN_USER_INFO.test(userInfo)) {
    return defect('bad-user');
  }
  const afterUser = rest.slice(at + 1);
  const question = afterUser.indexOf('?');
  const beforeHeaders = question < 0 ? afterUser : afterUser.slice(0, question);
  const headers = question < 0 ? '' : afterUser.slice(question + 1);
  if (/[\s<>"@]/.test(headers)) return defect('bad-uri-parameter');
  const semicolon = beforeHeaders.indexOf(';');
  const where = parseHostPort(semicolon < 0 ? beforeHeaders : beforeHeaders.slice(0, semicolon));
  if (where === undefined) return defect('bad-host');
  const parameters = semicolon < 0 ? NO_PARAMETERS : readParameters(beforeHeaders, semicolon + 1);
  if (parameters === undefined) return defect('bad-uri-parameter');
  const uri = { scheme, user, ...where, parameters, headers };
  return parsed(colon < 0 ? uri : { ...uri, password: userInfo.slice(colon + 1) });
}

const BAD_IN_USER_INFO = /[\s<>"@]/;
const TEL_NUMBER =
  /^(?:\+[0-9().-]*[0-9][0-9().-]*|[0-9A-Fa-f*#().-]*[0-9A-Fa-f*#][0-9A-Fa-f*#().-]*)$/;

function parseTel(rest: string): Parsed<SipUri, UriDefect> {
  const semicolon = rest.indexOf(';');
  const number = semicolon < 0 ? rest : rest.slice(0, semicolon);
  if (number.length > MAX_TEL_CHARACTERS || !TEL_NUMBER.test(number)) return defect('bad-number');
  const parameters = semicolon < 0 ? NO_PARAMETERS : readParameters(rest, semicolon + 1);
  if (parameters === undefined) return defect('bad-uri-parameter');
  return parsed({
    scheme: 'tel',
    user: number,
    host: '',
    port: undefined,
    parameters,
    headers: '',
  });
}

/** E.164 has 15 digits; this leaves room for separators and local numbers. */
const MAX_TEL_CHARACTERS = 64;

/** Of a repeated name the first value counts, as in `parseParameters`. */
function readParameters(text: string, from: number): Parameters | undefined {
  const parameters = new Map<string, string>();
  for (const piece of text.slice(from).split(';')) {
    const equals = piece.indexOf('=');
    const name = unescapeUri(equals < 0 ? piece : piece.slice(0, equals));
    const value = unescapeUri(equals < 0 ? '' : piece.slice(equals + 1));
    if (name === undefined || name === '' || value === undefined || /[\s<>"@,]/.test(piece)) {
      return undefined;
    }
    const key = name.toLowerCase();
    if (!parameters.has(key)) parameters.set(key, value);
  }
  return parameters;
}

/**
 * The text of a URI, escaped where the grammar wants it. Which reserved characters the sender had
 * escaped is not remembered: `%3B` in a user part comes back as `;`, which every reader that
 * decodes before comparing takes for the same.
 */
export function formatSipUri(uri: SipUri): string {
  if (uri.scheme === 'tel') return `tel:${uri.user}${formatUriParameters(uri.parameters)}`;
  const password = uri.password === undefined ? '' : `:${uri.password}`;
  const user = uri.user === '' ? '' : `${escapeUser(uri.user)}${password}@`;
  const headers = uri.headers === '' ? '' : `?${uri.headers}`;
  const where = formatHostPort(uri.host, uri.port);
  return `${uri.scheme}:${user}${where}${formatUriParameters(uri.parameters)}${headers}`;
}

function formatUriParameters(parameters: Parameters): string {
  let text = '';
  for (const [name, value] of parameters) {
    text += `;${escapeUriParameter(name)}`;
    if (value !== '') text += `=${escapeUriParameter(value)}`;
  }
  return text;
}

export type SipUriOptions = {
  /** Default `sip`. */
  readonly scheme?: 'sip' | 'sips';
  /** Unescaped. Default none. */
  readonly user?: string;
  /** Name or address, IPv6 without brackets. */
  readonly host: string;
  readonly port?: number | undefined;
  readonly parameters?: Parameters;
};

export function sipUri(options: SipUriOptions): SipUri {
  return {
    scheme: options.scheme ?? 'sip',
    user: options.user ?? '',
    host: options.host,
    port: options.port,
    parameters: options.parameters ?? NO_PARAMETERS,
    headers: '',
  };
}

/** Parameters that never match when one side lacks them (RFC 3261 §19.1.4). */
const SIGNIFICANT_PARAMETERS = ['transport', 'user', 'ttl', 'method', 'maddr'];

/**
 * Whether two URIs are equivalent (RFC 3261 §19.1.4, RFC 3966 §5). Unlike the RFC, a reserved
 * character in the user part equals its escape.
 */
export function sameUri(left: SipUri, right: SipUri): boolean {
  if (left.scheme !== right.scheme) return false;
  if (left.scheme === 'tel') {
    return (
      bareNumber(left.user) === bareNumber(right.user) &&
      left.parameters.size === right.parameters.size &&
      sameSharedParameters(left.parameters, right.parameters) &&
      [...left.parameters.keys()].every((name) => right.parameters.has(name))
    );
  }
  return (
    left.user === right.user &&
    left.password === right.password &&
    left.host.toLowerCase() === right.host.toLowerCase() &&
    left.port === right.port &&
    sameSharedParameters(left.parameters, right.parameters) &&
    SIGNIFICANT_PARAMETERS.every(
      (name) => left.parameters.has(name) === right.parameters.has(name),
    ) &&
    sameHeaders(left.headers, right.headers)
  );
}

function sameSharedParameters(left: Parameters, right: Parameters): boolean {
  for (const [name, value] of left) {
    const other = right.get(name);
    if (other !== undefined && other.toLowerCase() !== value.toLowerCase()) return false;
  }
  return true;
}

function sameHeaders(left: string, right: string): boolean {
  const sorted = (text: string): string => text.toLowerCase().split('&').sort().join('&');
  return left === right || sorted(left) === sorted(right);
}

function bareNumber(number: string): string {
  return number.replace(/[().-]/g, '').toLowerCase();
}
