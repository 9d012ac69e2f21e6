import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import type { CallConnectionId } from '../../core/ids.ts';
import type { TransferBotCall } from '../../core/ports/bot-calls.ts';
import type { Routes } from '../routes.ts';
import { requireRoles } from './graph-access.ts';
import { guidOf } from './graph-path.ts';
import {
  CallParams,
  ClientContext,
  contextOf,
  type GraphApi,
  ofBot,
  sendNothing,
} from './graph-api.ts';
import {
  type IdentitySetInput,
  IdentitySetSchema,
  InvitationSchema,
  toNamed,
} from './identity-fields.ts';

/** The vendor's limits. */
const MAX_TARGETS = 25;
const LEAST_RING_SECONDS = 15;
const MOST_RING_SECONDS = 90;
/** The vendor's defaults, of one target and of several. */
const RING_SECONDS = 55;
const RING_ALL_SECONDS = 60;

const RedirectBody = Type.Object({
  targets: Type.Array(InvitationSchema, { minItems: 1, maxItems: MAX_TARGETS }),
  timeout: Type.Optional(Type.Integer({ minimum: LEAST_RING_SECONDS, maximum: MOST_RING_SECONDS })),
});
const TransferBody = Type.Object({
  transferTarget: InvitationSchema,
  transferee: Type.Optional(
    Type.Object({
      identity: Type.Optional(IdentitySetSchema),
      participantId: Type.Optional(Type.String({ maxLength: 128 })),
    }),
  ),
  clientContext: ClientContext,
});

/** Calls that go on elsewhere: redirected before the answer, transferred after it. */
export function moveRoutes(routes: Routes, api: GraphApi): void {
  const { bots } = api;
  const path = '/communications/calls/:call';
  const schema = { params: CallParams };

  routes.post(
    `${path}/redirect`,
    { schema: { ...schema, body: RedirectBody } },
    async (request, reply) => {
      const of = ofBot(request);
      requireRoles(of.principal, 'Calls.Initiate.All');
      const { targets, timeout } = request.body;
      const [first, ...others] = targets.map(({ identity }, index) =>
        toNamed(identity, `targets[${index}].identity`),
      );
      if (first === undefined) throw new TapedeckError('internal', 'The schema lets no none pass.');
      const seconds = timeout ?? (others.length === 0 ? RING_SECONDS : RING_ALL_SECONDS);
      await bots.redirect({ ...of, targets: [first, ...others], ringTimeoutMs: seconds * 1000 });
      return sendNothing(reply, 202);
    },
  );

  routes.post(
    `${path}/transfer`,
    { schema: { ...schema, body: TransferBody } },
    async (request, reply) => {
      const { body } = request;
      const of = ofBot(request);
      requireRoles(of.principal, 'Calls.Initiate.All');
      const { replacesCallId } = body.transferTarget;
      await bots.transfer({
        ...of,
        ...contextOf(body),
        target: toNamed(body.transferTarget.identity, 'transferTarget.identity'),
        transferee: toTransferee(body.transferee),
        ...(replacesCallId !== undefined && {
          replaces: (guidOf(replacesCallId) ?? replacesCallId) as CallConnectionId,
        }),
      });
      return sendNothing(reply, 202);
    },
  );
}

function toTransferee(
  given: { identity?: IdentitySetInput; participantId?: string } | undefined,
): TransferBotCall['transferee'] {
  if (given?.participantId !== undefined) return { kind: 'participant', id: given.participantId };
  return given?.identity && toNamed(given.identity, 'transferee.identity');
}
