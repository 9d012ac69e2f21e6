import { defect, parsed, type Parsed } from '../../core/result.ts';
import { isIpv6 } from './host.ts';
import { isToken, quote, readQuoted, splitOutside, trim } from './scan.ts';

/** `;name=value` lists: lower-case names; a parameter without a value has `''`. */
export type Parameters = ReadonlyMap<string, string>;

export type ParameterDefect = 'bad-parameter';

export const NO_PARAMETERS: Parameters = new Map();

/**
 * Reads the `;name=value` tail of a header (RFC 3261 §25.1 generic-param), starting at the first
 * `;`, or empty. Quoted values come unquoted. Of a repeated name the first value counts, where
 * the RFC forbids the repetition: such messages are in use.
 */
export function parseParameters(text: string): Parsed<Parameters, ParameterDefect> {
  const list = trim(text);
  if (list === '') return parsed(NO_PARAMETERS);
  if (!list.startsWith(';')) return defect('bad-parameter');
  const pieces = splitOutside(list.slice(1), ';', { angleBrackets: false });
  if (pieces === undefined) return defect('bad-parameter');
  const parameters = new Map<string, string>();
  for (const piece of pieces) {
    const equals = piece.indexOf('=');
    const name = equals < 0 ? piece : trim(piece.slice(0, equals));
    const value = equals < 0 ? '' : readValue(trim(piece.slice(equals + 1)));
    if (!isToken(name) || value === undefined) return defect('bad-parameter');
    const key = name.toLowerCase();
    if (!parameters.has(key)) parameters.set(key, value);
  }
  return parsed(parameters);
}

/** Writes parameters with their `;`; values that are neither token nor address are quoted. */
export function formatParameters(parameters: Parameters): string {
  let text = '';
  for (const [name, value] of parameters) {
    if (value === '') text += `;${name}`;
    else text += `;${name}=${isBare(value) ? value : quote(value)}`;
  }
  return text;
}

/** A copy with one parameter set: Parameters are values and are never changed in place. */
export function withParameter(parameters: Parameters, name: string, value: string): Parameters {
  return new Map(parameters).set(name.toLowerCase(), value);
}

function readValue(text: string): string | undefined {
  if (text.startsWith('"')) {
    const quoted = readQuoted(text);
    return quoted?.end === text.length ? quoted.value : undefined;
  }
  // Not only tokens: addresses, and URIs such as those of `+sip.instance`, come unquoted too.
  return /[\s",;<>]/.test(text) ? undefined : text;
}

function isBare(value: string): boolean {
  return isToken(value) || isIpv6(value) || /^\[[0-9A-Fa-f:.]+\]$/.test(value);
}
