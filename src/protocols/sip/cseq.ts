import { defect, parsed, type Parsed } from '../../core/result.ts';
import type { CSeq } from './message.ts';
import { isToken, readDecimal } from './scan.ts';

export type CSeqDefect = 'bad-cseq';

/** Below 2^31 (RFC 3261 §8.1.1.5). */
export const MAX_CSEQ = 0x7fff_ffff;

export function parseCSeq(text: string): Parsed<CSeq, CSeqDefect> {
  const match = /^(\d+)[ \t]+([^ \t]+)$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return defect('bad-cseq');
  const number = readDecimal(match[1], MAX_CSEQ);
  if (number === undefined || !isToken(match[2])) return defect('bad-cseq');
  return parsed({ number, method: match[2] });
}

export function formatCSeq(cseq: CSeq): string {
  return `${cseq.number} ${cseq.method}`;
}
