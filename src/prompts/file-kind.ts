/** At an offset stands a text, so it is that. */
const SIGNS: readonly (readonly [at: number, text: string, name: string])[] = [
  [0, 'OggS', 'an Ogg file'],
  [0, 'fLaC', 'a FLAC file'],
  [0, 'FORM', 'an AIFF file'],
  [0, 'RF64', 'WAV of 64 bits (RF64)'],
  [0, 'RIFX', 'WAV of swapped bytes (RIFX)'],
  [0, '.snd', 'an AU file'],
  [0, '#!AMR', 'an AMR file'],
  [0, '\x1aE\xdf\xa3', 'a Matroska or WebM file'],
  [0, '0&\xb2u', 'a Windows Media file'],
  [0, '\x1f\x8b', 'compressed by gzip'],
  [0, 'PK\x03\x04', 'a ZIP archive'],
  [4, 'ftyp', 'an MP4 or M4A file'],
];
const LOOKED_AT_BYTES = 64;

/** What a file that is neither WAV nor MP3 may be, to be told to who wanted it played. */
export function fileKind(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'empty';
  const text = String.fromCharCode(...bytes.subarray(0, LOOKED_AT_BYTES));
  const sign = SIGNS.find(([at, sought]) => text.startsWith(sought, at));
  if (sign !== undefined) return sign[2];
  // Layer bits 0 behind the twelve bits of sync: ADTS.
  if (bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xf6) === 0xf0) return 'AAC';
  const begun = text.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/^<(?:!doctype html|html|head|body)/i.test(begun)) return 'a web page';
  if (/^(?:<\?xml|<|\{|\[)/.test(begun)) return 'a text, not audio';
  return 'neither WAV nor MP3';
}
