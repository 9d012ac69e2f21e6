/**
 * Reads what is in memory already, and waits for no disk: bytes read, fewer than `into` holds where
 * the rest would have to be waited for; 0 for none, at the end of the file, or if the system cannot
 * tell.
 */
export type CachedRead = (fd: number, into: Uint8Array, position: number) => number;

/** preadv2(2). */
const RWF_NOWAIT = 8;

/**
 * Asking a thread to read 100 KB takes longer than copying them does. Resolves with `undefined` where
 * the C library or processor is not one that we know; never rejects.
 */
export async function loadCachedRead(): Promise<CachedRead | undefined> {
  if (process.platform !== 'linux') return undefined;
  if (process.arch !== 'x64' && process.arch !== 'arm64') return undefined;
  try {
    const { default: koffi } = await import('koffi');
    const libc = koffi.load('libc.so.6');
    const types = ['int', 'intptr_t', 'int', 'int64_t', 'int'];
    const preadv2 = libc.func('preadv2', 'intptr_t', types) as (...numbers: number[]) => number;
    // One `struct iovec`: where to, and how many bytes.
    const vector = new BigUint64Array(2);
    const vectorAddress = Number(koffi.address(vector.buffer));
    return (fd, into, position) => {
      vector[0] = koffi.address(into.buffer) + BigInt(into.byteOffset);
      vector[1] = BigInt(into.byteLength);
      return Math.max(0, preadv2(fd, vectorAddress, 1, position, RWF_NOWAIT));
    };
  } catch {
    // No such library or function: files are read as everywhere else.
    return undefined;
  }
}
