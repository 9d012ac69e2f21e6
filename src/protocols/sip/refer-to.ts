import { defect, parsed, type Parsed } from '../../core/result.ts';
import { escapeUriHeader, unescapeUri } from './escape.ts';
import { parseNameAddress } from './name-address.ts';
import { parseParameters } from './parameters.ts';
import { formatSipUri, parseSipUri, type SipUri } from './uri.ts';

/** What the headers of a dialog's messages name it by, from its far side (RFC 3891 §6.1). */
export type Replaces = {
  readonly callId: string;
  /** Tag of whoever receives the INVITE with this header. */
  readonly toTag: string;
  readonly fromTag: string;
  readonly earlyOnly: boolean;
};

/** `Refer-To` (RFC 3515 §2.1). */
export type ReferTo = {
  /** Without its headers. */
  readonly uri: SipUri;
  /** Decoded; names in lower case, of a repeated one the first. */
  readonly headers: ReadonlyMap<string, string>;
  /** Of the INVITE that is asked for; `undefined` without one that can be read. */
  readonly replaces: Replaces | undefined;
  /** `method` of the URI, in upper case. Default `INVITE`. */
  readonly method: string;
};

export type ReferToDefect = 'bad-refer-to' | 'unsupported-scheme';

/** More than a phone call ever needs. */
const MAX_URI_HEADERS = 32;

export function parseReferTo(value: string): Parsed<ReferTo, ReferToDefect> {
  const address = parseNameAddress(value);
  if (!address.ok) {
    return defect(address.defect === 'unsupported-scheme' ? 'unsupported-scheme' : 'bad-refer-to');
  }
  const { uri } = address.value;
  const headers = readUriHeaders(uri.headers);
  if (headers === undefined) return defect('bad-refer-to');
  const replaces = headers.get('replaces');
  const parameters = new Map(uri.parameters);
  parameters.delete('method');
  return parsed({
    uri: { ...uri, parameters, headers: '' },
    headers,
    replaces: replaces === undefined ? undefined : parseReplaces(replaces),
    method: (uri.parameters.get('method') ?? 'INVITE').toUpperCase(),
  });
}

/** `undefined` for a value without Call-ID or without one of the tags. */
export function parseReplaces(value: string): Replaces | undefined {
  const semicolon = value.indexOf(';');
  const callId = value.slice(0, Math.max(semicolon, 0)).trim();
  const parameters = parseParameters(semicolon < 0 ? '' : value.slice(semicolon));
  if (callId === '' || !parameters.ok) return undefined;
  const toTag = parameters.value.get('to-tag');
  const fromTag = parameters.value.get('from-tag');
  if (toTag === undefined || fromTag === undefined) return undefined;
  return { callId, toTag, fromTag, earlyOnly: parameters.value.has('early-only') };
}

/** The value of a `Refer-To`; `undefined` if the text is no URI that can be called. */
export function formatReferTo(
  uriText: string,
  headers: Readonly<Record<string, string>> = {},
): string | undefined {
  const uri = parseSipUri(uriText);
  if (!uri.ok) return undefined;
  const more = Object.entries(headers).map(
    ([name, value]) => `${escapeUriHeader(name)}=${escapeUriHeader(value)}`,
  );
  const all = [...(uri.value.headers === '' ? [] : [uri.value.headers]), ...more].join('&');
  return `<${formatSipUri({ ...uri.value, headers: all })}>`;
}

function readUriHeaders(text: string): ReadonlyMap<string, string> | undefined {
  const headers = new Map<string, string>();
  if (text === '') return headers;
  const pieces = text.split('&', MAX_URI_HEADERS + 1);
  if (pieces.length > MAX_URI_HEADERS) return undefined;
  for (const piece of pieces) {
    const equals = piece.indexOf('=');
    const name = unescapeUri(equals < 0 ? piece : piece.slice(0, equals))?.toLowerCase();
    const value = unescapeUri(equals < 0 ? '' : piece.slice(equals + 1));
    if (name === undefined || value === undefined) return undefined;
    if (!headers.has(name)) headers.set(name, value);
  }
  return headers;
}
