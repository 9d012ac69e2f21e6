import { serveChannel } from '../channel.ts';
import { ownEnd } from '../entry.ts';

/** A worker that dies when it is told to. */
serveChannel(ownEnd(), {
  echo: (value: string) => Promise.resolve(value),
  wait: () => new Promise(() => undefined),
  die: () => process.exit(3),
  close: () => Promise.resolve(),
});
