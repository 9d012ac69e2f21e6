import { TapedeckError } from '../core/error.ts';
import type { Identifier } from '../core/identifier.ts';
import type { CallConnectionId, IncomingCallContext } from '../core/ids.ts';
import type {
  AnswerCall,
  ConnectionProperties,
  CreateCall,
  Participant,
  RedirectCall,
  RejectCall,
  TerminateCall,
} from '../core/ports/call-service.ts';
import type { Fact } from '../core/ports/ledger.ts';
import type { ConnectionRecord } from '../core/records.ts';
import type { SessionEnd } from '../core/ports/signalling.ts';
import type { CallEnding } from './call-end.ts';
import type { CallLifecycle } from './call-lifecycle.ts';
import type { CallSetup } from './call-setup.ts';
import { commitFacts, type CallPorts } from './context.ts';
import type { Connections } from './connections.ts';
import { resultOfInvitation } from './control/operation-result.ts';
import type { Directory } from './directory.ts';
import type { CallEvents } from './events/call-events.ts';
import type { LiveBot } from './graph/live-bot.ts';
import type { HeldConnection, LiveCall, Offer } from './live-call.ts';
import { subscriptionFor } from './media-streaming/subscription.ts';
import { APPLICATION_USER, type OutgoingCalls } from './outgoing-calls.ts';
import { participantOf, participantsOf, requireLeg } from './participants.ts';
import { repeatFacts } from './repeat-facts.ts';
import {
  DISCONNECTED,
  refusalAfter,
  resultOfAnswer,
  resultOfRefusal,
  type Refusal,
  type ResultInformation,
} from './result-code.ts';
import type { Switchboard } from './switchboard.ts';

const ENDED_BY_APPLICATION: CallEnding = {
  result: DISCONNECTED.byApplication,
  sip: { status: 200, reason: 'Normal Clearing' },
  recordingReason: 'CallEnded',
};

const REJECTIONS: Readonly<Record<RejectCall['reason'], Refusal>> = {
  none: { status: 603, reason: 'Decline' },
  busy: { status: 486, reason: 'Busy Here' },
  forbidden: { status: 403, reason: 'Forbidden' },
};

/** What an application does with calls through the Call Automation API. */
export class ApplicationCalls {
  readonly #ports: CallPorts;
  readonly #events: CallEvents;
  readonly #directory: Directory;
  readonly #lifecycle: CallLifecycle;
  readonly #switchboard: Switchboard;
  readonly #setup: CallSetup;
  readonly #connections: Connections;
  readonly #outgoing: OutgoingCalls;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly events: CallEvents;
    readonly directory: Directory;
    readonly lifecycle: CallLifecycle;
    readonly switchboard: Switchboard;
    readonly setup: CallSetup;
    readonly connections: Connections;
    readonly outgoing: OutgoingCalls;
  }) {
    this.#ports = parts.ports;
    this.#events = parts.events;
    this.#directory = parts.directory;
    this.#lifecycle = parts.lifecycle;
    this.#switchboard = parts.switchboard;
    this.#setup = parts.setup;
    this.#connections = parts.connections;
    this.#outgoing = parts.outgoing;
  }

  /** @param bot who holds it by the Graph API. */
  async create(command: CreateCall, bot?: LiveBot): Promise<ConnectionProperties> {
    const source = command.source ?? this.#directory.identifierOfUser(APPLICATION_USER);
    const call = this.#lifecycle.open(source, 'connecting');
    const record: ConnectionRecord = {
      ...this.#connections.newRecord(call, command),
      ...(bot && { callConnectionId: bot.callId, bot: bot.hold }),
      targets: command.targets.map((target) => target.rawId),
      source: source.rawId,
      sourceCallerIdNumber: command.sourceCallerIdNumber,
      sourceDisplayName: command.sourceDisplayName,
    };
    const failureEvent = 'CreateCallFailed';
    const streaming = subscriptionFor(command, this.#ports.random);
    const held = { record, failureEvent, ...streaming, ...(bot && { bot }) } as const;
    const properties = await this.#hold(call, held, command.repeat);
    this.#background(call, 'placing a call failed', () =>
      this.#place(call, command, bot === undefined ? resultOfRefusal : resultOfInvitation),
    );
    return properties;
  }

  /** The bot that holds a call since it was offered takes it; its record is `record` from now on. */
  async answerHeld(bot: LiveBot, record: ConnectionRecord): Promise<void> {
    const { call } = this.#take(bot.offeredAs);
    bot.offeredAs = undefined;
    call.state = 'connecting';
    const held = call.connections.get(bot.callId);
    if (held !== undefined) held.record = record;
    await this.#commit(call, [
      { kind: 'call', record: call.record() },
      { kind: 'connection', record },
      ...this.#events.establishing(call, record),
    ]);
    this.#background(call, 'answering a call failed', () => this.#setup.answer(call));
  }

  async answer(command: AnswerCall): Promise<ConnectionProperties> {
    const { call, offer } = this.#take(command.incomingCallContext);
    call.state = 'connecting';
    const record: ConnectionRecord = {
      ...this.#connections.newRecord(call, command),
      targets: [offer.caller.rawId],
      source: offer.caller.rawId,
      sourceDisplayName: offer.invite.from.displayName,
      answeredBy: command.answeredBy?.rawId,
    };
    const failureEvent = 'AnswerFailed';
    const streaming = subscriptionFor(command, this.#ports.random);
    const held = { record, failureEvent, ...streaming } as const;
    const properties = await this.#hold(call, held, command.repeat);
    this.#background(call, 'answering a call failed', () => this.#setup.answer(call));
    return properties;
  }

  async redirect(command: RedirectCall): Promise<void> {
    const { call } = this.#take(command.incomingCallContext);
    await this.#commit(call, repeatFacts(this.#ports.clock, command.repeat, undefined));
    this.#background(call, 'redirecting a call failed', () =>
      this.#switchboard.redirect(call, [command.target]),
    );
  }

  /** The bot that holds a call since it was offered lets go of it, and others are rung instead. */
  async redirectHeld(
    bot: LiveBot,
    targets: readonly [Identifier, ...Identifier[]],
    ringTimeoutMs: number,
  ): Promise<void> {
    const { call } = this.#take(bot.offeredAs);
    bot.offeredAs = undefined;
    await call.queue.run(() =>
      this.#lifecycle.releaseConnection(call, bot.callId, DISCONNECTED.byRedirect),
    );
    this.#connections.drop(call, bot.callId);
    this.#background(call, 'redirecting a call failed', () =>
      this.#switchboard.redirect(call, targets, ringTimeoutMs),
    );
  }

  async reject(command: RejectCall): Promise<void> {
    const { call } = this.#take(command.incomingCallContext);
    await this.#commit(call, repeatFacts(this.#ports.clock, command.repeat, undefined));
    await this.#setup.refuse(call, REJECTIONS[command.reason], DISCONNECTED.byApplication);
  }

  /** The application leaves; a call of one leg ends, unless another application has it too. */
  async hangUp(
    id: CallConnectionId,
    result: ResultInformation = DISCONNECTED.byApplication,
  ): Promise<void> {
    const call = await this.#connections.liveCall(id);
    await call.queue.run(async () => {
      if (call.state === 'connected' && (call.legs.size > 1 || call.connections.size > 1)) {
        await this.#lifecycle.releaseConnection(call, id, result);
        this.#connections.drop(call, id);
        return;
      }
      await this.#lifecycle.end(call, { ...ENDED_BY_APPLICATION, result });
    });
  }

  async terminate(command: TerminateCall): Promise<void> {
    const call = await this.#connections.liveCall(command.callConnectionId);
    await commitFacts(this.#ports, repeatFacts(this.#ports.clock, command.repeat, undefined));
    await call.queue.run(() => this.#lifecycle.end(call, ENDED_BY_APPLICATION));
  }

  async participants(id: CallConnectionId): Promise<readonly Participant[]> {
    return participantsOf(await this.#connections.liveCall(id));
  }

  async participant(id: CallConnectionId, rawId: string): Promise<Participant> {
    return participantOf(requireLeg(await this.#connections.liveCall(id), rawId));
  }

  /** @param resultOf what is told of somebody's refusal. */
  async #place(
    call: LiveCall,
    command: CreateCall,
    resultOf: (refusal: SessionEnd) => ResultInformation,
  ): Promise<void> {
    const outcomes = await Promise.all(
      command.targets.map((target) => this.#ring(call, command, target)),
    );
    const joined = outcomes.some((outcome) => outcome === 'joined');
    const refusal = outcomes.find((outcome) => outcome !== 'joined');
    if (joined || refusal === undefined) return;
    await call.queue.run(async () => {
      const result = resultOf(refusal);
      await this.#lifecycle.end(call, {
        result,
        failure: result,
        sip: refusal,
        recordingReason: 'CallEnded',
      });
    });
  }

  async #ring(
    call: LiveCall,
    command: CreateCall,
    target: Identifier,
  ): Promise<'joined' | SessionEnd> {
    const outcome = await this.#outgoing.ring(call, {
      target,
      callerUser: command.sourceCallerIdNumber,
      callerName: command.sourceDisplayName,
    });
    if (!outcome.ok) return outcome.end;
    const { leg } = outcome;
    try {
      await call.queue.run(() => this.#lifecycle.join(call, [leg]));
      return 'joined';
    } catch (error) {
      const { serverCallId } = call;
      this.#ports.log.error({ serverCallId, error }, 'who answered could not join the call');
      return { ...refusalAfter(error), by: 'local' };
    }
  }

  /** When the ledger refuses, so does the request, and the call is over. */
  async #hold(
    call: LiveCall,
    connection: HeldConnection,
    repeat: CreateCall['repeat'],
  ): Promise<ConnectionProperties> {
    const establishing = this.#events.establishing(call, connection.record);
    try {
      return await this.#connections.hold(call, connection, repeat, establishing);
    } catch (error) {
      this.#endAfter(call, error);
      throw error;
    }
  }

  /** What a request changes. When the ledger refuses, so does the request, and the call is over. */
  async #commit(call: LiveCall, facts: readonly Fact[]): Promise<void> {
    try {
      await commitFacts(this.#ports, facts);
    } catch (error) {
      this.#endAfter(call, error);
      throw error;
    }
  }

  /** Goes on after the answer to the request; what goes wrong ends the call, and the application hears of it. */
  #background(call: LiveCall, sentence: string, work: () => Promise<void>): void {
    work().catch((error: unknown) => {
      this.#ports.log.warn({ serverCallId: call.serverCallId, error }, sentence);
      this.#endAfter(call, error);
    });
  }

  #endAfter(call: LiveCall, error: unknown): void {
    const result = resultOfAnswer(error);
    call.queue
      .run(() =>
        this.#lifecycle.end(call, {
          result,
          failure: result,
          sip: refusalAfter(error),
          recordingReason: 'CallEnded',
        }),
      )
      .catch((failure: unknown) => {
        this.#ports.log.error(
          { serverCallId: call.serverCallId, error: failure },
          'a call that could not be set up could not be ended either; a restart will do it',
        );
      });
  }

  #take(context: IncomingCallContext | undefined): {
    readonly call: LiveCall;
    readonly offer: Offer;
  } {
    const call = context === undefined ? undefined : this.#switchboard.takeOffer(context);
    if (call?.offer === undefined) {
      throw new TapedeckError(
        'call-not-found',
        'incomingCallContext names no call that waits for an answer.',
        { field: 'incomingCallContext' },
      );
    }
    return { call, offer: call.offer };
  }
}
