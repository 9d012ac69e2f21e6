import { Type } from 'typebox';
import type { Routes } from '../routes.ts';
import { requireRoles } from './graph-access.ts';
import {
  allowNoBody,
  CallParams,
  ClientContext,
  ContextBody,
  contextOf,
  type GraphApi,
  ofBot,
  sendNothing,
  sendOperation,
} from './graph-api.ts';
import { InvitationSchema, toNamed } from './identity-fields.ts';
import { PromptSchema, toPrompts } from './prompt-fields.ts';

/** So many are asked into a call at once at most. */
const MAX_INVITED = 25;

const InviteBody = Type.Object({
  participants: Type.Array(InvitationSchema, { minItems: 1, maxItems: MAX_INVITED }),
  clientContext: ClientContext,
});
const HoldBody = Type.Object({
  customPrompt: Type.Optional(PromptSchema),
  clientContext: ClientContext,
});
const ParticipantParams = Type.Object({ call: Type.String(), participant: Type.String() });

/** The people in a call. */
export function participantRoutes(routes: Routes, api: GraphApi): void {
  const { bots } = api;
  const path = '/communications/calls/:call/participants';
  const one = `${path}/:participant`;
  const schema = { params: CallParams };
  const ofOne = { params: ParticipantParams };

  routes.get(path, { schema }, async (request) => {
    const of = ofBot(request);
    const base = `${api.publicUrl()}${api.version}`;
    const context = `${base}/$metadata#communications/calls('${of.callId}')/participants`;
    return { '@odata.context': context, value: await bots.participants(of) };
  });

  routes.get(one, { schema: ofOne }, (request) =>
    bots.participant({ ...ofBot(request), participantId: request.params.participant }),
  );

  routes.post(
    `${path}/invite`,
    { schema: { ...schema, body: InviteBody } },
    async (request, reply) => {
      const { body } = request;
      const of = ofBot(request);
      requireRoles(of.principal, 'Calls.InitiateGroupCall.All');
      const participants = body.participants.map(({ identity }, index) =>
        toNamed(identity, `participants[${index}].identity`),
      );
      const operation = await bots.invite({ ...of, ...contextOf(body), participants });
      return sendOperation(reply, api, of.callId, operation);
    },
  );

  routes.post(
    `${one}/mute`,
    { schema: { ...ofOne, body: ContextBody }, preValidation: allowNoBody },
    async (request, reply) => {
      const of = ofBot(request);
      const { participant: participantId } = request.params;
      const command = { ...of, ...contextOf(request.body), participantId };
      return sendOperation(reply, api, of.callId, await bots.muteParticipant(command));
    },
  );

  routes.delete(one, { schema: ofOne }, async (request, reply) => {
    await bots.removeParticipant({
      ...ofBot(request),
      participantId: request.params.participant,
    });
    return sendNothing(reply, 204);
  });

  routes.post(
    `${one}/startHoldMusic`,
    { schema: { ...ofOne, body: HoldBody }, preValidation: allowNoBody },
    async (request, reply) => {
      const { body } = request;
      const of = ofBot(request);
      const { participant: participantId } = request.params;
      const given = body.customPrompt;
      const [prompt] = given === undefined ? [] : toPrompts([given], 'customPrompt');
      const command = { ...of, ...contextOf(body), participantId, prompt };
      return sendOperation(reply, api, of.callId, await bots.startHoldMusic(command), 202);
    },
  );

  routes.post(
    `${one}/stopHoldMusic`,
    { schema: { ...ofOne, body: ContextBody }, preValidation: allowNoBody },
    async (request, reply) => {
      const of = ofBot(request);
      const { participant: participantId } = request.params;
      const command = { ...of, ...contextOf(request.body), participantId };
      return sendOperation(reply, api, of.callId, await bots.stopHoldMusic(command), 202);
    },
  );
}
