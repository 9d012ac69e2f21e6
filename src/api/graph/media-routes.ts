import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';
import { type Tone, TONES } from '../../core/tone.ts';
import { oneOf } from '../acs/fields.ts';
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
  sendOperation,
} from './graph-api.ts';
import { PromptSchema, toPrompts } from './prompt-fields.ts';
import { ResponseBody, toResponse } from './response-fields.ts';

/** The vendor's limit of one request. */
const MAX_PROMPTS = 20;
const MAX_TONES = 256;
/** Of keys, as the vendor's `tone` spells them; `flash` cannot be sent. */
const TONE_NAMES: Readonly<Record<string, Tone>> = Object.fromEntries([
  ...TONES.map((tone) => [/\d/.test(tone) ? `tone${tone}` : tone.toLowerCase(), tone] as const),
  ['star', '*'],
  ['pound', '#'],
]);
const RECORDING_STATUS = ['notRecording', 'recording', 'failed'] as const;

const PlayBody = Type.Object({
  prompts: Type.Array(PromptSchema, { minItems: 1, maxItems: MAX_PROMPTS }),
  loop: Type.Optional(Type.Boolean()),
  clientContext: ClientContext,
});
const TonesBody = Type.Object({
  tones: Type.Array(Type.String({ maxLength: 16 }), { minItems: 1, maxItems: MAX_TONES }),
  delayBetweenTonesMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 60_000 })),
  clientContext: ClientContext,
});
const StatusBody = Type.Object({
  status: Type.String({ maxLength: 32 }),
  clientContext: ClientContext,
});
const OperationParams = Type.Object({ call: Type.String(), operation: Type.String() });

/** What is played into calls and recorded of them, keys, and the operations on calls. */
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
    `${path}/recordResponse`,
    { schema: { ...schema, body: ResponseBody }, preValidation: allowNoBody },
    async (request, reply) => {
      const { body } = request;
      const of = ofBot(request);
      requireRoles(of.principal, 'Calls.AccessMedia.All');
      const command = { ...of, ...contextOf(body), ...toResponse(body) };
      return sendOperation(reply, api, of.callId, await bots.recordResponse(command));
    },
  );

  const contextual = { schema: { ...schema, body: ContextBody }, preValidation: allowNoBody };

  routes.post(`${path}/cancelMediaProcessing`, contextual, async (request, reply) => {
    const of = ofBot(request);
    const operation = await bots.cancelMediaProcessing({ ...of, ...contextOf(request.body) });
    return sendOperation(reply, api, of.callId, operation);
  });

  routes.post(`${path}/subscribeToTone`, contextual, async (request, reply) => {
    const of = ofBot(request);
    requireRoles(of.principal, 'Calls.AccessMedia.All');
    const operation = await bots.subscribeToTone({ ...of, ...contextOf(request.body) });
    return sendOperation(reply, api, of.callId, operation);
  });

  routes.post(
    `${path}/sendDtmfTones`,
    { schema: { ...schema, body: TonesBody } },
    async (request, reply) => {
      const { body } = request;
      const of = ofBot(request);
      const tones = body.tones.map((given, index) => toTone(given, `tones[${index}]`));
      const { delayBetweenTonesMs: pauseMs } = body;
      const operation = await bots.sendDtmfTones({
        ...of,
        ...contextOf(body),
        tones,
        ...(pauseMs !== undefined && { pauseMs }),
      });
      return sendOperation(reply, api, of.callId, operation);
    },
  );

  for (const action of ['mute', 'unmute'] as const) {
    routes.post(`${path}/${action}`, contextual, async (request, reply) => {
      const of = ofBot(request);
      const context = contextOf(request.body);
      const operation = await bots.mute({ ...of, ...context, isMuted: action === 'mute' });
      return sendOperation(reply, api, of.callId, operation);
    });
  }

  routes.post(
    `${path}/updateRecordingStatus`,
    { schema: { ...schema, body: StatusBody } },
    async (request, reply) => {
      const { body } = request;
      const of = ofBot(request);
      requireRoles(of.principal, 'Calls.JoinGroupCall.All', 'Calls.AccessMedia.All');
      const status = oneOf(RECORDING_STATUS, body.status, 'status');
      const operation = await bots.updateRecordingStatus({ ...of, ...contextOf(body), status });
      return sendOperation(reply, api, of.callId, operation);
    },
  );

  routes.get(`${path}/operations/:operation`, { schema: { params: OperationParams } }, (request) =>
    bots.operation({ ...ofBot(request), operationId: request.params.operation }),
  );
}

function toTone(given: string, field: string): Tone {
  const tone = TONE_NAMES[given.toLowerCase()];
  if (tone !== undefined) return tone;
  const allowed = 'tone0 to tone9, star, pound, a, b, c, d';
  const message = `Invalid argument: ${field} has to be one of ${allowed}.`;
  throw new TapedeckError('argument-invalid', message, { field });
}
