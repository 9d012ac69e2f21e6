/** Why a client transaction ended without a final response. */
export type ClientFailure = 'timeout' | 'transport';

/** What RFC 3261 §8.1.3.1 has the user treat such a failure as. */
export function statusOfFailure(failure: ClientFailure): 408 | 503 {
  return failure === 'timeout' ? 408 : 503;
}
