import { type Static, Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type {
  CallReference,
  CallService,
  RecordingShape,
  RecordingStatus,
  StoredAnswer,
} from '../../core/ports/call-service.ts';
import type { Repeatability } from '../repeatability.ts';
import { jsonAnswer, NO_CONTENT, type Routes, send } from '../routes.ts';
import {
  type CallbackUris,
  type IdFields,
  MAX_TOKEN_CHARACTERS,
  MAX_URI_CHARACTERS,
  oneOf,
} from './fields.ts';
import { IdentifierSchema } from './identifiers.ts';

const MAX_CHANNEL = 4;

const Query = Type.Object({ 'api-version': Type.String({ minLength: 1, maxLength: 64 }) });
const Params = Type.Object({ recording: Type.String() });
const Token = Type.String({ minLength: 1, maxLength: MAX_TOKEN_CHARACTERS });
const Word = Type.String({ maxLength: 64 });

const CallLocator = Type.Object({
  kind: Type.Optional(Word),
  serverCallId: Type.Optional(Token),
  groupCallId: Type.Optional(Token),
  roomId: Type.Optional(Token),
});

const StartBody = Type.Object({
  callLocator: Type.Optional(CallLocator),
  callConnectionId: Type.Optional(Token),
  recordingStateCallbackUri: Type.Optional(
    Type.String({ minLength: 1, maxLength: MAX_URI_CHARACTERS }),
  ),
  recordingContentType: Type.Optional(Word),
  recordingChannelType: Type.Optional(Word),
  recordingFormatType: Type.Optional(Word),
  audioChannelParticipantOrdering: Type.Optional(Type.Array(IdentifierSchema)),
  channelAffinity: Type.Optional(
    Type.Array(
      Type.Object({
        channel: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_CHANNEL })),
        participant: Type.Optional(IdentifierSchema),
      }),
    ),
  ),
  pauseOnStart: Type.Optional(Type.Boolean()),
  externalStorage: Type.Optional(
    Type.Object({
      recordingStorageKind: Word,
      recordingDestinationContainerUrl: Type.Optional(
        Type.String({ maxLength: MAX_URI_CHARACTERS }),
      ),
    }),
  ),
});
type StartBodyValue = Static<typeof StartBody>;

/** Start, look at and stop recordings. */
export function recordingRoutes(
  routes: Routes,
  calls: CallService,
  ids: IdFields,
  callbackUris: CallbackUris,
  repeatability: Repeatability,
): void {
  routes.post(
    '/calling/recordings',
    { schema: { body: StartBody, querystring: Query } },
    async (request, reply) => {
      const { body } = request;
      const shape = recordingShape(body);
      refuseUnbuiltOptions(body);
      const stateCallback = body.recordingStateCallbackUri;
      const command = {
        ...shape,
        call: callReference(body, ids),
        ...(stateCallback !== undefined && {
          stateCallbackUri: callbackUris.check(stateCallback, 'recordingStateCallbackUri'),
        }),
        apiVersion: request.query['api-version'],
      };
      const answer = await repeatability.once(
        'startRecording',
        request.headers,
        started,
        (repeat) => calls.startRecording({ ...command, ...repeat }),
      );
      return send(reply, answer);
    },
  );

  const schema = { params: Params, querystring: Query };

  routes.get('/calling/recordings/:recording', { schema }, async (request) =>
    toRecordingBody(await calls.recording(ids.recording(request.params.recording))),
  );

  routes.delete('/calling/recordings/:recording', { schema }, async (request, reply) => {
    await calls.stopRecording(ids.recording(request.params.recording));
    return send(reply, NO_CONTENT);
  });
}

/** RecordingStateResponse. */
function toRecordingBody(status: RecordingStatus): Record<string, unknown> {
  return {
    recordingId: status.recordingId,
    recordingState: status.state,
    recordingKind: 'azureCommunicationServices',
  };
}

/** 200 although it is accepted only: most SDK versions know no 202 here. */
const started = (status: RecordingStatus): StoredAnswer => jsonAnswer(200, toRecordingBody(status));

/** Omitted types mean what they mean at the vendor: mixed audioVideo as mp4. */
function recordingShape(body: StartBodyValue): RecordingShape {
  const contentType = oneOf(
    ['audio', 'audioVideo'] as const,
    body.recordingContentType ?? 'audioVideo',
    'recordingContentType',
  );
  const channelType = oneOf(
    ['mixed', 'unmixed'] as const,
    body.recordingChannelType ?? 'mixed',
    'recordingChannelType',
  );
  const formatType = oneOf(
    ['wav', 'mp3', 'mp4'] as const,
    body.recordingFormatType ?? 'mp4',
    'recordingFormatType',
  );
  if (contentType === 'audio' && channelType === 'mixed' && formatType === 'wav') {
    return { contentType, channelType, formatType };
  }
  throw new TapedeckError(
    'recording-mode-unsupported',
    `Recording mode not supported: recordingContentType ${contentType}, recordingChannelType ` +
      `${channelType}, recordingFormatType ${formatType} (omitted ones count as audioVideo, mixed, ` +
      'mp4). This server records audio, mixed, wav.',
    { field: 'recordingFormatType' },
  );
}

function refuseUnbuiltOptions(body: StartBodyValue): void {
  const storage = body.externalStorage;
  const kind =
    storage &&
    oneOf(
      ['azureCommunicationServices', 'azureBlobStorage'] as const,
      storage.recordingStorageKind,
      'externalStorage.recordingStorageKind',
    );
  if (body.pauseOnStart === true) refuse('pauseOnStart', 'pauseOnStart: true');
  if ((body.audioChannelParticipantOrdering ?? []).length > 0) {
    refuse('audioChannelParticipantOrdering', 'audioChannelParticipantOrdering');
  }
  if ((body.channelAffinity ?? []).length > 0) refuse('channelAffinity', 'channelAffinity');
  if (kind === 'azureBlobStorage') {
    refuse('externalStorage.recordingStorageKind', 'externalStorage of kind azureBlobStorage');
  }
}

function refuse(field: string, what: string): never {
  throw new TapedeckError('not-supported', `${what} is not supported by this server yet.`, {
    field,
  });
}

const LOCATOR_FIELDS = {
  serverCallLocator: 'serverCallId',
  groupCallLocator: 'groupCallId',
  roomCallLocator: 'roomId',
} as const;
type LocatorKind = keyof typeof LOCATOR_FIELDS;
const LOCATOR_KINDS = Object.keys(LOCATOR_FIELDS) as readonly LocatorKind[];

/** Exactly one of `callLocator` and `callConnectionId`; the locator’s kind may be left out. */
function callReference(body: StartBodyValue, ids: IdFields): CallReference {
  const { callLocator: locator, callConnectionId } = body;
  if (callConnectionId !== undefined && locator === undefined) {
    return { callConnectionId: ids.callConnection(callConnectionId) };
  }
  if (locator === undefined || callConnectionId !== undefined) {
    throw invalid('callLocator', 'exactly one of callLocator and callConnectionId has to be given');
  }
  const kind = locatorKind(locator);
  const field = LOCATOR_FIELDS[kind];
  const id = locator[field];
  if (id === undefined) throw invalid(`callLocator.${field}`, `is what a ${kind} needs`);
  switch (kind) {
    case 'serverCallLocator':
      return { serverCallId: ids.serverCall(id) };
    case 'groupCallLocator':
      throw new TapedeckError('call-not-found', 'Call not found: no call has this groupCallId.', {
        field: 'callLocator.groupCallId',
      });
    case 'roomCallLocator':
      return refuse('callLocator.roomId', 'roomCallLocator');
  }
}

function locatorKind(locator: Static<typeof CallLocator>): LocatorKind {
  if (locator.kind !== undefined) return oneOf(LOCATOR_KINDS, locator.kind, 'callLocator.kind');
  const [kind, ...others] = LOCATOR_KINDS.filter((k) => locator[LOCATOR_FIELDS[k]] !== undefined);
  if (kind !== undefined && others.length === 0) return kind;
  throw invalid('callLocator.kind', `has to be one of ${LOCATOR_KINDS.join(', ')}`);
}

function invalid(field: string, problem: string): TapedeckError {
  return new TapedeckError('argument-invalid', `Invalid argument: ${field}: ${problem}.`, {
    field,
  });
}
