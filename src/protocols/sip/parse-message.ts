/**
 * SIP messages as values (RFC 3261 §7). A message is either whole, with the fields that every
 * message must have already read, or a named defect; a request that is defective but tells where
 * its answer belongs can still be refused politely: see `parseForRejection`.
 */
import { defect, parsed, type Parsed } from '../../core/result.ts';
import { parseCSeq } from './cseq.ts';
import { HeadScanner, readHead, skipLineEnds, type HeadDefect, type SipHead } from './head.ts';
import type { SipHeaders } from './headers.ts';
import { SIP_LIMITS, type SipLimits } from './limits.ts';
import type { SipEssentials, SipMessage } from './message.ts';
import { parseNameAddress, type NameAddress } from './name-address.ts';
import { isToken, readDecimal } from './scan.ts';
import { parseSipUri, type SipUri } from './uri.ts';
import { parseVia, splitVia, type Via } from './via.ts';

export type StartLineDefect =
  | 'bad-start-line'
  | 'unsupported-version'
  | 'bad-request-uri'
  | 'unsupported-uri-scheme'
  | 'bad-status';

export type EssentialDefect =
  | 'missing-via'
  | 'bad-via'
  | 'missing-from'
  | 'bad-from'
  | 'missing-to'
  | 'bad-to'
  | 'missing-call-id'
  | 'bad-call-id'
  | 'missing-cseq'
  | 'bad-cseq'
  | 'method-mismatch'
  | 'repeated-header'
  | 'bad-max-forwards';

export type LengthDefect =
  'bad-content-length' | 'missing-content-length' | 'body-too-short' | 'body-too-long';

export type SipDefect =
  | 'empty'
  | 'no-end-of-headers'
  | 'headers-too-long'
  | HeadDefect
  | StartLineDefect
  | EssentialDefect
  | LengthDefect;

/**
 * Reads one datagram, or one WebSocket message. Accepts any bytes; never throws. Bytes after
 * `Content-Length` are dropped; without that field the rest is the body (§18.3). The message
 * holds copies only: the datagram's buffer may be reused.
 */
export function parseSipMessage(
  datagram: Uint8Array,
  limits: SipLimits = SIP_LIMITS,
): Parsed<SipMessage, SipDefect> {
  const split = splitDatagram(datagram, limits);
  if (!split.ok) return split;
  const { head, rest } = split.value;
  const length = readContentLength(head.headers);
  if (length === 'bad' || (length !== undefined && length > rest.byteLength)) {
    const checked = checkHead(head);
    // A worse defect than the length names the message better.
    if (!checked.ok) return checked;
    return defect(length === 'bad' ? 'bad-content-length' : 'body-too-short');
  }
  const body = length === undefined ? rest : rest.subarray(0, length);
  if (body.byteLength > limits.bodyBytes) return defect('body-too-long');
  return messageOf(head, body);
}

/** A datagram as head and what follows it. */
export function splitDatagram(
  datagram: Uint8Array,
  limits: SipLimits,
): Parsed<{ readonly head: SipHead; readonly rest: Uint8Array }, SipDefect> {
  const start = skipLineEnds(datagram, 0, datagram.byteLength);
  if (start === datagram.byteLength) return defect('empty');
  const longest = Math.min(datagram.byteLength, start + limits.headerBytes);
  const bodyStart = new HeadScanner(start).findBody(datagram, longest);
  if (bodyStart === undefined) {
    return defect(longest < datagram.byteLength ? 'headers-too-long' : 'no-end-of-headers');
  }
  const head = readHead(datagram.subarray(start, bodyStart), limits);
  return parsed({ head, rest: datagram.subarray(bodyStart) });
}

/** The message of a head and its body, which is copied. */
export function messageOf(head: SipHead, body: Uint8Array): Parsed<SipMessage, SipDefect> {
  const checked = checkHead(head);
  if (!checked.ok) return checked;
  const { start, essentials } = checked.value;
  // Not `slice`: that of a Buffer is a view.
  const rest = { ...essentials, headers: head.headers, body: new Uint8Array(body) };
  if (start.kind === 'response') return parsed({ ...start, ...rest });
  return parsed({ ...start, ...rest });
}

type CheckedHead = { readonly start: StartLine; readonly essentials: SipEssentials };

function checkHead(head: SipHead): Parsed<CheckedHead, SipDefect> {
  const start = parseStartLine(head.startLine);
  if (!start.ok) return start;
  if (head.defect !== undefined) return defect(head.defect);
  const essentials = readEssentials(head.headers);
  if (!essentials.ok) return essentials;
  const { cseq } = essentials.value;
  if (start.value.kind === 'request' && start.value.method !== cseq.method) {
    return defect('method-mismatch');
  }
  return parsed({ start: start.value, essentials: essentials.value });
}

type StartLine =
  | { readonly kind: 'request'; readonly method: string; readonly uri: SipUri }
  | { readonly kind: 'response'; readonly status: number; readonly reason: string };

const RESPONSE_LINE = /^SIP\/2\.0 (\d+)(?: (.*))?$/i;
const REQUEST_LINE = /^([^ \t]+) ([^ \t]+) (SIP\/\d+\.\d+)$/i;

/** Request-Line or Status-Line (RFC 3261 §7.1, §7.2), with single spaces as the grammar wants. */
function parseStartLine(line: string): Parsed<StartLine, StartLineDefect> {
  if (line.includes('\r')) return defect('bad-start-line');
  const response = RESPONSE_LINE.exec(line);
  if (response?.[1] !== undefined) {
    const status = readDecimal(response[1], 699);
    if (response[1].length !== 3 || status === undefined || status < 100) {
      return defect('bad-status');
    }
    return parsed({ kind: 'response', status, reason: response[2] ?? '' });
  }
  const request = REQUEST_LINE.exec(line);
  const [, method, uriText, version] = request ?? [];
  if (method === undefined || uriText === undefined || version === undefined) {
    return defect('bad-start-line');
  }
  if (!isToken(method)) return defect('bad-start-line');
  if (version.toUpperCase() !== 'SIP/2.0') return defect('unsupported-version');
  const uri = parseSipUri(uriText);
  if (!uri.ok) {
    return defect(
      uri.defect === 'unsupported-scheme' ? 'unsupported-uri-scheme' : 'bad-request-uri',
    );
  }
  // Headers have no place in a Request-URI (§19.1.1); honouring them would let a caller write
  // headers of our own requests.
  if (uri.value.headers !== '') return defect('bad-request-uri');
  return parsed({ kind: 'request', method, uri: uri.value });
}

const SINGLE_FIELDS = ['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards'] as const;
const MAX_MAX_FORWARDS = 255;

function readEssentials(headers: SipHeaders): Parsed<SipEssentials, EssentialDefect> {
  for (const name of SINGLE_FIELDS) {
    if (headers.all(name).length > 1) return defect('repeated-header');
  }
  const via = readTopVia(headers);
  if (!via.ok) return via;
  const from = readAddress(headers.get('From'), 'missing-from', 'bad-from');
  if (!from.ok) return from;
  const to = readAddress(headers.get('To'), 'missing-to', 'bad-to');
  if (!to.ok) return to;
  const callId = headers.get('Call-ID');
  if (callId === undefined) return defect('missing-call-id');
  if (callId === '' || /[\s,;]/.test(callId)) return defect('bad-call-id');
  const cseqText = headers.get('CSeq');
  if (cseqText === undefined) return defect('missing-cseq');
  const cseq = parseCSeq(cseqText);
  if (!cseq.ok) return cseq;
  const maxForwards = headers.get('Max-Forwards');
  if (maxForwards !== undefined && readDecimal(maxForwards, MAX_MAX_FORWARDS) === undefined) {
    return defect('bad-max-forwards');
  }
  return parsed({
    via: via.value,
    from: from.value,
    to: to.value,
    callId,
    cseq: cseq.value,
  });
}

/** Every `Via` must be readable: all of them are copied into the response. */
function readTopVia(headers: SipHeaders): Parsed<Via, 'missing-via' | 'bad-via'> {
  const values = headers.all('Via');
  if (values.length === 0) return defect('missing-via');
  const split = splitVia(values);
  if (!split.ok) return split;
  let top: Via | undefined;
  for (const text of split.value) {
    const via = parseVia(text);
    if (!via.ok) return via;
    top ??= via.value;
  }
  return top === undefined ? defect('bad-via') : parsed(top);
}

function readAddress<M extends EssentialDefect, B extends EssentialDefect>(
  text: string | undefined,
  missing: M,
  bad: B,
): Parsed<NameAddress, M | B> {
  if (text === undefined) return defect(missing);
  const address = parseNameAddress(text);
  return address.ok ? address : defect(bad);
}

/** Repeated fields must agree (RFC 4475 §3.3.9 shows what the others do). */
export function readContentLength(headers: SipHeaders): number | 'bad' | undefined {
  let length: number | undefined;
  for (const text of headers.all('Content-Length')) {
    const value = readDecimal(text, Number.MAX_SAFE_INTEGER);
    if (value === undefined || (length !== undefined && length !== value)) return 'bad';
    length = value;
  }
  return length;
}
