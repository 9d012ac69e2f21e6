import type { Clock, Timer } from '../../core/ports/clock.ts';
import type { SipRequest, SipResponse } from '../../protocols/sip/message.ts';
import {
  formatSessionExpires,
  parseMinSe,
  parseSessionExpires,
  MIN_SESSION_INTERVAL_SECONDS,
} from '../../protocols/sip/session-timer.ts';
import { listOf } from './option-tags.ts';

export type SessionExpiryOptions = {
  readonly clock: Clock;
  /** Nobody refreshed in time: the session is to be ended. */
  readonly onExpired: () => void;
  /** Ours to refresh, now. */
  readonly onRefresh: () => void;
};

/** Of sessions that we set up; the far side may shorten it. */
export const DEFAULT_SESSION_INTERVAL_S = 1_800;
/** Shorter agreements than this would be a load; the RFC's own minimum is not insisted on in answers. */
const MIN_AGREED_INTERVAL_S = 10;
/** Of the timers of JavaScript. */
const MAX_TIMER_MS = 0x7fff_ffff;

type HeaderFields = readonly (readonly [string, string])[];

/** What an INVITE of ours asks for (RFC 4028 §7.1); which side refreshes is left to the far side. */
export function sessionTimerHeaders(intervalS: number, minimumS: number): HeaderFields {
  return [
    ['Session-Expires', String(intervalS)],
    ['Min-SE', String(minimumS)],
  ];
}

/** The `Min-SE` of a 422, if it asks for more than `intervalS`. */
export function raisedInterval(response: SipResponse, intervalS: number): number | undefined {
  const minimum = parseMinSe(response.headers.get('Min-SE') ?? '');
  return minimum.ok && minimum.value > intervalS ? minimum.value : undefined;
}

/** RFC 4028 §9; without "timer" in Supported the far side could not act on a 422. */
export function isIntervalTooShort(request: SipRequest): boolean {
  const asked = parseSessionExpires(request.headers.get('Session-Expires') ?? '');
  if (!asked.ok || !listOf(request.headers, 'Supported').includes('timer')) return false;
  return asked.value.intervalSeconds < MIN_SESSION_INTERVAL_SECONDS;
}

/** What a 422 says. */
export const MIN_SE_HEADER: readonly [string, string] = [
  'Min-SE',
  String(MIN_SESSION_INTERVAL_SECONDS),
];

/** The session ends at most this long before it would expire (RFC 4028 §10). */
const END_EARLY_S = 32;

/** The session timer of one dialog (RFC 4028), which only runs when the far side agreed to one. */
export class SessionExpiry {
  readonly #options: SessionExpiryOptions;
  #intervalS: number | undefined;
  #minimumS = MIN_SESSION_INTERVAL_SECONDS;
  #weRefresh = false;
  #timers: Timer[] = [];

  constructor(options: SessionExpiryOptions) {
    this.#options = options;
  }

  /** Seconds that were agreed, or `undefined`. */
  get intervalS(): number | undefined {
    return this.#intervalS;
  }

  /**
   * Takes the wish of an INVITE or UPDATE and starts anew; the result goes into its 2xx. The
   * caller refreshes unless it said `refresher=uas` (RFC 4028 §9).
   */
  answer(request: SipRequest): HeaderFields {
    const asked = parseSessionExpires(request.headers.get('Session-Expires') ?? '');
    // Without "timer" in Supported only we could refresh, for the sake of a proxy: not done.
    if (!asked.ok || !listOf(request.headers, 'Supported').includes('timer')) {
      this.stop();
      return [];
    }
    const refresher = asked.value.refresher ?? 'uac';
    const intervalS = Math.max(asked.value.intervalSeconds, MIN_SESSION_INTERVAL_SECONDS);
    this.#start(intervalS, refresher === 'uas');
    return [
      ['Session-Expires', formatSessionExpires({ intervalSeconds: intervalS, refresher })],
      ['Require', 'timer'],
    ];
  }

  /** What a request of ours says that may refresh; roles stay as they are (RFC 4028 §7.4). */
  refreshHeaders(): HeaderFields {
    if (this.#intervalS === undefined) return [];
    // We send the request, so we are its "uac".
    const refresher = this.#weRefresh ? 'uac' : 'uas';
    const value = formatSessionExpires({ intervalSeconds: this.#intervalS, refresher });
    return [
      ['Supported', 'timer'],
      ['Session-Expires', value],
      ['Min-SE', String(this.#minimumS)],
    ];
  }

  /** A 422 to a request of ours: asks for as much as it wants. `false`: it says nothing usable. */
  raise(response: SipResponse): boolean {
    const raised = raisedInterval(response, this.#intervalS ?? Infinity);
    if (raised === undefined) return false;
    this.#intervalS = raised;
    this.#minimumS = raised;
    return true;
  }

  /** A refresh of ours was refused for now: another one comes before the session expires. */
  retryRefresh(): void {
    if (this.#intervalS === undefined) return;
    this.#timers.push(
      this.#options.clock.setTimer(
        Math.min((this.#intervalS / 12) * 1000, MAX_TIMER_MS),
        this.#options.onRefresh,
      ),
    );
  }

  /** A 2xx to a request of ours: the far side says whether and by whom the session is refreshed. */
  refreshed(response: SipResponse): void {
    const agreed = parseSessionExpires(response.headers.get('Session-Expires') ?? '');
    if (!agreed.ok) {
      this.stop();
      return;
    }
    const intervalS = Math.max(agreed.value.intervalSeconds, MIN_AGREED_INTERVAL_S);
    this.#start(intervalS, agreed.value.refresher !== 'uas');
  }

  /** Idempotent. */
  stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    this.#intervalS = undefined;
  }

  #start(intervalS: number, weRefresh: boolean): void {
    this.stop();
    this.#intervalS = intervalS;
    this.#weRefresh = weRefresh;
    const { clock, onExpired, onRefresh } = this.#options;
    const endMs = (intervalS - Math.min(END_EARLY_S, intervalS / 3)) * 1000;
    // A far-away end is as good as none; a refresh may always come early.
    this.#timers = endMs > MAX_TIMER_MS ? [] : [clock.setTimer(endMs, onExpired)];
    const refreshMs = Math.min((intervalS / 2) * 1000, MAX_TIMER_MS);
    if (this.#weRefresh) this.#timers.push(clock.setTimer(refreshMs, onRefresh));
  }
}
