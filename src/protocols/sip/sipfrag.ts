import { reasonPhrase } from './reasons.ts';

export const SIPFRAG_TYPE = 'message/sipfrag';

/** The start of a response, as a NOTIFY about a REFER carries it (RFC 3515 §2.4.5, RFC 3420). */
export type StatusFragment = { readonly status: number; readonly reason: string };

/** Longer phrases are cut. */
const MAX_REASON_CHARACTERS = 200;
/** No status line is longer than this. */
const MAX_LINE_BYTES = 1_000;

/** Reads the status line; the fields that may follow are passed over. Never throws. */
export function parseStatusFragment(body: Uint8Array): StatusFragment | undefined {
  const text = new TextDecoder().decode(body.subarray(0, MAX_LINE_BYTES));
  const match = /^\s*SIP\/2\.0[ \t]+([1-6]\d\d)(?:[ \t]+([^\r\n]*))?(?:\r?\n|\r|$)/i.exec(text);
  if (match?.[1] === undefined) return undefined;
  const status = Number(match[1]);
  const reason = (match[2] ?? '').trim().slice(0, MAX_REASON_CHARACTERS);
  return { status, reason: reason === '' ? reasonPhrase(status) : reason };
}

export function formatStatusFragment(fragment: StatusFragment): Uint8Array {
  const reason = fragment.reason.replace(/[\r\n]+/g, ' ');
  return new TextEncoder().encode(`SIP/2.0 ${fragment.status} ${reason}\r\n`);
}
