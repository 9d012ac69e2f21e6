import { TapedeckError } from '../../core/error.ts';
import type { Identifier } from '../../core/identifier.ts';
import type {
  BotOperation,
  InviteToBotCall,
  Named,
  OfParticipant,
  PromptFile,
  RecordingOfCall,
  Resource,
  TransferBotCall,
} from '../../core/ports/bot-calls.ts';
import type { CallControl } from '../../core/ports/call-control.ts';
import { callEnded, type Connections } from '../connections.ts';
import type { Directory } from '../directory.ts';
import type { CallEvents } from '../events/call-events.ts';
import type { InsistentCommit } from '../insistent-commit.ts';
import type { Leg, LiveCall } from '../live-call.ts';
import type { BotInvitations } from './bot-invitations.ts';
import { sourceOf } from './bot-media.ts';
import { type BotOperations, requireOurMedia } from './bot-operations.ts';
import type { LiveBot } from './live-bot.ts';
import { botRoster } from './roster.ts';

/** What bots do with the people in their calls, and with their own part in them. */
export class BotPeople {
  readonly #operations: BotOperations;
  readonly #control: CallControl;
  readonly #invitations: BotInvitations;
  readonly #connections: Connections;
  readonly #directory: Directory;
  readonly #events: CallEvents;
  readonly #insistent: Pick<InsistentCommit, 'commit'>;

  constructor(parts: {
    readonly operations: BotOperations;
    readonly control: CallControl;
    readonly invitations: BotInvitations;
    readonly connections: Connections;
    readonly directory: Directory;
    readonly events: CallEvents;
    readonly insistent: Pick<InsistentCommit, 'commit'>;
  }) {
    this.#operations = parts.operations;
    this.#control = parts.control;
    this.#invitations = parts.invitations;
    this.#connections = parts.connections;
    this.#directory = parts.directory;
    this.#events = parts.events;
    this.#insistent = parts.insistent;
  }

  identifierOf(named: Named): Identifier {
    return named.kind === 'userName' ? this.#directory.identifierOfUser(named.name) : named;
  }

  async list(bot: LiveBot): Promise<readonly Resource[]> {
    return botRoster(await this.#connections.liveCall(bot.callId));
  }

  async one(bot: LiveBot, participantId: string): Promise<Resource> {
    const found = (await this.list(bot)).find(({ id }) => id === participantId);
    if (found !== undefined) return found;
    throw nobody();
  }

  invite(bot: LiveBot, command: InviteToBotCall): Promise<Resource> {
    const participants = command.participants.map((named) => this.identifierOf(named));
    const name = bot.hold.applicationName;
    return this.#operations.begin(bot, 'inviteParticipants', command, (operation) =>
      this.#invitations.invite(operation, participants, name),
    );
  }

  async transfer(bot: LiveBot, command: TransferBotCall): Promise<void> {
    const { transferee: wanted } = command;
    const transferee =
      wanted?.kind === 'participant'
        ? await this.#participant(bot, wanted.id)
        : wanted && this.identifierOf(wanted);
    await this.#control.transfer({
      callConnectionId: bot.callId,
      target: this.identifierOf(command.target),
      ...(transferee !== undefined && { transferee }),
      ...(command.replaces !== undefined && { replaces: command.replaces }),
      headers: {},
    });
  }

  async muteOne(bot: LiveBot, command: OfParticipant): Promise<Resource> {
    const participant = await this.#participant(bot, command.participantId);
    await this.#control.muteParticipant({ callConnectionId: bot.callId, participant });
    return this.#operations.done(bot, 'muteParticipant', command);
  }

  async remove(bot: LiveBot, participantId: string): Promise<void> {
    const participant = await this.#participant(bot, participantId);
    await this.#control.removeParticipant({ callConnectionId: bot.callId, participant });
  }

  async startHoldMusic(
    bot: LiveBot,
    command: OfParticipant & { readonly prompt: PromptFile | undefined },
  ): Promise<Resource> {
    requireOurMedia(bot);
    const participant = await this.#participant(bot, command.participantId);
    const { prompt } = command;
    if (prompt === undefined) {
      await this.#control.hold({ callConnectionId: bot.callId, participant });
      return this.#operations.done(bot, 'startHoldMusic', command);
    }
    return this.#operations.begin(bot, 'startHoldMusic', command, (operation) =>
      this.#control.hold({ ...operation, participant, playSource: sourceOf(prompt) }),
    );
  }

  async stopHoldMusic(bot: LiveBot, command: OfParticipant): Promise<Resource> {
    requireOurMedia(bot);
    const participant = await this.#participant(bot, command.participantId);
    await this.#control.unhold({ callConnectionId: bot.callId, participant });
    return this.#operations.done(bot, 'stopHoldMusic', command);
  }

  /** The bot itself: what it plays from then on is not heard. */
  async mute(
    bot: LiveBot,
    command: BotOperation & { readonly isMuted: boolean },
  ): Promise<Resource> {
    const { call } = await this.#connections.established(bot.callId);
    if (call.mostLegs < 2) {
      throw new TapedeckError('not-a-group-call', 'The bot can be muted in group calls only.');
    }
    const { isMuted } = command;
    await this.#change(call, bot, () => (bot.isMuted = isMuted));
    return this.#operations.done(bot, isMuted ? 'muteParticipant' : 'unmuteParticipant', command);
  }

  /** What everybody in the call is to know of a recording that the bot makes. */
  async updateRecordingStatus(
    bot: LiveBot,
    command: BotOperation & { readonly status: RecordingOfCall },
  ): Promise<Resource> {
    const { call } = await this.#connections.established(bot.callId);
    await this.#change(call, bot, () => (bot.recordingStatus = command.status));
    return this.#operations.done(bot, 'updateRecordingStatus', command);
  }

  /** Something of the bot that stands in the roster. */
  async #change(call: LiveCall, bot: LiveBot, change: () => unknown): Promise<void> {
    await call.queue.run(async () => {
      if (call.state === 'ended' || !call.connections.has(bot.callId)) throw callEnded();
      change();
      await this.#insistent.commit(this.#events.participantsUpdated(call));
    });
  }

  async #participant(bot: LiveBot, id: string): Promise<Leg['participant']> {
    const { call } = await this.#connections.established(bot.callId);
    const leg = [...call.legs.values()].find(({ membershipId }) => membershipId === id);
    if (leg !== undefined) return leg.participant;
    throw nobody();
  }
}

function nobody(): TapedeckError {
  return new TapedeckError('participant-not-found', 'Participant not found in the call.');
}
