import type { HeaderList } from '../../protocols/sip/build.ts';
import type { SipRequest } from '../../protocols/sip/message.ts';
import { ACCEPT_HEADER, ALLOW, SUPPORTED_EXTENSIONS, isSdp } from './capabilities.ts';
import { listOf } from './option-tags.ts';

export type Refusal = { readonly status: number; readonly headers: HeaderList };

/** Methods that are served outside a dialog, or need one (and get 481 without it). */
const KNOWN_METHODS: readonly string[] = ALLOW.split(', ');

/**
 * The checks of RFC 3261 §8.2 for a request outside any dialog, in its order; `undefined` if it
 * passes.
 */
export function screenRequest(
  request: SipRequest,
  options: {
    readonly moreMethods: readonly string[];
    readonly isMerged: boolean;
    /** It is for a `sips:` URI and came over TLS. */
    readonly isSips: boolean;
  },
): Refusal | undefined {
  const methods = [...KNOWN_METHODS, ...options.moreMethods];
  if (!methods.includes(request.method)) {
    return { status: 405, headers: [['Allow', methods.join(', ')]] };
  }
  // Whoever came another way has broken the promise of "sips" already.
  if (request.uri.scheme === 'sips' && !options.isSips) return { status: 416, headers: [] };
  // An OPTIONS that was sent to find the way may end here (§11).
  if (request.method !== 'OPTIONS' && Number(request.headers.get('Max-Forwards') ?? 70) === 0) {
    return { status: 483, headers: [] };
  }
  if (options.isMerged) return { status: 482, headers: [] };
  // Only a call can take the place of another (RFC 3891 §3).
  if (request.method !== 'INVITE' && request.headers.get('Replaces') !== undefined) {
    return { status: 400, headers: [] };
  }
  const unsupported = listOf(request.headers, 'Require').filter(
    (tag) => !SUPPORTED_EXTENSIONS.includes(tag),
  );
  if (unsupported.length > 0) {
    return { status: 420, headers: [['Unsupported', unsupported.join(', ')]] };
  }
  return screenBody(request);
}

/** RFC 3261 §8.2.3: only what is understood may be in the body of an INVITE. */
export function screenBody(request: SipRequest): Refusal | undefined {
  if (request.method !== 'INVITE' || request.body.byteLength === 0) return undefined;
  const encoding = request.headers.get('Content-Encoding')?.toLowerCase() ?? 'identity';
  if (encoding !== 'identity') {
    return { status: 415, headers: [['Accept-Encoding', 'identity']] };
  }
  if (!isSdp(request.headers.get('Content-Type'))) {
    return { status: 415, headers: [ACCEPT_HEADER] };
  }
  return undefined;
}
