import { defect, parsed, type Parsed } from '../../core/result.ts';
import { parseParameters } from './parameters.ts';
import { readDecimal, trim } from './scan.ts';

/** `Session-Expires` (RFC 4028 §4). */
export type SessionExpires = {
  readonly intervalSeconds: number;
  /** Who sends the refreshes; `undefined` in requests that leave it open. */
  readonly refresher: 'uac' | 'uas' | undefined;
};

export type SessionTimerDefect = 'bad-interval' | 'bad-refresher';

/** The smallest interval that may be used, and what no `Min-SE` means (RFC 4028 §4, §5). */
export const MIN_SESSION_INTERVAL_SECONDS = 90;
/** delta-seconds (RFC 3261 §25.1) beyond this are a mistake or an attack. */
const MAX_INTERVAL_SECONDS = 0x7fff_ffff;

export function parseSessionExpires(text: string): Parsed<SessionExpires, SessionTimerDefect> {
  const semicolon = text.indexOf(';');
  const intervalSeconds = readInterval(semicolon < 0 ? text : text.slice(0, semicolon));
  const parameters = parseParameters(semicolon < 0 ? '' : text.slice(semicolon));
  if (intervalSeconds === undefined || !parameters.ok) return defect('bad-interval');
  const refresher = parameters.value.get('refresher')?.toLowerCase();
  if (refresher !== undefined && refresher !== 'uac' && refresher !== 'uas') {
    return defect('bad-refresher');
  }
  return parsed({ intervalSeconds, refresher });
}

export function formatSessionExpires(timer: SessionExpires): string {
  const refresher = timer.refresher === undefined ? '' : `;refresher=${timer.refresher}`;
  return `${timer.intervalSeconds}${refresher}`;
}

/** `Min-SE` in seconds (RFC 4028 §5); its parameters mean nothing yet. */
export function parseMinSe(text: string): Parsed<number, SessionTimerDefect> {
  const seconds = readInterval(text.split(';', 1)[0] ?? '');
  return seconds === undefined ? defect('bad-interval') : parsed(seconds);
}

function readInterval(text: string): number | undefined {
  return readDecimal(trim(text), MAX_INTERVAL_SECONDS);
}
