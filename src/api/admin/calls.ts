import { Type } from 'typebox';
import type { CallOverview, CallService } from '../../core/ports/call-service.ts';
import type { SimulatedCallers } from '../../core/ports/simulated-callers.ts';
import { toParticipantBody } from '../acs/call-models.ts';
import type { Routes } from '../routes.ts';
import { isoTime } from './page.ts';

const SimulatedCallBody = Type.Object({
  phone: Type.String({ minLength: 1, maxLength: 128 }),
  to: Type.String({ minLength: 1, maxLength: 512 }),
});

/** `GET /admin/calls`, `POST /admin/sim/calls`. */
export function callRoutes(
  routes: Routes,
  calls: Pick<CallService, 'calls'>,
  simulatedCallers: SimulatedCallers,
): void {
  routes.get('/admin/calls', async () => ({ value: (await calls.calls()).map(toCall) }));

  routes.post('/admin/sim/calls', { schema: { body: SimulatedCallBody } }, async (request, reply) =>
    reply.code(201).send(await simulatedCallers.start(request.body)),
  );
}

function toCall(call: CallOverview): Record<string, unknown> {
  return {
    serverCallId: call.serverCallId,
    correlationId: call.correlationId,
    state: call.state,
    startedBy: call.startedBy,
    createdAt: isoTime(call.createdAtMs),
    participants: call.participants.map(toParticipantBody),
    activeRecordings: call.activeRecordings,
  };
}
