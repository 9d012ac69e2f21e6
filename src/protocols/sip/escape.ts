/** Percent escapes of SIP URIs (RFC 3261 §19.1.2), which spell UTF-8. */

/** Decoded text; `undefined` for a lone `%` or bytes that are no UTF-8. */
export function unescapeUri(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** user = unreserved / user-unreserved (§25.1). */
const NOT_IN_USER = /[^A-Za-z0-9\-_.!~*'()&=+$,;?/]/gu;
/** paramchar = unreserved / param-unreserved (§25.1). */
const NOT_IN_PARAMETER = /[^A-Za-z0-9\-_.!~*'()[\]/:&+$]/gu;

/** hname and hvalue: unreserved / hnv-unreserved (§25.1). */
const NOT_IN_URI_HEADER = /[^A-Za-z0-9\-_.!~*'()[\]/?:+$]/gu;

export function escapeUser(text: string): string {
  return text.replace(NOT_IN_USER, escapeCharacter);
}

export function escapeUriParameter(text: string): string {
  return text.replace(NOT_IN_PARAMETER, escapeCharacter);
}

export function escapeUriHeader(text: string): string {
  return text.replace(NOT_IN_URI_HEADER, escapeCharacter);
}

function escapeCharacter(character: string): string {
  let escaped = '';
  // A lone surrogate, which no UTF-8 can spell, becomes U+FFFD here.
  for (const byte of Buffer.from(character, 'utf8')) {
    escaped += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}
