import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { StoredAnswer } from '../core/ports/call-service.ts';

/** A Fastify scope whose handlers have the types of their schemas. */
export type Routes = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export function jsonAnswer(status: number, body: unknown): StoredAnswer {
  return { status, body: JSON.stringify(body) };
}

export const NO_CONTENT: StoredAnswer = { status: 204, body: '' };

/** Sends an answer that may have been stored. */
export function send(
  reply: Pick<FastifyReply, 'code' | 'type' | 'send'>,
  answer: StoredAnswer,
): unknown {
  reply.code(answer.status);
  if (answer.body === '') return reply.send();
  return reply.type('application/json; charset=utf-8').send(answer.body);
}
