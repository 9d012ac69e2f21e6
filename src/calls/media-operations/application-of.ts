import type { ConnectionRecord } from '../../core/records.ts';
import type { LiveCall } from '../live-call.ts';

/**
 * Raw id of the application that holds a connection, as it named itself when it answered or placed the call.
 *
 * @param otherwise that of one that did not.
 */
export function applicationOf(
  call: LiveCall,
  { callConnectionId, answeredBy, source }: ConnectionRecord,
  otherwise: string,
): string {
  const held = call.connections.get(callConnectionId);
  const placedBy = held?.failureEvent === 'CreateCallFailed' ? source : undefined;
  return answeredBy ?? placedBy ?? otherwise;
}
