import type { Operation } from '../core/ports/call-control.ts';
import type { OperationEnding } from '../core/records.ts';

/** Of a request what its events need, and nothing else: it is stored. */
export function contextOf({
  operationContext,
  operationCallbackUri,
  operationId,
}: Omit<Operation, 'callConnectionId'>): OperationEnding['request'] {
  return {
    ...(operationContext !== undefined && { operationContext }),
    ...(operationCallbackUri !== undefined && { operationCallbackUri }),
    ...(operationId !== undefined && { operationId }),
  };
}
