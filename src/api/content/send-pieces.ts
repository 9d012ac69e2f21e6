import type { ServerResponse } from 'node:http';

/**
 * Writes lent pieces to an answer whose head was written: the next is asked for when the last was
 * taken by the connection. Resolves when all are, or the reader is gone; rejects when one cannot be
 * had. The iteration has ended then.
 */
export async function sendPieces(
  response: ServerResponse,
  pieces: AsyncIterable<Uint8Array>,
): Promise<void> {
  let settle: (isTaken: boolean) => void = () => undefined;
  const gone = (): void => {
    settle(false);
  };
  // A connection that closes may leave a write without an answer.
  response.once('close', gone);
  try {
    for await (const piece of pieces) {
      const isTaken = await new Promise<boolean>((resolve) => {
        settle = resolve;
        if (response.destroyed) gone();
        else response.write(piece, (error) => resolve(error === null || error === undefined));
      });
      // Leaving here tells the lender that the piece may still be read.
      if (!isTaken) return;
    }
    response.end();
  } finally {
    response.off('close', gone);
  }
}
