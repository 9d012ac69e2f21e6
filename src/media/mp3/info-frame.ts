import { crc16 } from './crc16.ts';
import {
  MP3_BIT_RATE,
  MP3_FRAME_BYTES,
  MP3_FRAME_HEADER,
  MP3_FRAME_SAMPLES,
} from './mp3-format.ts';

/**
 * The first frame of a file, silent to those who do not know it: Xing's header with the name "Info"
 * (constant bit rate) and LAME's extension, which says how many samples at both ends are not of the
 * recording. After "Mp3 Info Tag revision 1 Specifications" and what LAME 3.100 writes.
 */
export type InfoFields = {
  /** Frames of audio behind this one. */
  readonly frames: number;
  /** Samples of the recording. */
  readonly samples: number;
  /** `crc16` over all frames behind this one. */
  readonly audioCrc: number;
};

/**
 * What LAME puts before the first sample. Decoders add 529 of their own (528 of the filter bank and
 * one more) and take off both.
 */
export const ENCODER_DELAY_SAMPLES = 576;

/** Behind the frame's header and the 9 bytes of side information of mono MPEG-2, all zero here. */
const TAG_AT = MP3_FRAME_HEADER.length + 9;
const FLAGS_FRAMES_BYTES_TOC_QUALITY = 0x0f;
const TOC_ENTRIES = 100;
/** Players read the delays only behind a name that they know. */
const ENCODER = 'LAME3.100';
const REVISION_0_CONSTANT_BIT_RATE = 0x01;
/** In 100 Hz; LAME's own for this format. */
const LOW_PASS = 80;
/** 0 best, 100 worst of Xing's scale turned round: 10 × (10 − V) − q with LAME's V 4 and q 7. */
const QUALITY = 100 - 10 * 4 - 7;
const ATH_TYPE = 4;
/** 12 bits each. */
const MAX_DELAY_SAMPLES = 0xfff;

/** Samples that the encoder put behind the recording to fill its last frames. */
export function paddingSamples(fields: Pick<InfoFields, 'frames' | 'samples'>): number {
  return fields.frames * MP3_FRAME_SAMPLES - ENCODER_DELAY_SAMPLES - fields.samples;
}

/** One frame of `MP3_FRAME_BYTES`. */
export function infoFrame(fields: InfoFields): Uint8Array {
  const frame = new Uint8Array(MP3_FRAME_BYTES);
  const view = new DataView(frame.buffer);
  const fileBytes = (fields.frames + 1) * MP3_FRAME_BYTES;
  const padding = Math.min(MAX_DELAY_SAMPLES, paddingSamples(fields));
  frame.set(MP3_FRAME_HEADER);
  let at = TAG_AT;
  at = setText(frame, at, 'Info');
  view.setUint32(at, FLAGS_FRAMES_BYTES_TOC_QUALITY);
  view.setUint32(at + 4, fields.frames);
  view.setUint32(at + 8, fileBytes);
  at += 12;
  for (let percent = 0; percent < TOC_ENTRIES; percent += 1) {
    const frameAt = 1 + Math.floor((percent * fields.frames) / TOC_ENTRIES);
    frame[at + percent] = Math.floor((256 * frameAt * MP3_FRAME_BYTES) / fileBytes);
  }
  at += TOC_ENTRIES;
  view.setUint32(at, QUALITY);
  at = setText(frame, at + 4, ENCODER);
  frame[at] = REVISION_0_CONSTANT_BIT_RATE;
  frame[at + 1] = LOW_PASS;
  // Peak and gains (8 bytes) stay 0: not measured.
  frame[at + 10] = ATH_TYPE;
  frame[at + 11] = MP3_BIT_RATE / 1000;
  frame[at + 12] = ENCODER_DELAY_SAMPLES >> 4;
  frame[at + 13] = ((ENCODER_DELAY_SAMPLES & 0xf) << 4) | (padding >> 8);
  frame[at + 14] = padding & 0xff;
  // Mono from at most 32 kHz, gain and preset (4 bytes) are all written as 0.
  view.setUint32(at + 19, fileBytes);
  view.setUint16(at + 23, fields.audioCrc);
  view.setUint16(at + 25, crc16(frame.subarray(0, at + 25)));
  return frame;
}

function setText(bytes: Uint8Array, at: number, text: string): number {
  for (let index = 0; index < text.length; index += 1) bytes[at + index] = text.charCodeAt(index);
  return at + text.length;
}
