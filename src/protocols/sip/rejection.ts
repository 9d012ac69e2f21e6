import { SipHeaders } from './headers.ts';
import type { SipHead } from './head.ts';
import { SIP_LIMITS, type SipLimits } from './limits.ts';
import { splitDatagram, type SipDefect } from './parse-message.ts';
import { reasonPhrase } from './reasons.ts';
import { isToken, trim } from './scan.ts';
import { serialiseParts } from './serialise.ts';
import { parseViaLoosely, splitVia, type Via } from './via.ts';

/** What can still be said about a request that is defective: enough to refuse it. */
export type SipRejection = {
  /** First word of the start line. */
  readonly method: string;
  /** Topmost `Via`: where the answer belongs. */
  readonly via: Via;
  /** All readable fields of the request, unread. */
  readonly headers: SipHeaders;
  readonly status: 400 | 416 | 505 | 513;
  readonly reason: string;
};

/**
 * Reads as much of a defective datagram as an answer needs: a request line of some kind and
 * a `Via` with a host. `undefined` when no answer can or may be sent (a response, an ACK, no
 * way back). `found` is the defect that `parseSipMessage` named.
 */
export function parseForRejection(
  datagram: Uint8Array,
  found: SipDefect,
  limits: SipLimits = SIP_LIMITS,
): SipRejection | undefined {
  const split = splitDatagram(datagram, limits);
  return split.ok ? rejectionOf(split.value.head, found) : undefined;
}

/** The same for a head that has been read. */
export function rejectionOf(head: SipHead, found: SipDefect): SipRejection | undefined {
  const line = trim(head.startLine);
  const method = /^[^ \t]+/.exec(line)?.[0] ?? '';
  // A response is never answered, nor is an ACK (RFC 3261 §17.1.1.3).
  if (!isToken(method) || method === 'ACK' || !/[ \t]SIP\/\d+\.\d+$/i.test(line)) return undefined;
  const topVia = splitLoosely(head.headers)[0];
  const via = topVia === undefined ? undefined : parseViaLoosely(topVia);
  if (via === undefined) return undefined;
  return {
    method,
    via,
    headers: head.headers,
    status: STATUS_BY_DEFECT.get(found) ?? 400,
    reason: reasonOf(found),
  };
}

const STATUS_BY_DEFECT: ReadonlyMap<SipDefect, SipRejection['status']> = new Map([
  ['unsupported-uri-scheme', 416],
  ['unsupported-version', 505],
  ['body-too-long', 513],
]);

function reasonOf(found: SipDefect): string {
  const status = STATUS_BY_DEFECT.get(found);
  // The phrase of a 400 should identify the problem (RFC 3261 §21.4.1).
  return status === undefined ? `Bad Request (${found})` : reasonPhrase(status);
}

/**
 * The bytes of the refusal: the fields of RFC 3261 §8.2.6.2, as far as they are there, as they
 * stand. `topVia` is the topmost `Via` with `received` and `rport` filled in; it takes the place of
 * the first.
 */
export function serialiseRejection(
  rejection: SipRejection,
  options: { readonly topVia: string; readonly toTag: string },
): Uint8Array {
  const headers = new SipHeaders();
  headers.append('Via', options.topVia);
  for (const value of lowerVias(rejection.headers)) headers.append('Via', value);
  for (const name of ['From', 'To', 'Call-ID', 'CSeq'] as const) {
    const value = rejection.headers.get(name);
    if (value === undefined) continue;
    const needsTag = name === 'To' && !/;[ \t]*tag[ \t]*=/i.test(value);
    headers.append(name, needsTag ? `${value};tag=${options.toTag}` : value);
  }
  const startLine = `SIP/2.0 ${rejection.status} ${rejection.reason}`;
  return serialiseParts(startLine, headers, new Uint8Array(0));
}

/** The `Via` values below the top one that can be read; broken ones lead nowhere. */
function lowerVias(headers: SipHeaders): readonly string[] {
  return splitLoosely(headers)
    .slice(1)
    .filter((text) => parseViaLoosely(text) !== undefined);
}

function splitLoosely(headers: SipHeaders): readonly string[] {
  const values = headers.all('Via');
  const split = splitVia(values);
  return split.ok ? split.value : values;
}
