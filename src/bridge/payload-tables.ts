import type { RemoteMedia } from '../core/media-format.ts';
import { PAYLOAD_KIND } from './leg-media.ts';

const PAYLOAD_TYPES = 128;
/** Far more than phones of one server differ in. */
const MOST_TABLES = 256;

/**
 * Tables by payload type, one for all who would have the same: nearly all legs agree on the same payload types,
 * and a table that every packet looks into stays in the processor's cache.
 */
class SharedTables<T> {
  readonly #tables = new Map<string, T>();

  get(key: readonly number[], make: () => T): T {
    const text = key.join();
    const known = this.#tables.get(text);
    if (known !== undefined) return known;
    if (this.#tables.size === MOST_TABLES) this.#tables.clear();
    const table = make();
    this.#tables.set(text, table);
    return table;
  }
}

const KINDS = new SharedTables<Uint8Array>();
const RELAYED = new SharedTables<Int16Array>();

/** Kind by payload type, 0–127; not to be changed. */
export function payloadKinds(remote: RemoteMedia): Uint8Array {
  const { telephoneEvent = -1, comfortNoise = -1 } = remote.auxiliary;
  const audio = remote.format.payloadType;
  return KINDS.get([audio, telephoneEvent, comfortNoise], () => {
    const kinds = new Uint8Array(PAYLOAD_TYPES);
    if (comfortNoise >= 0) kinds[comfortNoise] = PAYLOAD_KIND.comfortNoise;
    if (telephoneEvent >= 0) kinds[telephoneEvent] = PAYLOAD_KIND.telephoneEvent;
    kinds[audio] = PAYLOAD_KIND.audio;
    return kinds;
  });
}

/** The target's payload type by the source's, −1 where it has none; not to be changed. */
export function relayedTypes(
  source: RemoteMedia,
  target: RemoteMedia,
  isAudioRelayed: boolean,
): Int16Array {
  const pairs = [
    [source.auxiliary.comfortNoise, target.auxiliary.comfortNoise],
    [source.auxiliary.telephoneEvent, target.auxiliary.telephoneEvent],
    isAudioRelayed ? [source.format.payloadType, target.format.payloadType] : [],
  ] as const;
  const key = pairs.flatMap(([ours = -1, theirs = -1]) => [ours, theirs]);
  return RELAYED.get(key, () => {
    const types = new Int16Array(PAYLOAD_TYPES).fill(-1);
    for (const [ours, theirs] of pairs) {
      if (ours !== undefined && theirs !== undefined) types[ours] = theirs;
    }
    return types;
  });
}
