import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { PromptFile } from '../../core/ports/bot-calls.ts';
import { MAX_URI_CHARACTERS } from '../acs/fields.ts';

/** A mediaPrompt as it arrives. */
export type PromptInput = {
  '@odata.type'?: string;
  mediaInfo?: { uri?: string; resourceId?: string };
};

/** What is missing is told of in words that help. */
export const PromptSchema: Type.TUnsafe<PromptInput> = Type.Unsafe(
  Type.Object({
    '@odata.type': Type.Optional(Type.String({ maxLength: 128 })),
    mediaInfo: Type.Optional(
      Type.Object({
        uri: Type.Optional(Type.String({ maxLength: MAX_URI_CHARACTERS })),
        resourceId: Type.Optional(Type.String({ maxLength: 256 })),
      }),
    ),
  }),
);

/** Throws `argument-invalid`. */
export function toPrompts(given: readonly PromptInput[], field: string): readonly PromptFile[] {
  return given.map((prompt, index) => toPrompt(prompt, `${field}[${index}]`));
}

function toPrompt(prompt: PromptInput, field: string): PromptFile {
  const type = prompt['@odata.type']?.replace(/^#?microsoft\.graph\./i, '').toLowerCase();
  if (type !== undefined && type !== 'mediaprompt') {
    throw invalid(`${field}.@odata.type`, 'has to be #microsoft.graph.mediaPrompt');
  }
  if (prompt.mediaInfo === undefined) {
    // Typed clients leave it out of prompts whose type they were not told.
    throw invalid(
      `${field}.mediaInfo`,
      'is missing; typed SDKs send it only of a prompt whose odataType is #microsoft.graph.mediaPrompt',
    );
  }
  const { uri, resourceId } = prompt.mediaInfo;
  if (uri === undefined) throw invalid(`${field}.mediaInfo.uri`, 'is missing');
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw invalid(`${field}.mediaInfo.uri`, 'has to be an absolute http or https URL');
  }
  return { uri, resourceId };
}

function invalid(field: string, problem: string): TapedeckError {
  return new TapedeckError('argument-invalid', `Invalid argument: ${field} ${problem}.`, { field });
}
