import { Type } from 'typebox';
import type { MediaOperations } from '../../core/ports/call-control.ts';
import type { StoredAnswer } from '../../core/ports/call-service.ts';
import { type Routes, send } from '../routes.ts';
import type { CallbackUris, IdFields } from './fields.ts';
import {
  allowNoBody,
  ConnectionParams,
  OPERATION_FIELDS,
  OperationFields,
  Query,
} from './operation-fields.ts';

const ACCEPTED: StoredAnswer = { status: 202, body: '' };

/** Beginning and ending the streams that a call was taken with. */
export function streamingRoutes(
  routes: Routes,
  operations: Pick<MediaOperations, 'startMediaStreaming' | 'stopMediaStreaming'>,
  ids: IdFields,
  callbackUris: CallbackUris,
): void {
  const schema = {
    params: ConnectionParams,
    querystring: Query,
    body: Type.Object(OPERATION_FIELDS),
  };
  const fields = new OperationFields(ids, callbackUris);

  for (const verb of ['startMediaStreaming', 'stopMediaStreaming'] as const) {
    routes.post(
      `/calling/callConnections/:connection/~${verb}`,
      { schema, preValidation: allowNoBody },
      async (request, reply) => {
        await operations[verb](fields.read(request.params.connection, request.body));
        return send(reply, ACCEPTED);
      },
    );
  }
}
