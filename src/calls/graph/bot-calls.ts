import type { Principal } from '../../core/application.ts';
import { TapedeckError } from '../../core/error.ts';
import type { Identifier } from '../../core/identifier.ts';
import type { CallConnectionId } from '../../core/ids.ts';
import type {
  AnswerBotCall,
  BotCalls,
  BotOperation,
  CreateBotCall,
  Named,
  OfBot,
  PlayPrompt,
  Resource,
} from '../../core/ports/bot-calls.ts';
import type { BotHold } from '../../core/records.ts';
import type { ApplicationCalls } from '../application-calls.ts';
import type { Connections } from '../connections.ts';
import type { CallPorts } from '../context.ts';
import type { Directory } from '../directory.ts';
import type { LiveCall } from '../live-call.ts';
import type { BotMedia } from './bot-media.ts';
import type { HeldBots } from './held-bots.ts';
import { type CallState, LiveBot } from './live-bot.ts';
import { botIdentitySet, identitySet, invitationInfo, participantInfo } from './resources.ts';
import { botRoster } from './roster.ts';

/** Without one for so long a call is ended, as the vendor's service does. */
export const KEEP_ALIVE_MS: number = 45 * 60_000;

/** What bots do with calls through the Graph API. */
export class GraphCalls implements BotCalls {
  readonly #ports: Pick<CallPorts, 'clock' | 'log' | 'random'>;
  readonly #directory: Directory;
  readonly #connections: Connections;
  readonly #applications: ApplicationCalls;
  readonly #bots: HeldBots;
  readonly #media: BotMedia;
  readonly #ready: () => Promise<void>;

  /** @param parts.ready resolves when calls may be made; rejects when the server stops. */
  constructor(parts: {
    readonly ports: Pick<CallPorts, 'clock' | 'log' | 'random'>;
    readonly directory: Directory;
    readonly connections: Connections;
    readonly applications: ApplicationCalls;
    readonly bots: HeldBots;
    readonly media: BotMedia;
    readonly ready: () => Promise<void>;
  }) {
    this.#ports = parts.ports;
    this.#directory = parts.directory;
    this.#connections = parts.connections;
    this.#applications = parts.applications;
    this.#bots = parts.bots;
    this.#media = parts.media;
    this.#ready = parts.ready;
  }

  async create(command: CreateBotCall): Promise<Resource> {
    await this.#ready();
    const { principal, callbackUri, sourceNumber, sourceName, media, kept } = command;
    const targets = command.targets.map((target) => this.#identifierOf(target));
    const hold = this.#holdOf(principal, 'outgoing', media);
    const identities = {
      ...botIdentitySet(hold),
      ...(sourceNumber !== undefined && { phone: { id: sourceNumber } }),
    };
    const bot = new LiveBot({
      callId: this.#ports.random.uuid() as CallConnectionId,
      hold,
      kept,
      source: participantInfo(identities, hold.participantId),
      targets: targets.map((target) => invitationInfo(identitySet(target))),
    });
    this.#bots.add(bot);
    try {
      await this.#applications.create(
        {
          targets,
          callbackUri,
          ...(sourceNumber !== undefined && { sourceCallerIdNumber: sourceNumber }),
          sourceDisplayName: sourceName ?? hold.applicationName,
          apiVersion: '',
        },
        bot,
      );
    } catch (error) {
      this.#bots.forget(bot.callId);
      throw error;
    }
    this.#watch(bot);
    return this.call({ principal, callId: bot.callId });
  }

  async answer(command: AnswerBotCall): Promise<void> {
    const { callId, principal, callbackUri, media, kept } = command;
    const { bot, call } = await this.#offered({ callId, principal });
    const record = call.connections.get(callId)?.record;
    if (record === undefined) throw notNow();
    const hold = { ...bot.hold, media };
    bot.kept = kept;
    bot.hold = hold;
    await this.#applications.answerHeld(bot, {
      ...record,
      bot: hold,
      ...(callbackUri !== undefined && { callbackUri }),
    });
    this.#watch(bot);
  }

  async reject({ reason, ...of }: Parameters<BotCalls['reject']>[0]): Promise<void> {
    const { incomingCallContext } = await this.#offered(of);
    await this.#applications.reject({ incomingCallContext, reason });
  }

  async call(of: OfBot): Promise<Resource> {
    const bot = this.#bots.require(of.callId, of.principal);
    const call = await this.#connections.liveCall(bot.callId);
    const callbackUri = call.connections.get(bot.callId)?.record.callbackUri ?? '';
    return bot.resource(call.correlationId, callbackUri, stateOf(call));
  }

  async end(of: OfBot): Promise<void> {
    const bot = this.#bots.require(of.callId, of.principal);
    const call = await this.#connections.liveCall(bot.callId);
    if (call.state === 'offered' && bot.offeredAs !== undefined) {
      await this.reject({ ...of, reason: 'none' });
      return;
    }
    await this.#applications.hangUp(bot.callId);
  }

  async keepAlive(of: OfBot): Promise<void> {
    const bot = this.#bots.require(of.callId, of.principal);
    await this.#connections.liveCall(bot.callId);
    this.#watch(bot);
  }

  async playPrompt(command: PlayPrompt): Promise<Resource> {
    const bot = this.#bots.require(command.callId, command.principal);
    return this.#media.playPrompt(bot, command);
  }

  async cancelMediaProcessing(command: BotOperation): Promise<Resource> {
    const bot = this.#bots.require(command.callId, command.principal);
    return this.#media.cancelAll(bot, command);
  }

  async operation({ operationId, ...of }: Parameters<BotCalls['operation']>[0]): Promise<Resource> {
    await Promise.resolve();
    const operation = this.#bots.require(of.callId, of.principal).operation(operationId);
    if (operation !== undefined) return operation;
    throw new TapedeckError('operation-not-found', 'Operation not found.');
  }

  async participants(of: OfBot): Promise<readonly Resource[]> {
    const bot = this.#bots.require(of.callId, of.principal);
    return botRoster(await this.#connections.liveCall(bot.callId));
  }

  /** Ends the call unless the bot says in time that it is still there; from now on. */
  #watch(bot: LiveBot): void {
    bot.onClose();
    const timer = this.#ports.clock.setTimer(KEEP_ALIVE_MS, () => {
      this.#applications.hangUp(bot.callId, NOT_KEPT_ALIVE).catch((error: unknown) => {
        this.#ports.log.error({ error }, 'a call that its bot has left could not be ended');
      });
    });
    bot.onClose = () => {
      timer.cancel();
    };
  }

  async #offered(of: OfBot): Promise<{
    readonly bot: LiveBot;
    readonly call: LiveCall;
    readonly incomingCallContext: NonNullable<LiveBot['offeredAs']>;
  }> {
    const bot = this.#bots.require(of.callId, of.principal);
    const call = await this.#connections.liveCall(bot.callId);
    const { offeredAs } = bot;
    if (offeredAs === undefined || call.state !== 'offered') throw notNow();
    return { bot, call, incomingCallContext: offeredAs };
  }

  #holdOf(
    { applicationId, tenantId, application }: Principal,
    direction: BotHold['direction'],
    media: BotHold['media'],
  ): BotHold {
    return {
      applicationId,
      tenantId,
      applicationName: application?.name ?? '',
      direction,
      participantId: this.#ports.random.uuid(),
      media,
      operationStatus: application?.operationStatus ?? 'camelCase',
    };
  }

  #identifierOf(named: Named): Identifier {
    return named.kind === 'userName' ? this.#directory.identifierOfUser(named.name) : named;
  }
}

const NOT_KEPT_ALIVE = {
  code: 408,
  subCode: 8537,
  message: 'The call was ended: nobody kept it alive.',
};

function notNow(): TapedeckError {
  return new TapedeckError('call-state-conflict', 'The call is not waiting to be answered.');
}

function stateOf({ state }: LiveCall): CallState {
  switch (state) {
    case 'offered':
      return 'incoming';
    case 'connecting':
      return 'establishing';
    case 'connected':
      return 'established';
    case 'ended':
      return 'terminated';
  }
}
