import { globalFlags, mp3Failed, type LameModule } from './lame-module.ts';

/** First word of LAME's two structures (`LAME_ID`). */
const LAME_ID = -487_877;
/** Words between the start of `lame_internal_flags` and its `SessionConfig_t`. */
const CONFIG_WORD = 5;
/** How far behind the flags the internal flags are looked for, in words. */
const SEARCH_WORDS = 100;
/**
 * The start of `SessionConfig_t` as LAME makes it for 16 kHz mono at 48 kbit/s: MPEG-2, index of the
 * rate, bytes of side information; then noise_shaping, subblock_gain, use_best_huffman,
 * noise_shaping_amp, noise_shaping_stop; full_outer_loop, low pass in Hz.
 */
const EXPECTED = [0, 2, 13, 2, 1, 1, 1, 1, 0, 8_000];
const FIRST_EFFORT = 3;
const LAST_EFFORT = 7;

/**
 * Sets LAME's quality 7 in place of its default of 3, which the module does not export: the same five
 * settings that `lame_init_qval` makes from it. Throws if LAME's settings are not where they should be.
 */
export function setFastQuality(lame: LameModule, encoder: number): void {
  const words = new Int32Array(lame.memory.buffer);
  const flags = globalFlags(lame, encoder) >> 2;
  const internal = words
    .subarray(flags, flags + SEARCH_WORDS)
    .find((address) => address > flags << 2 && words[address >> 2] === LAME_ID);
  if (internal === undefined) throw mp3Failed('LAME has no internal flags');
  const config = (internal >> 2) + CONFIG_WORD;
  const found = words.subarray(config, config + EXPECTED.length);
  if (found.join() !== EXPECTED.join()) throw mp3Failed(`LAME is set to ${found.join()}`);
  found.fill(0, FIRST_EFFORT, LAST_EFFORT + 1);
}
