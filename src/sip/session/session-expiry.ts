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

/** The session ends at most this long before it would expire (RFC 4028 §10). */
const END_EARLY_S = 32;

/** The session timer of one dialog (RFC 4028), which only runs when the far side asked for one. */
export class SessionExpiry {
  readonly #options: SessionExpiryOptions;
  #intervalS: number | undefined;
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
  answer(request: SipRequest): readonly (readonly [string, string])[] {
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

  /** What a refresh of ours says. */
  refreshHeaders(): readonly (readonly [string, string])[] {
    if (this.#intervalS === undefined) return [];
    // We send the request, so we are its "uac".
    const value = formatSessionExpires({ intervalSeconds: this.#intervalS, refresher: 'uac' });
    return [
      ['Supported', 'timer'],
      ['Session-Expires', value],
    ];
  }

  /** A 422 to a request of ours: asks for as much as it wants. `false`: it says nothing usable. */
  raise(response: SipResponse): boolean {
    const minimum = parseMinSe(response.headers.get('Min-SE') ?? '');
    if (!minimum.ok || this.#intervalS === undefined || minimum.value <= this.#intervalS) {
      return false;
    }
    this.#intervalS = minimum.value;
    return true;
  }

  /** A 2xx to a request of ours: the far side says whether and by whom the session is refreshed. */
  refreshed(response: SipResponse): void {
    const agreed = parseSessionExpires(response.headers.get('Session-Expires') ?? '');
    if (agreed.ok) this.#start(agreed.value.intervalSeconds, agreed.value.refresher !== 'uas');
    else this.stop();
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
    this.#timers = [clock.setTimer(endMs, onExpired)];
    if (this.#weRefresh) this.#timers.push(clock.setTimer((intervalS / 2) * 1000, onRefresh));
  }
}
