import { Type } from 'typebox';
import type { CallConnectionId } from '../../core/ids.ts';
import type { Operation } from '../../core/ports/call-control.ts';
import type { StoredAnswer } from '../../core/ports/call-service.ts';
import { jsonAnswer } from '../routes.ts';
import {
  type CallbackUris,
  type IdFields,
  MAX_OPERATION_CONTEXT_CHARACTERS,
  MAX_URI_CHARACTERS,
} from './fields.ts';

export const Query: Type.TObject<{ 'api-version': Type.TString }> = Type.Object({
  'api-version': Type.String({ minLength: 1, maxLength: 64 }),
});
export const ConnectionParams: Type.TObject<{ connection: Type.TString }> = Type.Object({
  connection: Type.String(),
});

/** What every operation on a call carries beside its own fields. */
export const OPERATION_FIELDS: {
  readonly operationContext: Type.TOptional<Type.TString>;
  readonly operationCallbackUri: Type.TOptional<Type.TString>;
} = {
  operationContext: Type.Optional(Type.String({ maxLength: MAX_OPERATION_CONTEXT_CHARACTERS })),
  operationCallbackUri: Type.Optional(Type.String({ minLength: 1, maxLength: MAX_URI_CHARACTERS })),
};

export type OperationBody = { operationContext?: string; operationCallbackUri?: string };

/** The SDKs send a body only when there is something to say. */
export function allowNoBody(request: { body: unknown }, _reply: unknown, next: () => void): void {
  request.body ??= {};
  next();
}

/** Reads them, from any operation's request. */
export class OperationFields {
  readonly #ids: IdFields;
  readonly #callbackUris: CallbackUris;

  constructor(ids: IdFields, callbackUris: CallbackUris) {
    this.#ids = ids;
    this.#callbackUris = callbackUris;
  }

  callConnection(id: string): CallConnectionId {
    return this.#ids.callConnection(id);
  }

  read(connection: string, body: OperationBody): Operation {
    const { operationContext, operationCallbackUri: uri } = body;
    return {
      callConnectionId: this.#ids.callConnection(connection),
      ...(operationContext !== undefined && { operationContext }),
      ...(uri !== undefined && {
        operationCallbackUri: this.#callbackUris.check(uri, 'operationCallbackUri'),
      }),
    };
  }
}

/** The answer to an operation: its context, and what else there is to say. */
export function operationAnswer(
  status: number,
  { operationContext }: OperationBody,
  more: Readonly<Record<string, unknown>> = {},
): StoredAnswer {
  return jsonAnswer(status, {
    ...more,
    ...(operationContext !== undefined && { operationContext }),
  });
}
