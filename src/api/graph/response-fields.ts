import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { RecordBotResponse } from '../../core/ports/bot-calls.ts';
import { type Tone, TONES } from '../../core/tone.ts';
import { ClientContext } from './graph-api.ts';
import { type PromptInput, PromptSchema, toPrompts } from './prompt-fields.ts';

/** What recordResponse takes, as it arrives; every member may be left out, or be null. */
export type ResponseInput = {
  prompts?: PromptInput[];
  bargeInAllowed?: boolean;
  initialSilenceTimeoutInSeconds?: number;
  maxSilenceTimeoutInSeconds?: number;
  maxRecordDurationInSeconds?: number;
  playBeep?: boolean;
  stopTones?: string[];
  clientContext?: string;
};

/** The vendor's limits, and the default of all three. */
const LEAST_SECONDS = 1;
const MOST_SECONDS = 120;
const DEFAULT_SECONDS = 5;

const Seconds = Type.Optional(Type.Integer({ minimum: LEAST_SECONDS, maximum: MOST_SECONDS }));

export const ResponseBody: Type.TUnsafe<ResponseInput> = Type.Unsafe(
  Type.Object({
    prompts: Type.Optional(Type.Array(PromptSchema, { maxItems: 1 })),
    bargeInAllowed: Type.Optional(Type.Boolean()),
    initialSilenceTimeoutInSeconds: Seconds,
    maxSilenceTimeoutInSeconds: Seconds,
    maxRecordDurationInSeconds: Seconds,
    playBeep: Type.Optional(Type.Boolean()),
    stopTones: Type.Optional(Type.Array(Type.String({ maxLength: 16 }), { maxItems: 16 })),
    clientContext: ClientContext,
  }),
);

/** Throws `argument-invalid`. */
export function toResponse(
  body: ResponseInput,
): Omit<RecordBotResponse, 'principal' | 'callId' | 'clientContext'> {
  return {
    prompts: toPrompts(body.prompts ?? [], 'prompts'),
    // Of the law that a caller is to be told: only a literal false leaves the beep out.
    playBeep: body.playBeep !== false,
    bargeIn: body.bargeInAllowed ?? false,
    initialSilenceMs: inMs(body.initialSilenceTimeoutInSeconds),
    maxSilenceMs: inMs(body.maxSilenceTimeoutInSeconds),
    maxDurationMs: inMs(body.maxRecordDurationInSeconds),
    stopTones: (body.stopTones ?? []).map((given, index) => {
      const tone = toneOf(given);
      if (tone !== undefined) return tone;
      const field = `stopTones[${index}]`;
      const message = `Invalid argument: ${field} has to be one of 0 to 9, *, #, A to D.`;
      throw new TapedeckError('argument-invalid', message, { field });
    }),
  };
}

function inMs(seconds: number = DEFAULT_SECONDS): number {
  return seconds * 1000;
}

function toneOf(given: string): Tone | undefined {
  return TONES.find((tone) => tone === given.toUpperCase());
}
