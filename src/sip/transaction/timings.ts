/** Round-trip estimate (RFC 3261 §17.1.1.1). */
export const T1_MS = 500;
/** Longest interval between retransmissions of non-INVITE requests and of responses to INVITE. */
export const T2_MS = 4_000;
/** How long a message may stay in the network. */
export const T4_MS = 5_000;
/** Timers B, F, H, J, L and M: how long a transaction waits for its other side. */
export const TRANSACTION_TIMEOUT_MS: number = 64 * T1_MS;
/** Timer D: how long retransmitted final responses are acknowledged on an unreliable transport. */
export const TIMER_D_MS = 32_000;
/** A 100 goes out if the user has not answered an INVITE by then (RFC 3261 §17.2.1). */
export const TRYING_AFTER_MS = 200;
