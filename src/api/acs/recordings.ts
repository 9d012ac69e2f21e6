import { type Static, Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type {
  CallReference,
  CallService,
  RecordingStatus,
  StoredAnswer,
} from '../../core/ports/call-service.ts';
import type { ContainerPort } from '../../core/ports/export.ts';
import type { Repeatability } from '../repeatability.ts';
import { jsonAnswer, NO_CONTENT, type Routes, send } from '../routes.ts';
import { channelOptions } from './channel-options.ts';
import { containerUrl } from './external-storage.ts';
import {
  type CallbackUris,
  type IdFields,
  MAX_TOKEN_CHARACTERS,
  MAX_URI_CHARACTERS,
} from './fields.ts';
import { CallLocatorSchema, locatedBy } from './call-locator.ts';
import { IdentifierSchema } from './identifiers.ts';
import { type OmittedTypes, recordingShape } from './recording-shape.ts';

const Query = Type.Object({ 'api-version': Type.String({ minLength: 1, maxLength: 64 }) });
const Params = Type.Object({ recording: Type.String() });
const Token = Type.String({ minLength: 1, maxLength: MAX_TOKEN_CHARACTERS });
const Word = Type.String({ maxLength: 64 });

const StartBody = Type.Object({
  callLocator: Type.Optional(CallLocatorSchema),
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
        channel: Type.Optional(Type.Integer()),
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

/** What the operator decides about recordings that are started here. */
export type RecordingRules = {
  readonly omittedTypes: OmittedTypes;
  /** Of an unmixed recording, 1 to 32. */
  readonly maxChannels: number;
  readonly containers: Pick<ContainerPort, 'check'>;
};

/** Start, look at, pause, resume and stop recordings. */
export function recordingRoutes(
  routes: Routes,
  calls: CallService,
  ids: IdFields,
  callbackUris: CallbackUris,
  repeatability: Repeatability,
  rules: RecordingRules,
): void {
  routes.post(
    '/calling/recordings',
    { schema: { body: StartBody, querystring: Query } },
    async (request, reply) => {
      const { body } = request;
      const stateCallback = body.recordingStateCallbackUri;
      const container = containerUrl(body.externalStorage, rules.containers);
      const command = {
        ...recordingShape(body, rules.omittedTypes),
        ...channelOptions(body, rules.maxChannels),
        ...(body.pauseOnStart !== undefined && { pauseOnStart: body.pauseOnStart }),
        ...(container !== undefined && { containerUrl: container }),
        call: callReference(body, ids),
        ...(stateCallback !== undefined && {
          stateCallbackUri: callbackUris.check(stateCallback, 'recordingStateCallbackUri'),
        }),
        apiVersion: request.query['api-version'],
      };
      const answer = await repeatability
        .once('startRecording', request.headers, started, (repeat) =>
          calls.startRecording({ ...command, ...repeat }),
        )
        .catch((error: unknown) => {
          throw throttled(error);
        });
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

  const path = '/calling/recordings/:recording';
  routes.post(`${path}/~pause`, { schema }, async (request, reply) => {
    await calls.pauseRecording(ids.recording(request.params.recording));
    return send(reply, ACCEPTED);
  });

  routes.post(`${path}/~resume`, { schema }, async (request, reply) => {
    await calls.resumeRecording(ids.recording(request.params.recording));
    return send(reply, ACCEPTED);
  });
}

/** Done already when it is answered; the SDKs know no other status here. */
const ACCEPTED: StoredAnswer = { status: 202, body: '' };

/** The service has a sub-code of its own for recordings. */
function throttled(error: unknown): unknown {
  if (!(error instanceof TapedeckError) || error.code !== 'too-many-requests') return error;
  return new TapedeckError('recording-throttled', error.message, { cause: error });
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

/** Exactly one of `callLocator` and `callConnectionId`; the locator’s kind may be left out. */
function callReference(body: StartBodyValue, ids: IdFields): CallReference {
  const { callLocator: locator, callConnectionId } = body;
  if (callConnectionId !== undefined && locator === undefined) {
    return { callConnectionId: ids.callConnection(callConnectionId) };
  }
  if (locator === undefined || callConnectionId !== undefined) {
    throw invalid('callLocator', 'exactly one of callLocator and callConnectionId has to be given');
  }
  return locatedBy(locator, ids);
}

function invalid(field: string, problem: string): TapedeckError {
  return new TapedeckError('argument-invalid', `Invalid argument: ${field}: ${problem}.`, {
    field,
  });
}
