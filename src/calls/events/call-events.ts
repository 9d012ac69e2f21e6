import { identifierModel, type Identifier } from '../../core/identifier.ts';
import type { Fact } from '../../core/ports/ledger.ts';
import type { ConnectionRecord } from '../../core/records.ts';
import type { Leg, LiveCall } from '../live-call.ts';
import type { ResultInformation } from '../result-code.ts';
import { isKnownTo } from './generation.ts';
import type { EventPublisher } from './publisher.ts';

/** The Call Automation callbacks and Event Grid events of a call. */
export class CallEvents {
  readonly #publisher: EventPublisher;

  constructor(publisher: EventPublisher) {
    this.#publisher = publisher;
  }

  /**
   * A callback to the application that holds the call; none if nobody does. A client that does not
   * know the failures yet is told of the end that it does know.
   */
  connection(
    call: LiveCall,
    name: 'CallConnected' | 'CallDisconnected' | 'CreateCallFailed' | 'AnswerFailed',
    result: ResultInformation,
  ): readonly Fact[] {
    const { connection } = call;
    if (connection === undefined) return [];
    const known = isKnownTo(connection.apiVersion, name) ? name : 'CallDisconnected';
    return this.#callback(connection, call.correlationId, known, { resultInformation: result });
  }

  /** As `connection`, for calls of an earlier process. */
  disconnectedByRestart(
    connection: ConnectionRecord,
    correlationId: string,
    result: ResultInformation,
  ): readonly Fact[] {
    return this.#callback(connection, correlationId, 'CallDisconnected', {
      resultInformation: result,
    });
  }

  participantsUpdated(call: LiveCall): readonly Fact[] {
    const { connection } = call;
    if (connection === undefined) return [];
    call.rosterSequence += 1;
    return this.#callback(connection, call.correlationId, 'ParticipantsUpdated', {
      sequenceNumber: call.rosterSequence,
      participants: [...call.legs.values()].map((leg) => ({
        identifier: identifierModel(leg.participant),
        isMuted: false,
        isOnHold: false,
      })),
    });
  }

  incomingCall(
    call: LiveCall,
    incoming: {
      readonly caller: Identifier;
      readonly callee: Identifier;
      readonly callerDisplayName: string;
      readonly context: string;
      readonly sipHeaders: Readonly<Record<string, string>>;
    },
  ): Fact {
    return this.#publisher.grid({
      name: 'IncomingCall',
      subject: `/caller/${incoming.caller.rawId}/recipient/${incoming.callee.rawId}`,
      data: {
        to: identifierModel(incoming.callee),
        from: identifierModel(incoming.caller),
        serverCallId: call.serverCallId,
        callerDisplayName: incoming.callerDisplayName,
        customContext: { sipHeaders: incoming.sipHeaders, voipHeaders: {} },
        incomingCallContext: incoming.context,
        correlationId: call.correlationId,
      },
    });
  }

  started(call: LiveCall): Fact {
    return this.#publisher.grid({
      name: 'CallStarted',
      subject: `call/${call.serverCallId}/startedBy/${call.startedBy.rawId}`,
      data: this.#common(call),
    });
  }

  /** `by`: the participant whose leaving ended it; `undefined` when an application or we did. */
  ended(
    call: LiveCall,
    result: ResultInformation,
    by: Pick<Leg, 'participant' | 'displayName'> | undefined,
  ): Fact {
    const kind = by === undefined ? 'MicrosoftInternal' : 'Participant';
    const durationMs = (call.endedAtMs ?? 0) - (call.connectedAtMs ?? call.endedAtMs ?? 0);
    return this.#publisher.grid({
      name: 'CallEnded',
      subject: `call/${call.serverCallId}`,
      data: {
        ...this.#common(call),
        endedBy: {
          communicationIdentifier: identifierModel(by?.participant ?? call.startedBy),
          type: kind,
          kind,
          name: by?.displayName ?? '',
        },
        reason: { code: result.code, subCode: result.subCode, phrase: result.message },
        callDurationInSeconds: Math.max(0, durationMs) / 1000,
      },
    });
  }

  participant(call: LiveCall, leg: Leg, change: 'Added' | 'Removed'): Fact {
    return this.#publisher.grid({
      name: `CallParticipant${change}`,
      subject: `call/${call.serverCallId}/participant/${leg.participant.rawId}`,
      data: {
        ...this.#common(call),
        user: { communicationIdentifier: identifierModel(leg.participant), role: 'Attendee' },
        displayName: leg.displayName,
        participantId: leg.membershipId,
        userAgent: '',
      },
    });
  }

  #common(call: LiveCall): Readonly<Record<string, unknown>> {
    return {
      startedBy: { communicationIdentifier: identifierModel(call.startedBy), role: 'Attendee' },
      serverCallId: call.serverCallId,
      group: { id: '' },
      room: { id: '' },
      isTwoParty: call.mostLegs <= 2,
      correlationId: call.correlationId,
      isRoomsCall: false,
    };
  }

  #callback(
    connection: ConnectionRecord,
    correlationId: string,
    name: string,
    data: Readonly<Record<string, unknown>>,
  ): readonly Fact[] {
    const path = `calling/callConnections/${connection.callConnectionId}`;
    return this.#publisher.callback({
      name,
      uri: connection.callbackUri,
      orderKey: connection.callConnectionId,
      apiVersion: connection.apiVersion,
      source: path,
      subject: path,
      data: {
        version: connection.apiVersion,
        callConnectionId: connection.callConnectionId,
        serverCallId: connection.serverCallId,
        correlationId,
        ...(connection.operationContext === undefined || name === 'ParticipantsUpdated'
          ? {}
          : { operationContext: connection.operationContext }),
        ...data,
        publicEventType: `Microsoft.Communication.${name}`,
      },
    });
  }
}
