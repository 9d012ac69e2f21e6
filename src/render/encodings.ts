import type { RenderFormat } from '../core/ports/render.ts';
import type { FileEncoding } from './chunk-encoder.ts';
import { MP3_ENCODING } from './mp3-encoding.ts';
import { WAV_ENCODING } from './wav-encoding.ts';

const ENCODINGS: Readonly<Record<RenderFormat['container'], FileEncoding>> = {
  wav: WAV_ENCODING,
  mp3: MP3_ENCODING,
};

export function encodingOf(format: RenderFormat): FileEncoding {
  return ENCODINGS[format.container];
}
