import { formatCSeq } from './cseq.ts';
import { SipHeaders } from './headers.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { formatNameAddress, type NameAddress } from './name-address.ts';
import { withParameter } from './parameters.ts';
import { reasonPhrase } from './reasons.ts';
import type { SipUri } from './uri.ts';
import { formatVia, type Via } from './via.ts';

/** Recommended start value (RFC 3261 §8.1.1.6). */
export const DEFAULT_MAX_FORWARDS = 70;

export type HeaderList = Iterable<readonly [name: string, value: string]>;

export type BodyOptions = {
  /** Appended in order, after the fields that are set here. */
  readonly headers?: HeaderList;
  /** Default empty. */
  readonly body?: Uint8Array;
  /** Of `body`. Default none. */
  readonly contentType?: string;
};

export type RequestOptions = BodyOptions & {
  readonly method: string;
  readonly uri: SipUri;
  readonly via: Via;
  readonly from: NameAddress;
  readonly to: NameAddress;
  readonly callId: string;
  readonly cseqNumber: number;
  /** Default `DEFAULT_MAX_FORWARDS`. */
  readonly maxForwards?: number;
};

/** A request with the fields of RFC 3261 §8.1.1. */
export function request(options: RequestOptions): SipRequest {
  const { method, uri, via, from, to, callId } = options;
  const cseq = { number: options.cseqNumber, method };
  const headers = new SipHeaders();
  headers.append('Via', formatVia(via));
  headers.append('Max-Forwards', String(options.maxForwards ?? DEFAULT_MAX_FORWARDS));
  headers.append('From', formatNameAddress(from));
  headers.append('To', formatNameAddress(to));
  headers.append('Call-ID', callId);
  headers.append('CSeq', formatCSeq(cseq));
  const body = addRest(headers, options);
  return { kind: 'request', method, uri, via, from, to, callId, cseq, headers, body };
}

export type ResponseOptions = BodyOptions & {
  /** Added to `To` unless it has a tag already; never to a 100 (RFC 3261 §8.2.6.2). */
  readonly toTag?: string | undefined;
};

/**
 * A response with the fields that belong to the request copied (RFC 3261 §8.2.6, §12.1.1). The
 * `Via` values are copied as they stand in the request: whoever received it has added `received`
 * and `rport` there.
 */
export function responseTo(
  request: SipRequest,
  status: number,
  reason: string = reasonPhrase(status),
  options: ResponseOptions = {},
): SipResponse {
  const { via, from, callId, cseq } = request;
  const headers = new SipHeaders();
  copy(request.headers, headers, 'Via');
  copy(request.headers, headers, 'From');
  const tag = status === 100 || request.to.parameters.has('tag') ? undefined : options.toTag;
  const to =
    tag === undefined
      ? request.to
      : { ...request.to, parameters: withParameter(request.to.parameters, 'tag', tag) };
  if (tag === undefined) copy(request.headers, headers, 'To');
  else headers.append('To', formatNameAddress(to));
  copy(request.headers, headers, 'Call-ID');
  copy(request.headers, headers, 'CSeq');
  if (status === 100) copy(request.headers, headers, 'Timestamp');
  if (status > 100 && status < 300) copy(request.headers, headers, 'Record-Route');
  const body = addRest(headers, options);
  return { kind: 'response', status, reason, via, from, to, callId, cseq, headers, body };
}

function copy(from: SipHeaders, to: SipHeaders, name: string): void {
  for (const value of from.all(name)) to.append(name, value);
}

function addRest(headers: SipHeaders, options: BodyOptions): Uint8Array {
  for (const [name, value] of options.headers ?? []) headers.append(name, value);
  if (options.contentType !== undefined) headers.set('Content-Type', options.contentType);
  return options.body ?? new Uint8Array(0);
}
