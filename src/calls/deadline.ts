import { TapedeckError } from '../core/error.ts';
import type { Clock } from '../core/ports/clock.ts';

/** Rejects with `destination-unreachable` when the work, which goes on alone then, takes longer. */
export async function within<T>(clock: Clock, limitMs: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = clock.setTimer(limitMs, () => {
    late.reject(
      new TapedeckError('destination-unreachable', `The other side took more than ${limitMs} ms.`),
    );
  });
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    timer.cancel();
  }
}
