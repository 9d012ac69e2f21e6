import type { SipHeaders } from './headers.ts';
import type { SipMessage } from './message.ts';
import { formatSipUri } from './uri.ts';

/**
 * The bytes of a message. `headers` are the truth: `via`, `from` and the other essentials are
 * views of them and are not written. `Content-Length` is set to the body's length.
 */
export function serialiseMessage(message: SipMessage): Uint8Array {
  const startLine =
    message.kind === 'request'
      ? `${message.method} ${formatSipUri(message.uri)} SIP/2.0`
      : `SIP/2.0 ${message.status} ${message.reason}`;
  return serialiseParts(startLine, message.headers, message.body);
}

/** The bytes of a start line, headers and body; line ends inside values become spaces. */
export function serialiseParts(
  startLine: string,
  headers: SipHeaders,
  body: Uint8Array,
): Uint8Array {
  let head = `${oneLine(startLine)}\r\n`;
  for (const { name, value } of headers.entries()) {
    if (name !== 'Content-Length') head += `${oneLine(name)}: ${oneLine(value)}\r\n`;
  }
  head += `Content-Length: ${body.byteLength}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'utf8'), body]);
}

function oneLine(text: string): string {
  // Whatever a value was made of, it cannot start a header of its own.
  return /[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, ' ') : text;
}
