import { systemCode, TapedeckError } from '../core/error.ts';

/** Gives a failure of the disk its code; errors of our own pass. */
export async function onDisk<T>(what: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof TapedeckError) throw error;
    const code = systemCode(error);
    const message = code === undefined ? what : `${what}: ${code}`;
    throw new TapedeckError('disk-failed', message, { cause: error });
  }
}
