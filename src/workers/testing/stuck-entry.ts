import { serveChannel } from '../channel.ts';
import { ownEnd } from '../entry.ts';

/** A prompt worker that does not get on with 0, dies of 1, and gives anything else back. */
serveChannel(ownEnd(), {
  decode: ([first]: Uint8Array) => {
    for (;;) {
      if (first === 1) process.exit(3);
      if (first !== 0) return Promise.resolve(Int16Array.of(first ?? 0));
    }
  },
});
