import { parseCSeq } from './cseq.ts';
import { readDecimal } from './scan.ts';

/** `RAck` (RFC 3262 §7.2): which reliable provisional response of which request a PRACK is for. */
export type RAck = {
  readonly rseq: number;
  readonly cseqNumber: number;
  readonly method: string;
};

/** RSeq is 32 bits wide (RFC 3262 §7.1). */
const MAX_RSEQ = 0xffff_ffff;

export function parseRAck(text: string): RAck | undefined {
  const match = /^[ \t]*(\d+)[ \t]+(.*)$/.exec(text);
  const rseq = parseRSeq(match?.[1] ?? '');
  const cseq = parseCSeq((match?.[2] ?? '').trim());
  if (rseq === undefined || !cseq.ok) return undefined;
  return { rseq, cseqNumber: cseq.value.number, method: cseq.value.method };
}

export function formatRAck(rack: RAck): string {
  return `${rack.rseq} ${rack.cseqNumber} ${rack.method}`;
}

/** `undefined` for 0, which no response may have, and for what is no number. */
export function parseRSeq(text: string): number | undefined {
  const rseq = readDecimal(text.trim(), MAX_RSEQ);
  return rseq === 0 ? undefined : rseq;
}
