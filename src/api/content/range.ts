export type ContentRange =
  | { readonly kind: 'full' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' };

const FULL: ContentRange = { kind: 'full' };
const UNSATISFIABLE: ContentRange = { kind: 'unsatisfiable' };

/**
 * What a `Range` header asks of a file. SDKs send `bytes=undefined` and
 * `bytes=None` when they mean everything, and `bytes=5` when they mean `bytes=5-`; whatever
 * cannot be read, several ranges included, gets the whole file (RFC 9110 §14.2).
 *
 * @returns `start` and `end` both included, `end` within the file.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ContentRange {
  const found = /^\s*bytes\s*=\s*(\d*)\s*(-?)\s*(\d*)\s*$/i.exec(header ?? '');
  if (found === null) return FULL;
  const [, first = '', dash = '', last = ''] = found;
  if (first === '') return dash === '' || last === '' ? FULL : suffix(Number(last), sizeBytes);
  const start = Number(first);
  if (last !== '' && Number(last) < start) return FULL;
  if (start >= sizeBytes) return UNSATISFIABLE;
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  return { kind: 'part', start, end };
}

/** `bytes=-N`: the last N bytes. */
function suffix(lengthBytes: number, sizeBytes: number): ContentRange {
  if (lengthBytes === 0 || sizeBytes === 0) return UNSATISFIABLE;
  return { kind: 'part', start: Math.max(0, sizeBytes - lengthBytes), end: sizeBytes - 1 };
}
