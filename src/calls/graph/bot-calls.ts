import type { Principal } from '../../core/application.ts';
import { TapedeckError } from '../../core/error.ts';
import type { CallConnectionId } from '../../core/ids.ts';
import type {
  AnswerBotCall,
  BotCalls,
  BotOperation,
  CreateBotCall,
  InviteToBotCall,
  OfBot,
  OfParticipant,
  PlayPrompt,
  PromptFile,
  RecordBotResponse,
  RedirectBotCall,
  Resource,
  TransferBotCall,
} from '../../core/ports/bot-calls.ts';
import type { BotHold } from '../../core/records.ts';
import type { ApplicationCalls } from '../application-calls.ts';
import type { Connections } from '../connections.ts';
import type { CallPorts } from '../context.ts';
import type { LiveCall } from '../live-call.ts';
import { type BotMedia, sourceOf } from './bot-media.ts';
import type { BotPeople } from './bot-people.ts';
import type { HeldBots } from './held-bots.ts';
import { LiveBot, stateOf } from './live-bot.ts';
import { botIdentitySet, identitySet, invitationInfo, participantInfo } from './resources.ts';

/** Without one for so long a call is ended, as the vendor's service does. */
export const KEEP_ALIVE_MS: number = 45 * 60_000;

/** What bots do with calls through the Graph API. */
export class GraphCalls implements BotCalls {
  readonly #ports: Pick<CallPorts, 'clock' | 'log' | 'prompts' | 'random'>;
  readonly #connections: Connections;
  readonly #applications: ApplicationCalls;
  readonly #bots: HeldBots;
  readonly #media: BotMedia;
  readonly #people: BotPeople;
  readonly #ready: () => Promise<void>;

  /** @param parts.ready resolves when calls may be made; rejects when the server stops. */
  constructor(parts: {
    readonly ports: Pick<CallPorts, 'clock' | 'log' | 'prompts' | 'random'>;
    readonly connections: Connections;
    readonly applications: ApplicationCalls;
    readonly bots: HeldBots;
    readonly media: BotMedia;
    readonly people: BotPeople;
    readonly ready: () => Promise<void>;
  }) {
    this.#ports = parts.ports;
    this.#connections = parts.connections;
    this.#applications = parts.applications;
    this.#bots = parts.bots;
    this.#media = parts.media;
    this.#people = parts.people;
    this.#ready = parts.ready;
  }

  async create(command: CreateBotCall): Promise<Resource> {
    await this.#ready();
    const { principal, callbackUri, sourceNumber, sourceName, media, kept } = command;
    const targets = command.targets.map((target) => this.#people.identifierOf(target));
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
    this.#fetchAhead(bot, command.preFetched ?? []);
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
    this.#fetchAhead(bot, command.preFetched ?? []);
  }

  async reject({ reason, ...of }: Parameters<BotCalls['reject']>[0]): Promise<void> {
    const { incomingCallContext } = await this.#offered(of);
    await this.#applications.reject({ incomingCallContext, reason });
  }

  async call(of: OfBot): Promise<Resource> {
    return this.#resource(this.#botOf(of));
  }

  async calls(principal: Principal): Promise<readonly Resource[]> {
    return Promise.all(this.#bots.of(principal).map((bot) => this.#resource(bot)));
  }

  async end(of: OfBot): Promise<void> {
    const bot = this.#botOf(of);
    const call = await this.#connections.liveCall(bot.callId);
    if (call.state === 'offered' && bot.offeredAs !== undefined) {
      await this.reject({ ...of, reason: 'none' });
      return;
    }
    await this.#applications.hangUp(bot.callId);
  }

  async keepAlive(of: OfBot): Promise<void> {
    const bot = this.#botOf(of);
    await this.#connections.liveCall(bot.callId);
    this.#watch(bot);
  }

  async redirect(command: RedirectBotCall): Promise<void> {
    const { bot } = await this.#offered(command);
    const [first, ...others] = command.targets;
    const targets = [
      this.#people.identifierOf(first),
      ...others.map((named) => this.#people.identifierOf(named)),
    ] as const;
    await this.#applications.redirectHeld(bot, targets, command.ringTimeoutMs);
  }

  async transfer(command: TransferBotCall): Promise<void> {
    const { principal, replaces } = command;
    if (replaces !== undefined) this.#botOf({ principal, callId: replaces });
    await this.#people.transfer(this.#botOf(command), command);
  }

  async playPrompt(command: PlayPrompt): Promise<Resource> {
    return this.#media.playPrompt(this.#botOf(command), command);
  }

  async recordResponse(command: RecordBotResponse): Promise<Resource> {
    return this.#media.recordResponse(this.#botOf(command), command);
  }

  async cancelMediaProcessing(command: BotOperation): Promise<Resource> {
    return this.#media.cancelAll(this.#botOf(command), command);
  }

  async subscribeToTone(command: BotOperation): Promise<Resource> {
    return this.#media.subscribeToTone(this.#botOf(command), command);
  }

  async sendDtmfTones(command: Parameters<BotCalls['sendDtmfTones']>[0]): Promise<Resource> {
    return this.#media.sendTones(this.#botOf(command), command);
  }

  async updateRecordingStatus(
    command: Parameters<BotCalls['updateRecordingStatus']>[0],
  ): Promise<Resource> {
    return this.#people.updateRecordingStatus(this.#botOf(command), command);
  }

  async mute(command: Parameters<BotCalls['mute']>[0]): Promise<Resource> {
    return this.#people.mute(this.#botOf(command), command);
  }

  async operation(of: Parameters<BotCalls['operation']>[0]): Promise<Resource> {
    const bot = this.#bots.get(of.callId);
    const operation =
      bot === undefined
        ? await this.#media.response(of)
        : this.#botOf(of).operation(of.operationId);
    if (operation !== undefined) return operation;
    throw new TapedeckError('operation-not-found', 'Operation not found.');
  }

  async participants(of: OfBot): Promise<readonly Resource[]> {
    return this.#people.list(this.#botOf(of));
  }

  async participant(of: OfParticipant): Promise<Resource> {
    return this.#people.one(this.#botOf(of), of.participantId);
  }

  async invite(command: InviteToBotCall): Promise<Resource> {
    return this.#people.invite(this.#botOf(command), command);
  }

  async muteParticipant(command: OfParticipant): Promise<Resource> {
    return this.#people.muteOne(this.#botOf(command), command);
  }

  async removeParticipant(of: OfParticipant): Promise<void> {
    await this.#people.remove(this.#botOf(of), of.participantId);
  }

  async startHoldMusic(command: Parameters<BotCalls['startHoldMusic']>[0]): Promise<Resource> {
    return this.#people.startHoldMusic(this.#botOf(command), command);
  }

  async stopHoldMusic(command: OfParticipant): Promise<Resource> {
    return this.#people.stopHoldMusic(this.#botOf(command), command);
  }

  #botOf({ callId, principal }: OfBot): LiveBot {
    return this.#bots.require(callId, principal);
  }

  async #resource(bot: LiveBot): Promise<Resource> {
    const call = await this.#connections.liveCall(bot.callId);
    const callbackUri = call.connections.get(bot.callId)?.record.callbackUri ?? '';
    return bot.resource(call.correlationId, callbackUri, stateOf(call));
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

  /** What can be kept, by its name; what cannot be had is told of when it is to be played. */
  #fetchAhead(bot: LiveBot, prompts: readonly PromptFile[]): void {
    if (bot.hold.media !== 'service-hosted') return;
    for (const prompt of prompts.filter(({ resourceId }) => resourceId !== undefined)) {
      this.#ports.prompts.load(sourceOf(prompt), bot.over.signal).catch((error: unknown) => {
        this.#ports.log.info({ callId: bot.callId, error }, 'a prompt was not fetched ahead');
      });
    }
  }

  async #offered(of: OfBot): Promise<{
    readonly bot: LiveBot;
    readonly call: LiveCall;
    readonly incomingCallContext: NonNullable<LiveBot['offeredAs']>;
  }> {
    const bot = this.#botOf(of);
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
}

const NOT_KEPT_ALIVE = {
  code: 408,
  subCode: 8537,
  message: 'The call was ended: nobody kept it alive.',
};

function notNow(): TapedeckError {
  return new TapedeckError('call-state-conflict', 'The call is not waiting to be answered.');
}
