import { identifierModel, type Identifier } from '../../core/identifier.ts';
import type { Fact } from '../../core/ports/ledger.ts';
import type { ResponseTokens } from '../../core/ports/response-recorder.ts';
import type { ConnectionRecord, OperationEnding } from '../../core/records.ts';
import type { HeldConnection, Leg, LiveCall } from '../live-call.ts';
import { botRoster } from '../graph/roster.ts';
import { participantsOf } from '../participants.ts';
import type { ResultInformation } from '../result-code.ts';
import { botConnection, BotEvents } from './bot-events.ts';
import { isKnownTo } from './generation.ts';
import type { EventPublisher } from './publisher.ts';

/**
 * The Call Automation callbacks and Event Grid events of a call; who holds it by the Graph API gets
 * notifications of that instead of callbacks.
 */
export class CallEvents {
  readonly #publisher: EventPublisher;
  readonly bots: BotEvents;

  constructor(publisher: EventPublisher, responseTokens: Pick<ResponseTokens, 'tokenOf'>) {
    this.#publisher = publisher;
    this.bots = new BotEvents(publisher, responseTokens);
  }

  /**
   * A callback of a connection's own life. A client that does not know the failures yet is told of the end
   * that it does know.
   */
  connection(
    call: LiveCall,
    connection: ConnectionRecord,
    name:
      'CallConnected' | 'CallDisconnected' | 'CreateCallFailed' | 'AnswerFailed' | 'ConnectFailed',
    result: ResultInformation,
  ): readonly Fact[] {
    // Bots are no clients of Call Automation: nothing is new to them.
    const isKnown = connection.bot !== undefined || isKnownTo(connection.apiVersion, name);
    const known = isKnown ? name : 'CallDisconnected';
    return this.#ownCallback(connection, call.correlationId, known, result);
  }

  /** The call of a bot is being set up; others hear nothing of that. */
  establishing(call: LiveCall, connection: ConnectionRecord): readonly Fact[] {
    const bot = botConnection(connection);
    return bot === undefined ? [] : [this.bots.state(bot, call.correlationId, 'establishing')];
  }

  /** As `connection`, for calls of an earlier process. */
  disconnectedByRestart(
    connection: ConnectionRecord,
    correlationId: string,
    result: ResultInformation,
  ): readonly Fact[] {
    return this.#ownCallback(connection, correlationId, 'CallDisconnected', result);
  }

  /** An operation, by the name of its failure, is accepted; some are states of a bot's call. */
  accepted(
    call: Pick<LiveCall, 'correlationId'>,
    connection: ConnectionRecord,
    failed: string,
  ): readonly Fact[] {
    const bot = botConnection(connection);
    return bot === undefined ? [] : this.bots.accepted(bot, call.correlationId, failed);
  }

  /**
   * A callback that tells what became of an operation; none when the client does not know the event. It
   * goes where the request wanted it, and carries the context of the request only.
   */
  operation(
    call: Pick<LiveCall, 'correlationId'>,
    connection: ConnectionRecord,
    ending: OperationEnding,
  ): readonly Fact[] {
    const bot = botConnection(connection);
    if (bot !== undefined) return this.bots.operation(bot, call.correlationId, ending);
    const { name, request, data } = ending;
    const { operationContext, operationCallbackUri } = request;
    return this.#callback(connection, call.correlationId, name, operationCallbackUri, {
      ...(operationContext === undefined ? {} : { operationContext }),
      ...data,
    });
  }

  /** To every application in the call, or to one that has just come into it. */
  participantsUpdated(call: LiveCall, only?: HeldConnection): readonly Fact[] {
    const receivers = (only === undefined ? [...call.connections.values()] : [only]).filter(
      ({ record }) => record.state === 'connected',
    );
    if (receivers.length === 0) return [];
    call.rosterSequence += 1;
    const roster = botRoster(call);
    const data = {
      sequenceNumber: call.rosterSequence,
      participants: participantsOf(call).map(({ identifier, isMuted, isOnHold }) => ({
        identifier: identifierModel(identifier),
        isMuted,
        isOnHold,
      })),
    };
    return receivers.flatMap(({ record }) => {
      const bot = botConnection(record);
      return bot === undefined
        ? this.#callback(record, call.correlationId, 'ParticipantsUpdated', undefined, data)
        : this.bots.roster(bot, call.correlationId, roster);
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
      group: { id: call.groupCallId ?? '' },
      room: { id: '' },
      isTwoParty: call.mostLegs <= 2,
      correlationId: call.correlationId,
      isRoomsCall: false,
    };
  }

  #ownCallback(
    connection: ConnectionRecord,
    correlationId: string,
    name: string,
    resultInformation: ResultInformation,
  ): readonly Fact[] {
    const bot = botConnection(connection);
    if (bot !== undefined) return this.bots.life(bot, correlationId, name, resultInformation);
    const { operationContext } = connection;
    return this.#callback(connection, correlationId, name, undefined, {
      ...(operationContext === undefined ? {} : { operationContext }),
      resultInformation,
    });
  }

  #callback(
    connection: ConnectionRecord,
    correlationId: string,
    name: string,
    uri: string | undefined,
    data: Readonly<Record<string, unknown>>,
  ): readonly Fact[] {
    const { callConnectionId, apiVersion } = connection;
    const path = `calling/callConnections/${callConnectionId}`;
    return this.#publisher.callback({
      name,
      uri: uri ?? connection.callbackUri,
      // A receiver of its own does not hold up the others.
      orderKey:
        uri === undefined || uri === connection.callbackUri
          ? callConnectionId
          : `${callConnectionId} ${uri}`,
      apiVersion,
      source: path,
      subject: path,
      data: {
        version: apiVersion,
        callConnectionId,
        serverCallId: connection.serverCallId,
        correlationId,
        ...data,
        publicEventType: `Microsoft.Communication.${name}`,
      },
    });
  }
}
