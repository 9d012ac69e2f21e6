import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { AddedParticipant, CallControl } from '../../core/ports/call-control.ts';
import type { Participant, StoredAnswer } from '../../core/ports/call-service.ts';
import type { Repeatability } from '../repeatability.ts';
import { type Routes, send } from '../routes.ts';
import { toParticipantBody } from './call-models.ts';
import { customHeaders, CustomCallingContextSchema } from './custom-headers.ts';
import { MAX_TOKEN_CHARACTERS } from './fields.ts';
import {
  checkedNumber,
  IdentifierSchema,
  PhoneNumberSchema,
  toIdentifier,
  toNamed,
} from './identifiers.ts';
import {
  ConnectionParams,
  OPERATION_FIELDS,
  operationAnswer,
  type OperationFields,
  Query,
} from './operation-fields.ts';

const Token = Type.String({ minLength: 1, maxLength: MAX_TOKEN_CHARACTERS });

const AddBody = Type.Object({
  participantToAdd: IdentifierSchema,
  sourceCallerIdNumber: Type.Optional(PhoneNumberSchema),
  sourceDisplayName: Type.Optional(Type.String({ maxLength: 256 })),
  invitationTimeoutInSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 180 })),
  customCallingContext: Type.Optional(CustomCallingContextSchema),
  ...OPERATION_FIELDS,
});
const CancelBody = Type.Object({ invitationId: Token, ...OPERATION_FIELDS });
const RemoveBody = Type.Object({ participantToRemove: IdentifierSchema, ...OPERATION_FIELDS });
const MuteBody = Type.Object({
  targetParticipants: Type.Array(IdentifierSchema),
  operationContext: OPERATION_FIELDS.operationContext,
});
const MoveBody = Type.Object({
  targetParticipants: Type.Array(IdentifierSchema, { minItems: 1 }),
  fromCall: Token,
  ...OPERATION_FIELDS,
});

/** Adding people to a call, removing, muting and moving them. */
export function participantRoutes(
  routes: Routes,
  control: CallControl,
  fields: OperationFields,
  repeatability: Repeatability,
): void {
  const path = '/calling/callConnections/:connection/participants';
  const schema = { params: ConnectionParams, querystring: Query };

  routes.post(`${path}/~add`, { schema: { ...schema, body: AddBody } }, async (request, reply) => {
    const { body } = request;
    const { sourceCallerIdNumber: caller, sourceDisplayName, invitationTimeoutInSeconds } = body;
    const command = {
      ...fields.read(request.params.connection, body),
      participant: toIdentifier(body.participantToAdd, 'participantToAdd'),
      ...(caller && { sourceCallerIdNumber: toE164(caller.value) }),
      ...(sourceDisplayName !== undefined && { sourceDisplayName }),
      ...(invitationTimeoutInSeconds !== undefined && {
        invitationTimeoutSeconds: invitationTimeoutInSeconds,
      }),
      headers: customHeaders(body.customCallingContext),
    };
    const answer = await repeatability.once(
      `addParticipant ${command.callConnectionId}`,
      request.headers,
      ({ participant, invitationId }: AddedParticipant) =>
        operationAnswer(202, body, { participant: toParticipantBody(participant), invitationId }),
      (repeat) => control.addParticipant({ ...command, ...repeat }),
    );
    return send(reply, answer);
  });

  routes.post(
    `${path}/~cancelAddParticipant`,
    { schema: { ...schema, body: CancelBody } },
    async (request, reply) => {
      const { body } = request;
      const { invitationId } = body;
      const command = { ...fields.read(request.params.connection, body), invitationId };
      const answer = await repeatability.once(
        `cancelAddParticipant ${command.callConnectionId}`,
        request.headers,
        (): StoredAnswer => operationAnswer(202, body, { invitationId }),
        (repeat) => control.cancelAddParticipant({ ...command, ...repeat }),
      );
      return send(reply, answer);
    },
  );

  routes.post(
    `${path}/~remove`,
    { schema: { ...schema, body: RemoveBody } },
    async (request, reply) => {
      const { body } = request;
      const command = {
        ...fields.read(request.params.connection, body),
        participant: toNamed(body.participantToRemove, 'participantToRemove'),
      };
      const answer = await repeatability.once(
        `removeParticipant ${command.callConnectionId}`,
        request.headers,
        (): StoredAnswer => operationAnswer(202, body),
        (repeat) => control.removeParticipant({ ...command, ...repeat }),
      );
      return send(reply, answer);
    },
  );

  routes.post(
    `${path}/~mute`,
    { schema: { ...schema, body: MuteBody } },
    async (request, reply) => {
      const { body } = request;
      const [target, ...others] = body.targetParticipants;
      if (target === undefined || others.length > 0) {
        throw new TapedeckError(
          'argument-invalid',
          'Invalid argument: targetParticipants has to name exactly one participant.',
          { field: 'targetParticipants' },
        );
      }
      const command = {
        ...fields.read(request.params.connection, body),
        participant: toNamed(target, 'targetParticipants[0]'),
      };
      const answer = await repeatability.once(
        `muteParticipant ${command.callConnectionId}`,
        request.headers,
        (): StoredAnswer => operationAnswer(200, body),
        (repeat) => control.muteParticipant({ ...command, ...repeat }),
      );
      return send(reply, answer);
    },
  );

  routes.post(
    `${path}/~moveHere`,
    { schema: { ...schema, body: MoveBody } },
    async (request, reply) => {
      const { body } = request;
      const { fromCall } = body;
      const command = {
        ...fields.read(request.params.connection, body),
        participants: body.targetParticipants.map((target, index) =>
          toNamed(target, `targetParticipants[${index}]`),
        ),
        fromCall: fields.callConnection(fromCall),
      };
      const answer = await repeatability.once(
        `moveParticipants ${command.callConnectionId}`,
        request.headers,
        (moved: readonly Participant[]) =>
          operationAnswer(202, body, { participants: moved.map(toParticipantBody), fromCall }),
        (repeat) => control.moveParticipants({ ...command, ...repeat }),
      );
      return send(reply, answer);
    },
  );
}

function toE164(value: string): string {
  return checkedNumber(value, 'sourceCallerIdNumber.value').rawId.slice(2);
}
