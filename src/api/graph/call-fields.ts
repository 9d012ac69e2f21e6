import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { PromptFile, Resource } from '../../core/ports/bot-calls.ts';
import type { BotHold } from '../../core/records.ts';
import { MAX_URI_CHARACTERS } from '../acs/fields.ts';
import {
  type IdentitySetInput,
  IdentitySetSchema,
  type InvitationInput,
  InvitationSchema,
} from './identity-fields.ts';

const MAX_PARTICIPANTS = 350;
const MODALITIES = ['audio', 'video', 'videoBasedScreenSharing', 'data', 'unknown'] as const;

const Uri = Type.String({ minLength: 1, maxLength: MAX_URI_CHARACTERS });
const Modalities = Type.Array(Type.String({ maxLength: 64 }), { maxItems: 16 });
const MediaInfo = Type.Object({
  uri: Uri,
  resourceId: Type.Optional(Type.String({ maxLength: 256 })),
});
const MediaConfig = Type.Object({
  '@odata.type': Type.Optional(Type.String({ maxLength: 128 })),
  blob: Type.Optional(Type.String()),
  preFetchMedia: Type.Optional(Type.Array(MediaInfo, { maxItems: 64 })),
});
const CallOptions = Type.Optional(Type.Object({}));

type MediaConfigInput = {
  '@odata.type'?: string;
  blob?: string;
  preFetchMedia?: { uri: string; resourceId?: string }[];
};

/** A call to be made, as it arrives. */
export type CreateInput = {
  callbackUri: string;
  targets: InvitationInput[];
  source?: { identity?: IdentitySetInput };
  mediaConfig: MediaConfigInput;
  requestedModalities?: string[];
};

export type AnswerInput = {
  callbackUri?: string;
  mediaConfig: MediaConfigInput;
  acceptedModalities?: string[];
};

export const CreateBody: Type.TUnsafe<CreateInput> = Type.Unsafe(
  Type.Object({
    callbackUri: Uri,
    targets: Type.Array(InvitationSchema, { minItems: 1, maxItems: MAX_PARTICIPANTS }),
    source: Type.Optional(Type.Object({ identity: Type.Optional(IdentitySetSchema) })),
    mediaConfig: MediaConfig,
    requestedModalities: Type.Optional(Modalities),
    subject: Type.Optional(Type.String({ maxLength: 1_024 })),
    callOptions: CallOptions,
    tenantId: Type.Optional(Type.String({ maxLength: 128 })),
  }),
);

export const AnswerBody: Type.TUnsafe<AnswerInput> = Type.Unsafe(
  Type.Object({
    callbackUri: Type.Optional(Uri),
    mediaConfig: MediaConfig,
    acceptedModalities: Type.Optional(Modalities),
    callOptions: CallOptions,
  }),
);

/** Who has the media of a call. Throws `argument-invalid`. */
export function toMedia(config: MediaConfigInput): BotHold['media'] {
  const type = config['@odata.type']?.replace(/^#?microsoft\.graph\./i, '').toLowerCase();
  switch (type) {
    case 'servicehostedmediaconfig':
      return 'service-hosted';
    case 'apphostedmediaconfig':
      return 'application-hosted';
    case undefined:
      return config.blob === undefined ? 'service-hosted' : 'application-hosted';
    default:
      throw new TapedeckError(
        'argument-invalid',
        'Invalid argument: mediaConfig.@odata.type has to be #microsoft.graph.serviceHostedMediaConfig or #microsoft.graph.appHostedMediaConfig.',
        { field: 'mediaConfig.@odata.type' },
      );
  }
}

/** Prompts that the bot wants to be had in time. */
export function toPreFetched({ preFetchMedia = [] }: MediaConfigInput): readonly PromptFile[] {
  return preFetchMedia.map(({ uri, resourceId }) => ({ uri, resourceId }));
}

/** Throws `argument-invalid` unless a call with these modalities has audio, which is all that we have. */
export function checkModalities(given: readonly string[] | undefined, field: string): void {
  if (given === undefined) return;
  const unknown = given.find((name) => !MODALITIES.some((one) => one === name));
  const problem =
    unknown === undefined
      ? given.includes('audio')
        ? undefined
        : 'has to have audio'
      : `has to have names of modalities only: ${MODALITIES.join(', ')}`;
  if (problem === undefined) return;
  throw new TapedeckError('argument-invalid', `Invalid argument: ${field} ${problem}.`, { field });
}

/** Members of a call that come back as they came. */
export function keptOf(body: object): Resource {
  const kept = ['subject', 'callOptions', 'requestedModalities'];
  return Object.fromEntries(Object.entries(body).filter(([key]) => kept.includes(key)));
}
