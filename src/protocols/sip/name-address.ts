import { defect, parsed, type Parsed } from '../../core/result.ts';
import { formatParameters, parseParameters, type Parameters } from './parameters.ts';
import { quote, readQuoted, splitOutside, trim } from './scan.ts';
import { formatSipUri, parseSipUri, type SipUri, type UriDefect } from './uri.ts';

/** `From`, `To`, `Contact`, `Route` and their like (RFC 3261 §20.10). */
export type NameAddress = {
  /** Unquoted; `''` if there is none. */
  readonly displayName: string;
  readonly uri: SipUri;
  /** Header parameters, `tag` among them. */
  readonly parameters: Parameters;
};

export type NameAddressDefect = UriDefect | 'bad-display-name' | 'bad-brackets' | 'bad-parameter';

/**
 * Reads one name-addr or addr-spec with its header parameters. Without `<>` what follows `;`
 * belongs to the header, and a URI with `?` or `,` is a defect (§20.10). Display names that
 * should have been quoted (`Bell, Alexander <…>`) are taken as they are.
 */
export function parseNameAddress(text: string): Parsed<NameAddress, NameAddressDefect> {
  const value = trim(text);
  let displayName = '';
  let open = value.indexOf('<');
  if (value.startsWith('"')) {
    const quoted = readQuoted(value);
    if (quoted === undefined) return defect('bad-display-name');
    displayName = quoted.value;
    const gap = value.slice(quoted.end);
    open = value.length - trimStart(gap).length;
    if (value[open] !== '<') return defect('bad-brackets');
  } else if (open >= 0) {
    displayName = trim(value.slice(0, open));
    if (/["\\;]/.test(displayName)) return defect('bad-display-name');
  }
  if (open < 0) return parseAddressSpec(value);
  const close = value.indexOf('>', open);
  if (close < 0) return defect('bad-brackets');
  return assemble(displayName, value.slice(open + 1, close), value.slice(close + 1));
}

function parseAddressSpec(value: string): Parsed<NameAddress, NameAddressDefect> {
  const semicolon = value.indexOf(';');
  const uriText = trim(semicolon < 0 ? value : value.slice(0, semicolon));
  if (/[?,]/.test(uriText)) return defect('bad-brackets');
  return assemble('', uriText, semicolon < 0 ? '' : value.slice(semicolon));
}

function assemble(
  displayName: string,
  uriText: string,
  parameterText: string,
): Parsed<NameAddress, NameAddressDefect> {
  const uri = parseSipUri(uriText);
  if (!uri.ok) return uri;
  const parameters = parseParameters(parameterText);
  if (!parameters.ok) return parameters;
  return parsed({ displayName, uri: uri.value, parameters: parameters.value });
}

/** Reads the values of a header such as `Route`: each may be a comma list. */
export function parseNameAddressList(
  values: string | readonly string[],
): Parsed<readonly NameAddress[], NameAddressDefect> {
  const list: NameAddress[] = [];
  for (const value of typeof values === 'string' ? [values] : values) {
    const pieces = splitOutside(value, ',');
    if (pieces === undefined) return defect('bad-brackets');
    for (const piece of pieces) {
      const address = parseNameAddress(piece);
      if (!address.ok) return address;
      list.push(address.value);
    }
  }
  return parsed(list);
}

/** `Contact`: a list, or `*` (only in a REGISTER that removes all bindings, §10.2.2). */
export function parseContacts(
  values: readonly string[],
): Parsed<'*' | readonly NameAddress[], NameAddressDefect> {
  if (values.length === 1 && values[0] !== undefined && trim(values[0]) === '*') return parsed('*');
  return parseNameAddressList(values);
}

/** Always with `<>`, so that URI and header parameters cannot be confused. */
export function formatNameAddress(address: NameAddress): string {
  const name = address.displayName === '' ? '' : `${quote(address.displayName)} `;
  return `${name}<${formatSipUri(address.uri)}>${formatParameters(address.parameters)}`;
}

function trimStart(text: string): string {
  return text.replace(/^[ \t]+/, '');
}
