import { Type } from 'typebox';
import type { Routes } from '../routes.ts';
import {
  allowNoBody,
  CallParams,
  ClientContext,
  ContextBody,
  contextOf,
  type GraphApi,
  ofBot,
  sendOperation,
} from './graph-api.ts';
import { PromptSchema, toPrompts } from './prompt-fields.ts';

/** The vendor's limit of one request. */
const MAX_PROMPTS = 20;

const PlayBody = Type.Object({
  prompts: Type.Array(PromptSchema, { minItems: 1, maxItems: MAX_PROMPTS }),
  loop: Type.Optional(Type.Boolean()),
  clientContext: ClientContext,
});
const OperationParams = Type.Object({ call: Type.String(), operation: Type.String() });

/** What is played into calls, and the operations on them. */
export function mediaRoutes(routes: Routes, api: GraphApi): void {
  const { bots } = api;
  const path = '/communications/calls/:call';
  const schema = { params: CallParams };

  routes.post(
    `${path}/playPrompt`,
    { schema: { ...schema, body: PlayBody } },
    async (request, reply) => {
      const { body } = request;
      const of = ofBot(request);
      const operation = await bots.playPrompt({
        ...of,
        ...contextOf(body),
        prompts: toPrompts(body.prompts, 'prompts'),
        loop: body.loop ?? false,
      });
      return sendOperation(reply, api, of.callId, operation);
    },
  );

  routes.post(
    `${path}/cancelMediaProcessing`,
    { schema: { ...schema, body: ContextBody }, preValidation: allowNoBody },
    async (request, reply) => {
      const of = ofBot(request);
      const operation = await bots.cancelMediaProcessing({ ...of, ...contextOf(request.body) });
      return sendOperation(reply, api, of.callId, operation);
    },
  );

  routes.get(`${path}/operations/:operation`, { schema: { params: OperationParams } }, (request) =>
    bots.operation({ ...ofBot(request), operationId: request.params.operation }),
  );
}
