import { TapedeckError } from '../../core/error.ts';
import type { LegId } from '../../core/ids.ts';
import type {
  BotCalls,
  BotOperation,
  OfBot,
  PlayPrompt,
  PromptFile,
  RecordBotResponse,
  Resource,
} from '../../core/ports/bot-calls.ts';
import type { MediaOperations } from '../../core/ports/call-control.ts';
import type { Logger } from '../../core/ports/log.ts';
import type { PlaySource } from '../../core/ports/prompts.ts';
import type { ResponseRecorder } from '../../core/ports/response-recorder.ts';
import type { Tone } from '../../core/tone.ts';
import type { Connections } from '../connections.ts';
import { botConnection } from '../events/bot-events.ts';
import type { CallEvents } from '../events/call-events.ts';
import type { InsistentCommit } from '../insistent-commit.ts';
import type { LiveCall } from '../live-call.ts';
import { type BotOperations, requireOurMedia } from './bot-operations.ts';
import type { LiveBot } from './live-bot.ts';
import { TONES } from './tones.ts';

/** What bots play into their calls and record of them, and the keys that they listen for and send. */
export class BotMedia {
  readonly #log: Logger;
  readonly #operations: BotOperations;
  readonly #media: Pick<MediaOperations, 'play' | 'cancelAll' | 'sendDtmf'>;
  readonly #recorder: Pick<ResponseRecorder, 'recordResponse' | 'response'>;
  readonly #connections: Pick<Connections, 'established' | 'record'>;
  readonly #events: CallEvents;
  readonly #insistent: Pick<InsistentCommit, 'commit'>;

  constructor(parts: {
    readonly log: Logger;
    readonly operations: BotOperations;
    readonly media: Pick<MediaOperations, 'play' | 'cancelAll' | 'sendDtmf'>;
    readonly recorder: Pick<ResponseRecorder, 'recordResponse' | 'response'>;
    readonly connections: Pick<Connections, 'established' | 'record'>;
    readonly events: CallEvents;
    readonly insistent: Pick<InsistentCommit, 'commit'>;
  }) {
    this.#log = parts.log;
    this.#operations = parts.operations;
    this.#media = parts.media;
    this.#recorder = parts.recorder;
    this.#connections = parts.connections;
    this.#events = parts.events;
    this.#insistent = parts.insistent;
  }

  playPrompt(bot: LiveBot, command: PlayPrompt): Promise<Resource> {
    requireOurMedia(bot);
    requireVoice(bot);
    const sources = command.prompts.map(sourceOf);
    const { loop } = command;
    return this.#operations.begin(bot, 'playPrompt', command, (operation) =>
      this.#media.play({ ...operation, sources, playTo: [], loop, interrupt: false }),
    );
  }

  recordResponse(bot: LiveBot, command: RecordBotResponse): Promise<Resource> {
    requireOurMedia(bot);
    requireVoice(bot);
    const { playBeep, bargeIn, initialSilenceMs, maxSilenceMs, maxDurationMs, stopTones } = command;
    const prompts = command.prompts.map(sourceOf);
    return this.#operations.begin(
      bot,
      'record',
      command,
      (operation) =>
        this.#recorder.recordResponse({
          ...operation,
          ...{ prompts, playBeep, bargeIn, initialSilenceMs, maxSilenceMs, maxDurationMs },
          stopTones,
        }),
      { recordingLocation: null },
    );
  }

  /** What became of a response of a call that is over; `undefined` once its file is gone. */
  async response(of: OfBot & { readonly operationId: string }): Promise<Resource | undefined> {
    const known = await this.#recorder.response(of.operationId);
    if (known?.completion === undefined || known.callConnectionId !== of.callId) return undefined;
    const record = await this.#connections.record(of.callId);
    const connection = record && botConnection(record);
    if (connection?.bot.applicationId !== of.principal.applicationId) return undefined;
    const { operationId, completion } = known;
    const clientContext = known.operationContext;
    return this.#events.bots.response(connection, { operationId, clientContext, completion });
  }

  /** Ends what is played or recorded, or waits to be; each of them tells of its own end. */
  async cancelAll(bot: LiveBot, command: BotOperation): Promise<Resource> {
    requireOurMedia(bot);
    await this.#media.cancelAll({ callConnectionId: bot.callId });
    return this.#operations.done(bot, 'cancelMediaProcessing', command);
  }

  async subscribeToTone(bot: LiveBot, command: BotOperation): Promise<Resource> {
    requireOurMedia(bot);
    await this.#connections.established(bot.callId);
    bot.hearsTones = true;
    return this.#operations.done(bot, 'subscribeToTone', command);
  }

  /** To everybody in the call. */
  async sendTones(
    bot: LiveBot,
    command: Parameters<BotCalls['sendDtmfTones']>[0],
  ): Promise<Resource> {
    requireOurMedia(bot);
    const { call } = await this.#connections.established(bot.callId);
    const { pauseMs } = command;
    const keys = { tones: command.tones, ...(pauseMs !== undefined && { pauseMs }) };
    const [first, ...others] = [...call.legs.values()].map((leg) => leg.participant);
    if (first === undefined) return this.#operations.done(bot, 'sendDtmfTones', command);
    return this.#operations.begin(bot, 'sendDtmfTones', command, async (operation) => {
      // One of them is the operation that is told of; the others fare likewise.
      const { callConnectionId } = operation;
      for (const target of others)
        await this.#media.sendDtmf({ callConnectionId, target, ...keys });
      await this.#media.sendDtmf({ ...operation, target: first, ...keys });
    });
  }

  /** Somebody pressed a key: bots hear of it that want to. */
  heard(call: LiveCall, legId: LegId, tone: Tone): void {
    for (const { record, bot } of call.connections.values()) {
      if (bot === undefined || !bot.hearsTones) continue;
      const participantId = call.legs.get(legId)?.membershipId;
      bot.tonesHeard += 1;
      const toneInfo = { sequenceId: bot.tonesHeard, tone: TONES[tone], participantId };
      call.queue
        .run(async () => {
          const connection = botConnection(record);
          if (call.state === 'ended' || !call.connections.has(bot.callId)) return;
          if (connection === undefined) return;
          const told = this.#events.bots.tone(connection, call.correlationId, toneInfo);
          await this.#insistent.commit([told]);
        })
        .catch((error: unknown) => {
          const { serverCallId } = call;
          this.#log.error({ serverCallId, error }, 'the notification of a key was not stored');
        });
    }
  }
}

export function sourceOf({ uri, resourceId }: PromptFile): PlaySource {
  return { kind: 'file', uri, cacheId: resourceId };
}

/** Throws `call-state-conflict` for a bot that is muted. */
function requireVoice({ isMuted }: LiveBot): void {
  if (!isMuted) return;
  throw new TapedeckError(
    'call-state-conflict',
    'The bot is muted: nobody would hear what it plays. Unmute it first.',
  );
}
