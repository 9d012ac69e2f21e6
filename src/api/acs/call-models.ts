import type { ConnectionProperties, Participant } from '../../core/ports/call-service.ts';
import { toWireIdentifier } from './identifiers.ts';

/** CallConnectionProperties. */
export function toConnectionBody(properties: ConnectionProperties): Record<string, unknown> {
  const { source, sourceCallerIdNumber, sourceDisplayName, answeredBy, mediaStreaming } =
    properties;
  return {
    callConnectionId: properties.callConnectionId,
    serverCallId: properties.serverCallId,
    correlationId: properties.correlationId,
    callConnectionState: properties.state,
    callbackUri: properties.callbackUri,
    targets: properties.targets.map(toWireIdentifier),
    ...(source && { source: toWireIdentifier(source) }),
    ...(sourceCallerIdNumber !== undefined && {
      sourceCallerIdNumber: { value: sourceCallerIdNumber },
    }),
    ...(sourceDisplayName !== undefined && { sourceDisplayName }),
    ...(answeredBy !== undefined && { answeredBy: { id: answeredBy } }),
    ...(mediaStreaming && {
      mediaStreamingSubscription: { ...mediaStreaming, subscribedContentTypes: ['audio'] },
    }),
  };
}

/** CallParticipant. */
export function toParticipantBody(participant: Participant): Record<string, unknown> {
  return {
    identifier: toWireIdentifier(participant.identifier),
    isMuted: participant.isMuted,
    isOnHold: participant.isOnHold,
  };
}
