import type { ResponseCompletion, ResponseOutcome } from '../../core/ports/response-recorder.ts';
import { RESPONSE_RESULTS } from './response-results.ts';

/** What is told of an outcome, without what came of it. */
export function completionOf(operationId: string, outcome: ResponseOutcome): ResponseCompletion {
  return { operationId, outcome, ...RESPONSE_RESULTS[outcome] };
}
