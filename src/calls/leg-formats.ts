import { KNOWN_FORMATS, OFFERED_FORMATS } from '../core/audio-formats.ts';
import type { AudioFormat } from '../core/media-format.ts';

/** What the caller offered of what we know, in its order and our numbering; all of ours if it has not said. */
export function formatsOf(offered: readonly AudioFormat[] | undefined): readonly AudioFormat[] {
  if (offered === undefined) return OFFERED_FORMATS;
  const common = offered.flatMap((format) =>
    KNOWN_FORMATS.filter((known) => isSame(known, format)),
  );
  return common.length > 0 ? common : OFFERED_FORMATS;
}

/** The same with what other legs of the call speak in front: what both have is relayed as it is. */
export function preferring(
  spoken: readonly AudioFormat[],
  formats: readonly AudioFormat[] = OFFERED_FORMATS,
): readonly AudioFormat[] {
  const isSpoken = (format: AudioFormat): boolean => spoken.some((one) => isSame(one, format));
  return [...formats.filter(isSpoken), ...formats.filter((format) => !isSpoken(format))];
}

function isSame(one: AudioFormat, other: AudioFormat): boolean {
  return one.codec === other.codec && one.clockRateHz === other.clockRateHz;
}
