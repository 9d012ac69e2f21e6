import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { Operation, Recognize, RecognizeChoice } from '../../core/ports/call-control.ts';
import type { PlaySource } from '../../core/ports/prompts.ts';
import type { Tone } from '../../core/tone.ts';
import { oneOf } from './fields.ts';
import { type IdentifierInput, IdentifierSchema, toNamed } from './identifiers.ts';
import { OPERATION_FIELDS, type OperationBody } from './operation-fields.ts';
import { MAX_PLAY_SOURCES, type PlaySourceInput, PlaySourceSchema } from './play-source.ts';
import { toPlaySource, toPlaySources } from './play-source.ts';
import { ToneName, toTone, toTones } from './tones.ts';

/** The SDKs' own defaults. */
const DEFAULT_INITIAL_SILENCE_SECONDS = 5;
const DEFAULT_INTER_TONE_SECONDS = 2;
/** As many as are collected when nothing limits them. */
const MAX_TONES = 256;
const MAX_CHOICES = 100;
const MAX_PHRASES = 100;

const Phrase = Type.String({ maxLength: 256 });

/** Choice as it arrives. */
type ChoiceInput = { label: string; phrases?: string[]; tone?: string };

/** RecognizeRequest as it arrives. */
export type RecognizeInput = OperationBody & {
  recognizeInputType: string;
  playPrompt?: PlaySourceInput;
  playPrompts?: PlaySourceInput[];
  interruptCallMediaOperation?: boolean;
  recognizeOptions: {
    interruptPrompt?: boolean;
    initialSilenceTimeoutInSeconds?: number;
    targetParticipant: IdentifierInput;
    dtmfOptions?: {
      interToneTimeoutInSeconds?: number;
      maxTonesToCollect?: number;
      stopTones?: string[];
    };
    choices?: ChoiceInput[];
  };
};

export const RecognizeSchema: Type.TUnsafe<RecognizeInput> = Type.Unsafe(
  Type.Object({
    recognizeInputType: Type.String({ maxLength: 64 }),
    playPrompt: Type.Optional(PlaySourceSchema),
    playPrompts: Type.Optional(Type.Array(PlaySourceSchema, { maxItems: MAX_PLAY_SOURCES })),
    interruptCallMediaOperation: Type.Optional(Type.Boolean()),
    recognizeOptions: Type.Object({
      interruptPrompt: Type.Optional(Type.Boolean()),
      initialSilenceTimeoutInSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: 300 })),
      targetParticipant: IdentifierSchema,
      dtmfOptions: Type.Optional(
        Type.Object({
          interToneTimeoutInSeconds: Type.Optional(Type.Number({ minimum: 1, maximum: 60 })),
          maxTonesToCollect: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_TONES })),
          stopTones: Type.Optional(Type.Array(ToneName, { maxItems: 16 })),
        }),
      ),
      choices: Type.Optional(
        Type.Array(
          Type.Object({
            label: Type.String({ minLength: 1, maxLength: 256 }),
            phrases: Type.Optional(Type.Array(Phrase, { maxItems: MAX_PHRASES })),
            tone: Type.Optional(ToneName),
          }),
          { maxItems: MAX_CHOICES },
        ),
      ),
    }),
    ...OPERATION_FIELDS,
  }),
);

const INPUTS = ['dtmf', 'choices', 'speech', 'speechOrDtmf'] as const;

/** The command of a request; `not-supported` for what only a recogniser of speech could tell. */
export function toRecognize(operation: Operation, wire: RecognizeInput): Recognize {
  const { recognizeOptions: options, interruptCallMediaOperation: interrupt = false } = wire;
  const input = oneOf(INPUTS, wire.recognizeInputType, 'recognizeInputType');
  if (input === 'speech' || input === 'speechOrDtmf') throw speech('recognizeInputType');
  const silenceSeconds = options.initialSilenceTimeoutInSeconds ?? DEFAULT_INITIAL_SILENCE_SECONDS;
  const common = {
    ...operation,
    target: toNamed(options.targetParticipant, 'recognizeOptions.targetParticipant'),
    prompts: promptsOf(wire),
    interruptPrompt: options.interruptPrompt ?? false,
    interrupt,
    initialSilenceMs: Math.round(silenceSeconds * 1000),
  };
  if (input === 'choices') return { ...common, input, choices: toChoices(options.choices ?? []) };
  const {
    interToneTimeoutInSeconds,
    maxTonesToCollect,
    stopTones = [],
  } = options.dtmfOptions ?? {};
  const interToneSeconds = interToneTimeoutInSeconds ?? DEFAULT_INTER_TONE_SECONDS;
  return {
    ...common,
    input,
    interToneMs: Math.round(interToneSeconds * 1000),
    maxTones: maxTonesToCollect,
    stopTones: toTones(stopTones, 'recognizeOptions.dtmfOptions.stopTones'),
  };
}

function promptsOf({ playPrompt, playPrompts }: RecognizeInput): readonly PlaySource[] {
  if (playPrompt === undefined) return toPlaySources(playPrompts ?? [], 'playPrompts');
  if (playPrompts !== undefined && playPrompts.length > 0) {
    throw invalid('playPrompt', 'cannot be given together with playPrompts');
  }
  return [toPlaySource(playPrompt, 'playPrompt')];
}

function toChoices(given: readonly ChoiceInput[]): readonly RecognizeChoice[] {
  const field = 'recognizeOptions.choices';
  if (given.length === 0) throw invalid(field, 'is what the input type choices needs');
  const taken = new Set<Tone>();
  const choices = given.map(({ label, phrases = [], tone: name }, index) => {
    if (name === undefined) return { label, phrases, tone: undefined };
    const place = `${field}[${index}].tone`;
    const tone = toTone(name, place);
    if (taken.has(tone)) throw invalid(place, 'is that of another choice');
    taken.add(tone);
    return { label, phrases, tone };
  });
  if (taken.size === 0) throw speech(field);
  return choices;
}

function speech(field: string): TapedeckError {
  return new TapedeckError(
    'not-supported',
    `Speech is not recognised by this server: ${field} has to do with keys alone.`,
    { field },
  );
}

function invalid(field: string, problem: string): TapedeckError {
  return new TapedeckError('argument-invalid', `Invalid argument: ${field} ${problem}.`, { field });
}
