import { MP3_BIT_RATE, MP3_FRAME_BYTES, MP3_FRAME_SAMPLES } from '../media/mp3/mp3-format.ts';
import { Mp3Encoder } from '../media/mp3/mp3-encoder.ts';
import type { FileEncoding } from './chunk-encoder.ts';

/** Frames besides those that the samples fill: the header, the encoder's delay and its padding. */
const EXTRA_FRAMES = 5;

/** MP3 of 48 kbit/s; one channel only. */
export const MP3_ENCODING: FileEncoding = {
  mediaType: 'audio/mpeg',
  bitRate: () => MP3_BIT_RATE,
  framesWithin: (sizeBytes) =>
    (Math.floor(sizeBytes / MP3_FRAME_BYTES) - EXTRA_FRAMES) * MP3_FRAME_SAMPLES,
  begin: () => Mp3Encoder.create(),
};
