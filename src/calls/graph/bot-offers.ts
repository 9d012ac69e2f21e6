import type { Application } from '../../core/application.ts';
import type { CallConnectionId } from '../../core/ids.ts';
import type { BotHold, ConnectionRecord } from '../../core/records.ts';
import type { Connections } from '../connections.ts';
import type { CallPorts } from '../context.ts';
import type { CallEvents } from '../events/call-events.ts';
import type { HeldConnection, LiveCall, Offer } from '../live-call.ts';
import type { HeldBots } from './held-bots.ts';
import { LiveBot } from './live-bot.ts';
import { botIdentitySet, identitySet, invitationInfo, participantInfo } from './resources.ts';

/** How long a bot has to answer, reject or redirect, as the vendor's service has it. */
export const BOT_ANSWER_MS = 15_000;

/** Calls that are offered to bots: a bot holds its call from then on, and hears of whatever becomes of it. */
export class BotOffers {
  readonly #ports: Pick<CallPorts, 'random'>;
  readonly #connections: Connections;
  readonly #events: CallEvents;
  readonly #bots: HeldBots;

  constructor(parts: {
    readonly ports: Pick<CallPorts, 'random'>;
    readonly connections: Connections;
    readonly events: CallEvents;
    readonly bots: HeldBots;
  }) {
    this.#ports = parts.ports;
    this.#connections = parts.connections;
    this.#events = parts.events;
    this.#bots = parts.bots;
  }

  /** Resolves when the bot will be told. Rejects when the ledger refuses: nobody holds the call then. */
  async offer(
    call: LiveCall,
    offer: Offer,
    application: Application,
    callbackUri: string,
  ): Promise<void> {
    const { caller, callee, invite, context } = offer;
    const hold: BotHold = {
      applicationId: application.applicationId,
      tenantId: application.tenantId,
      applicationName: application.name,
      direction: 'incoming',
      participantId: this.#ports.random.uuid(),
      // Until it says otherwise by its answer.
      media: 'service-hosted',
      operationStatus: application.operationStatus,
    };
    const { displayName } = invite.from;
    const bot = new LiveBot({
      callId: this.#ports.random.uuid() as CallConnectionId,
      hold,
      kept: {},
      source: participantInfo(identitySet(caller, displayName), null),
      targets: [invitationInfo(botIdentitySet(hold, callee))],
      offeredAs: context,
    });
    const record: ConnectionRecord = {
      ...this.#connections.newRecord(call, { callbackUri, apiVersion: '' }),
      callConnectionId: bot.callId,
      bot: hold,
      targets: [caller.rawId],
      source: caller.rawId,
      sourceDisplayName: displayName,
    };
    const held: HeldConnection = { record, failureEvent: 'AnswerFailed', bot };
    const { correlationId } = call;
    const resource = bot.resource(correlationId, callbackUri, 'incoming');
    const told = this.#events.bots.incoming({ ...record, bot: hold }, correlationId, resource);
    this.#bots.add(bot);
    try {
      await this.#connections.hold(call, held, undefined, [told]);
    } catch (error) {
      this.#bots.forget(bot.callId);
      throw error;
    }
  }
}
