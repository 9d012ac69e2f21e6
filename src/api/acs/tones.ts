import { Type } from 'typebox';
import { TONE_NAMES } from '../../calls/media-operations/tone-names.ts';
import { TapedeckError } from '../../core/error.ts';
import { type Tone, TONES } from '../../core/tone.ts';

const NAMES = TONES.map((tone) => TONE_NAMES[tone]).join(', ');

/** The name of a key, as the vendor's enumeration spells them. */
export const ToneName: Type.TString = Type.String({ maxLength: 16 });

/** @param field its place in the request, for the error. */
export function toTone(given: string, field: string): Tone {
  const found = TONES.find((tone) => TONE_NAMES[tone] === given.toLowerCase());
  if (found !== undefined) return found;
  throw new TapedeckError(
    'argument-invalid',
    `Invalid argument: ${field} has to be one of ${NAMES}.`,
    { field },
  );
}

/** As `toTone`, of a list. */
export function toTones(given: readonly string[], field: string): readonly Tone[] {
  return given.map((name, index) => toTone(name, `${field}[${index}]`));
}
