import { TapedeckError } from '../core/error.ts';

const KEY = /^[a-z0-9-][a-z0-9.-]*(\/[a-z0-9-][a-z0-9.-]*)*$/;

/** Keys are ours: one that could leave the store is a defect, and throws `internal`. */
export function assertBlobKey(key: string): void {
  if (!KEY.test(key)) throw new TapedeckError('internal', `not a blob key: ${key}`);
}
