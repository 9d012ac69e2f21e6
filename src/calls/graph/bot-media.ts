import { TapedeckError } from '../../core/error.ts';
import type { BotOperation, PlayPrompt, Resource } from '../../core/ports/bot-calls.ts';
import type { MediaOperations, Operation } from '../../core/ports/call-control.ts';
import type { Random } from '../../core/ports/random.ts';
import { DONE } from '../media-operations/operation-results.ts';
import type { LiveBot } from './live-bot.ts';
import { operationResource } from './resources.ts';

/** What bots play into their calls, and the keys that they listen for and send. */
export class BotMedia {
  readonly #random: Pick<Random, 'uuid'>;
  readonly #operations: Pick<MediaOperations, 'play' | 'cancelAll'>;

  constructor(parts: {
    readonly random: Pick<Random, 'uuid'>;
    readonly operations: Pick<MediaOperations, 'play' | 'cancelAll'>;
  }) {
    this.#random = parts.random;
    this.#operations = parts.operations;
  }

  playPrompt(bot: LiveBot, command: PlayPrompt): Promise<Resource> {
    requireOurMedia(bot);
    return this.#begin(bot, 'playPrompt', command, (operation) =>
      this.#operations.play({
        ...operation,
        sources: command.prompts.map(({ uri, resourceId }) => ({
          kind: 'file',
          uri,
          cacheId: resourceId,
        })),
        playTo: [],
        loop: command.loop,
        interrupt: false,
      }),
    );
  }

  /** Ends what is played or waits; each of them tells of its own end. */
  async cancelAll(bot: LiveBot, command: BotOperation): Promise<Resource> {
    requireOurMedia(bot);
    await this.#operations.cancelAll({ callConnectionId: bot.callId });
    return this.#done(bot, 'cancelMediaProcessing', command);
  }

  /** An operation that goes on after its answer, from `running` to what the notification of its end says. */
  async #begin(
    bot: LiveBot,
    type: string,
    { clientContext }: BotOperation,
    start: (operation: Operation) => Promise<void>,
  ): Promise<Resource> {
    const operationId = this.#random.uuid();
    const running = operationResource(
      { type, id: operationId, clientContext, status: 'running', result: undefined },
      bot.hold.operationStatus,
    );
    // Its end may come before its answer.
    bot.note(operationId, running);
    await start({
      callConnectionId: bot.callId,
      operationId,
      ...(clientContext !== undefined && { operationContext: clientContext }),
    });
    return running;
  }

  /** An operation that is over with its answer: no notification follows. */
  #done(bot: LiveBot, type: string, { clientContext }: BotOperation): Resource {
    const id = this.#random.uuid();
    const completed = operationResource(
      { type, id, clientContext, status: 'completed', result: DONE },
      bot.hold.operationStatus,
    );
    bot.note(id, completed);
    return completed;
  }
}

/** Throws `media-mode-invalid` where the application has the media: nothing of it passes through us. */
export function requireOurMedia({ hold }: LiveBot): void {
  if (hold.media === 'service-hosted') return;
  throw new TapedeckError(
    'media-mode-invalid',
    'The media of this call is hosted by the application (appHostedMediaConfig): only calls with serviceHostedMediaConfig take this operation.',
  );
}
