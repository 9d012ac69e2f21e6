import { Type } from 'typebox';
import type { MediaOperations } from '../../core/ports/call-control.ts';
import type { StoredAnswer } from '../../core/ports/call-service.ts';
import type { Repeatability } from '../repeatability.ts';
import { type Routes, send } from '../routes.ts';
import { MAX_PARTICIPANTS } from './call-connections.ts';
import type { CallbackUris, IdFields } from './fields.ts';
import { IdentifierSchema, toNamed } from './identifiers.ts';
import {
  allowNoBody,
  ConnectionParams,
  OPERATION_FIELDS,
  operationAnswer,
  OperationFields,
  Query,
} from './operation-fields.ts';
import { MAX_PLAY_SOURCES, PlaySourceSchema, toPlaySources } from './play-source.ts';
import { RecognizeSchema, toRecognize } from './recognize.ts';
import { ToneName, toTones } from './tones.ts';

/** The vendor's limit of one request. */
const MAX_SENT_TONES = 18;

const PlayBody = Type.Object({
  playSources: Type.Array(PlaySourceSchema, { minItems: 1, maxItems: MAX_PLAY_SOURCES }),
  playTo: Type.Optional(Type.Array(IdentifierSchema, { maxItems: MAX_PARTICIPANTS })),
  interruptCallMediaOperation: Type.Optional(Type.Boolean()),
  playOptions: Type.Optional(Type.Object({ loop: Type.Optional(Type.Boolean()) })),
  ...OPERATION_FIELDS,
});
const CancelBody = Type.Object(OPERATION_FIELDS);
const TargetBody = Type.Object({ targetParticipant: IdentifierSchema, ...OPERATION_FIELDS });
const SendBody = Type.Object({
  tones: Type.Array(ToneName, { minItems: 1, maxItems: MAX_SENT_TONES }),
  targetParticipant: IdentifierSchema,
  ...OPERATION_FIELDS,
});

const ACCEPTED: StoredAnswer = { status: 202, body: '' };
/** The SDKs know no other status where keys are listened for. */
const DONE: StoredAnswer = { status: 200, body: '' };

/** What is played into calls, and the keys that are listened for and sent. */
export function mediaRoutes(
  routes: Routes,
  operations: MediaOperations,
  ids: IdFields,
  callbackUris: CallbackUris,
  repeatability: Repeatability,
): void {
  const path = '/calling/callConnections/:connection';
  const schema = { params: ConnectionParams, querystring: Query };
  const fields = new OperationFields(ids, callbackUris);

  routes.post(
    `${path}/~play`,
    { schema: { ...schema, body: PlayBody } },
    async (request, reply) => {
      const { body } = request;
      await operations.play({
        ...fields.read(request.params.connection, body),
        sources: toPlaySources(body.playSources, 'playSources'),
        playTo: (body.playTo ?? []).map((who, index) => toNamed(who, `playTo[${index}]`)),
        loop: body.playOptions?.loop ?? false,
        interrupt: body.interruptCallMediaOperation ?? false,
      });
      return send(reply, ACCEPTED);
    },
  );

  routes.post(
    `${path}/~cancelAllMediaOperations`,
    { schema: { ...schema, body: CancelBody }, preValidation: allowNoBody },
    async (request, reply) => {
      await operations.cancelAll(fields.read(request.params.connection, request.body));
      return send(reply, ACCEPTED);
    },
  );

  routes.post(
    `${path}/~recognize`,
    { schema: { ...schema, body: RecognizeSchema } },
    async (request, reply) => {
      const { body } = request;
      const operation = fields.read(request.params.connection, body);
      await operations.recognize(toRecognize(operation, body));
      return send(reply, ACCEPTED);
    },
  );

  routes.post(
    `${path}/~startContinuousDtmfRecognition`,
    { schema: { ...schema, body: TargetBody } },
    async (request, reply) => {
      const { body } = request;
      await operations.startContinuousDtmf({
        ...fields.read(request.params.connection, body),
        target: toNamed(body.targetParticipant, 'targetParticipant'),
      });
      return send(reply, DONE);
    },
  );

  routes.post(
    `${path}/~stopContinuousDtmfRecognition`,
    { schema: { ...schema, body: TargetBody } },
    async (request, reply) => {
      const { body } = request;
      await operations.stopContinuousDtmf({
        ...fields.read(request.params.connection, body),
        target: toNamed(body.targetParticipant, 'targetParticipant'),
      });
      return send(reply, DONE);
    },
  );

  routes.post(
    `${path}/~sendDtmfTones`,
    { schema: { ...schema, body: SendBody } },
    async (request, reply) => {
      const { body } = request;
      const command = {
        ...fields.read(request.params.connection, body),
        target: toNamed(body.targetParticipant, 'targetParticipant'),
        tones: toTones(body.tones, 'tones'),
      };
      const answer = await repeatability.once(
        `sendDtmfTones ${command.callConnectionId}`,
        request.headers,
        (): StoredAnswer => operationAnswer(202, body),
        (repeat) => operations.sendDtmf({ ...command, ...repeat }),
      );
      return send(reply, answer);
    },
  );
}
