/**
 * The lexical rules that the headers of RFC 3261 §25.1 have in common: tokens, quoted strings and
 * lists. Everything here is linear in its input.
 */

const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * Splits at a separator outside quoted strings and, unless told otherwise, outside `<>`. Pieces
 * are trimmed. `undefined` when a quote or bracket stays open.
 */
export function splitOutside(
  text: string,
  separator: ',' | ';' | ' ',
  options: { readonly angleBrackets: boolean } = { angleBrackets: true },
): string[] | undefined {
  const pieces: string[] = [];
  let start = 0;
  let quoted = false;
  let bracketed = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted) {
      if (character === '\\') at += 1;
      else if (character === '"') quoted = false;
    } else if (bracketed) {
      if (character === '>') bracketed = false;
    } else if (character === '"') quoted = true;
    else if (character === '<' && options.angleBrackets) bracketed = true;
    else if (character === separator) {
      pieces.push(trim(text.slice(start, at)));
      start = at + 1;
    }
  }
  if (quoted || bracketed) return undefined;
  pieces.push(trim(text.slice(start)));
  return pieces;
}

/** The text of a quoted string at the start of `text`, and where it ends; `undefined` if none. */
export function readQuoted(
  text: string,
): { readonly value: string; readonly end: number } | undefined {
  if (!text.startsWith('"')) return undefined;
  let value = '';
  let start = 1;
  for (let at = 1; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') return { value: value + text.slice(start, at), end: at + 1 };
    if (character === '\\') {
      value += text.slice(start, at);
      start = at + 1;
      at += 1;
    }
  }
  return undefined;
}

/** A quoted string that reads back as `text`; line ends, which it cannot hold, become spaces. */
export function quote(text: string): string {
  return `"${text.replace(/[\r\n]+/g, ' ').replace(/["\\\x00-\x08\x0b-\x1f\x7f]/g, '\\$&')}"`;
}

/** Strips spaces and tabs only: `String.trim` would eat non-breaking spaces inside UTF-8 text. */
export function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** A decimal of 0 … `maximum`, leading zeros allowed; `undefined` for anything else. */
export function readDecimal(text: string, maximum: number): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const digits = text.replace(/^0+(?=\d)/, '');
  if (digits.length > 15) return undefined;
  const value = Number(digits);
  return value <= maximum ? value : undefined;
}
