import { Type } from 'typebox';
import type { CallRole, Principal } from '../../core/application.ts';
import type { CreateBotCall } from '../../core/ports/bot-calls.ts';
import { oneOf } from '../acs/fields.ts';
import type { Routes } from '../routes.ts';
import {
  AnswerBody,
  checkModalities,
  CreateBody,
  type CreateInput,
  keptOf,
  toMedia,
  toPreFetched,
} from './call-fields.ts';
import { requireRoles } from './graph-access.ts';
import {
  allowNoBody,
  CallParams,
  type GraphApi,
  locationOf,
  ofBot,
  principalFrom,
  sendNothing,
} from './graph-api.ts';
import { GraphFailure } from './graph-failure.ts';
import { toNamed } from './identity-fields.ts';

const RejectBody = Type.Object({ reason: Type.Optional(Type.String({ maxLength: 32 })) });
const REASONS = ['none', 'busy', 'forbidden'] as const;

/** The calls themselves: made, answered, looked at, kept alive and ended. */
export function callRoutes(routes: Routes, api: GraphApi): void {
  const { bots, callbackUris } = api;
  const path = '/communications/calls';
  const schema = { params: CallParams };

  routes.post(path, { schema: { body: CreateBody } }, async (request, reply) => {
    const { body } = request;
    const principal = principalFrom(request);
    const call = await bots.create(toCreate(principal, body, api));
    return reply
      .code(201)
      .header('location', locationOf(api, String(call['id'])))
      .send(withContext(api, call));
  });

  routes.get(path, async (request) => ({
    '@odata.context': `${api.publicUrl()}${api.version}/$metadata#communications/calls`,
    value: await bots.calls(principalFrom(request)),
  }));

  routes.get(`${path}/:call`, { schema }, async (request) =>
    withContext(api, await bots.call(ofBot(request))),
  );

  routes.delete(`${path}/:call`, { schema }, async (request, reply) => {
    await bots.end(ofBot(request));
    return sendNothing(reply, 204);
  });

  routes.post(
    `${path}/:call/answer`,
    { schema: { ...schema, body: AnswerBody } },
    async (request, reply) => {
      const { body } = request;
      checkModalities(body.acceptedModalities, 'acceptedModalities');
      const media = toMedia(body.mediaConfig);
      const of = ofBot(request);
      requireRoles(of.principal, ...rolesOfMedia(media));
      const { callbackUri } = body;
      await bots.answer({
        ...of,
        ...(callbackUri !== undefined && {
          callbackUri: callbackUris.check(callbackUri, 'callbackUri'),
        }),
        media,
        preFetched: toPreFetched(body.mediaConfig),
        kept: keptOf(body),
      });
      return sendNothing(reply, 202);
    },
  );

  routes.post(
    `${path}/:call/reject`,
    { schema: { ...schema, body: RejectBody }, preValidation: allowNoBody },
    async (request, reply) => {
      const reason = oneOf(REASONS, request.body.reason ?? 'none', 'reason');
      await bots.reject({ ...ofBot(request), reason });
      return sendNothing(reply, 202);
    },
  );

  routes.post(`${path}/:call/keepAlive`, { schema }, async (request, reply) => {
    await bots.keepAlive(ofBot(request));
    return sendNothing(reply, 200);
  });
}

function toCreate(
  principal: Principal,
  body: CreateInput,
  { callbackUris }: GraphApi,
): CreateBotCall {
  checkModalities(body.requestedModalities, 'requestedModalities');
  const media = toMedia(body.mediaConfig);
  const isGroup = body.targets.length > 1;
  requireRoles(
    principal,
    isGroup ? 'Calls.InitiateGroupCall.All' : 'Calls.Initiate.All',
    ...rolesOfMedia(media),
  );
  const source = body.source?.identity;
  const claimed = source?.application?.id;
  if (claimed !== undefined && claimed.toLowerCase() !== principal.applicationId.toLowerCase()) {
    throw new GraphFailure(403, '7507', 'Call source identity invalid.');
  }
  const caller =
    source?.phone === undefined ? undefined : toNamed({ phone: source.phone }, 'source.identity');
  const name = source?.application?.displayName ?? source?.applicationInstance?.displayName;
  return {
    principal,
    callbackUri: callbackUris.check(body.callbackUri, 'callbackUri'),
    targets: body.targets.map(({ identity }, index) =>
      toNamed(identity, `targets[${index}].identity`),
    ),
    ...(caller?.kind === 'phoneNumber' && { sourceNumber: caller.number }),
    ...(name !== undefined && { sourceName: name }),
    media,
    preFetched: toPreFetched(body.mediaConfig),
    kept: keptOf(body),
  };
}

function rolesOfMedia(media: CreateBotCall['media']): readonly CallRole[] {
  return media === 'application-hosted' ? ['Calls.AccessMedia.All'] : [];
}

function withContext(api: GraphApi, call: object): object {
  const context = `${api.publicUrl()}${api.version}/$metadata#communications/calls/$entity`;
  return { '@odata.context': context, ...call };
}
