import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { PlaySource } from '../../core/ports/prompts.ts';
import { MAX_URI_CHARACTERS, oneOf } from './fields.ts';

/** Of one request; each of them may be minutes long. */
export const MAX_PLAY_SOURCES = 10;
const MAX_TEXT_CHARACTERS = 10_000;
const word = Type.Optional(Type.String({ maxLength: 128 }));

/** PlaySource as it arrives. */
export type PlaySourceInput = {
  kind?: string;
  playSourceCacheId?: string;
  file?: { uri: string };
  text?: { text: string; sourceLocale?: string; voiceKind?: string; voiceName?: string };
  ssml?: { ssmlText: string };
};

export const PlaySourceSchema: Type.TUnsafe<PlaySourceInput> = Type.Unsafe(
  Type.Object({
    kind: word,
    playSourceCacheId: Type.Optional(Type.String({ maxLength: 256 })),
    file: Type.Optional(
      Type.Object({ uri: Type.String({ minLength: 1, maxLength: MAX_URI_CHARACTERS }) }),
    ),
    text: Type.Optional(
      Type.Object({
        text: Type.String({ minLength: 1, maxLength: MAX_TEXT_CHARACTERS }),
        sourceLocale: word,
        voiceKind: word,
        voiceName: word,
      }),
    ),
    ssml: Type.Optional(
      Type.Object({ ssmlText: Type.String({ minLength: 1, maxLength: MAX_TEXT_CHARACTERS }) }),
    ),
  }),
);

const KINDS = ['file', 'text', 'ssml'] as const;

/**
 * What is to be played; the kind may be left out when only one of the three is there.
 *
 * @param field its place in the request, for the error.
 */
export function toPlaySource(wire: PlaySourceInput, field: string): PlaySource {
  const kind = kindOf(wire, field);
  const cacheId = wire.playSourceCacheId;
  const { file, text, ssml } = wire;
  if (kind === 'file' && file !== undefined) {
    return { kind, cacheId, uri: webAddress(file.uri, `${field}.file.uri`) };
  }
  if (kind === 'text' && text !== undefined) {
    const { voiceKind } = text;
    return {
      kind,
      cacheId,
      text: text.text,
      locale: text.sourceLocale,
      voiceKind:
        voiceKind === undefined
          ? undefined
          : oneOf(['male', 'female'] as const, voiceKind, `${field}.text.voiceKind`),
      voiceName: text.voiceName,
    };
  }
  if (kind === 'ssml' && ssml !== undefined) return { kind, cacheId, ssml: ssml.ssmlText };
  throw invalid(`${field}.${kind}`, `is what the kind ${kind} needs`);
}

/** As `toPlaySource`, of a list. */
export function toPlaySources(
  wire: readonly PlaySourceInput[],
  field: string,
): readonly PlaySource[] {
  return wire.map((one, index) => toPlaySource(one, `${field}[${index}]`));
}

/** Whether it can be fetched is found out when it is, and told by the operation's event. */
function webAddress(given: string, field: string): string {
  const { protocol } = URL.canParse(given) ? new URL(given) : { protocol: '' };
  if (protocol === 'http:' || protocol === 'https:') return given;
  throw invalid(field, 'has to be an absolute http or https URL');
}

function kindOf(wire: PlaySourceInput, field: string): (typeof KINDS)[number] {
  if (wire.kind !== undefined) return oneOf(KINDS, wire.kind, `${field}.kind`);
  const [kind, ...others] = KINDS.filter((one) => wire[one] !== undefined);
  if (kind !== undefined && others.length === 0) return kind;
  throw invalid(`${field}.kind`, `has to be one of ${KINDS.join(', ')}`);
}

function invalid(field: string, problem: string): TapedeckError {
  return new TapedeckError('argument-invalid', `Invalid argument: ${field} ${problem}.`, { field });
}
