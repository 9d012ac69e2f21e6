import { TapedeckError } from '../core/error.ts';
import type { RenderFormat } from '../core/ports/render.ts';
import type { FileEncoding } from './chunk-encoder.ts';
import { MP3_ENCODING } from './mp3-encoding.ts';
import { WAV_ENCODING } from './wav-encoding.ts';

/** Throws `internal` for what nobody may ask for: several channels in an MP3. */
export function encodingOf({ container, channels }: RenderFormat): FileEncoding {
  if (container === 'wav') return WAV_ENCODING;
  if (channels === 'unmixed') throw new TapedeckError('internal', 'an MP3 has one channel');
  return MP3_ENCODING;
}
