import { setPriority } from 'node:os';
import { decodeClip } from '../prompts/decode-clip.ts';
import { serveChannel } from './channel.ts';
import { ownEnd } from './entry.ts';

/** Below what relays calls, above what renders files. */
const LOWERED_PRIORITY = 5;

if (process.platform === 'linux') setPriority(0, LOWERED_PRIORITY);

serveChannel(ownEnd(), {
  decode: (bytes: Uint8Array) => decodeClip(bytes),
  close: () => Promise.resolve(),
});
