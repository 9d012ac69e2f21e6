import { TapedeckError } from '../../core/error.ts';
import type { BotOperation, Resource } from '../../core/ports/bot-calls.ts';
import type { Operation } from '../../core/ports/call-control.ts';
import type { Random } from '../../core/ports/random.ts';
import { DONE } from '../media-operations/operation-results.ts';
import type { LiveBot } from './live-bot.ts';
import { operationResource } from './resources.ts';

/** What an operation of every type begins with. */
export type NamedOperation = Operation & { readonly operationId: string };

/** The operations of bots' calls, from their request to what is known of them. */
export class BotOperations {
  readonly #random: Pick<Random, 'uuid'>;

  constructor(random: Pick<Random, 'uuid'>) {
    this.#random = random;
  }

  /**
   * One that goes on after its answer, from `running` to what the notification of its end says. When
   * `start` rejects there is none.
   *
   * @param more members of its type.
   */
  async begin(
    bot: LiveBot,
    type: string,
    { clientContext }: BotOperation,
    start: (operation: NamedOperation) => Promise<unknown>,
    more: Resource = {},
  ): Promise<Resource> {
    const operationId = this.#random.uuid();
    const running = operationResource(
      { type, id: operationId, clientContext, status: 'running', result: undefined, more },
      bot.hold.operationStatus,
    );
    // Its end may come before its answer.
    bot.note(operationId, running);
    try {
      await start({
        callConnectionId: bot.callId,
        operationId,
        ...(clientContext !== undefined && { operationContext: clientContext }),
      });
    } catch (error) {
      bot.forgetOperation(operationId);
      throw error;
    }
    return running;
  }

  /** One that is over with its answer: no notification follows. */
  done(bot: LiveBot, type: string, { clientContext }: BotOperation): Resource {
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
