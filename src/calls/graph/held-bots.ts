import type { Principal } from '../../core/application.ts';
import { TapedeckError } from '../../core/error.ts';
import type { CallConnectionId } from '../../core/ids.ts';
import type { LiveBot } from './live-bot.ts';

/** The calls that bots hold, by their ids. */
export class HeldBots {
  readonly #held = new Map<CallConnectionId, LiveBot>();

  add(bot: LiveBot): void {
    this.#held.set(bot.callId, bot);
  }

  get(callId: CallConnectionId): LiveBot | undefined {
    return this.#held.get(callId);
  }

  /** `call-not-found` when the call is over, never was, or is another bot's: one is not told of the others. */
  require(callId: CallConnectionId, principal: Principal): LiveBot {
    const bot = this.#held.get(callId);
    if (bot?.hold.applicationId === principal.applicationId) return bot;
    throw new TapedeckError('call-not-found', 'Call not found.');
  }

  /** Oldest first. */
  of({ applicationId }: Principal): readonly LiveBot[] {
    return [...this.#held.values()].filter(({ hold }) => hold.applicationId === applicationId);
  }

  /** The bot has its call no more. Idempotent. */
  forget(callId: CallConnectionId): void {
    this.#held.get(callId)?.close();
    this.#held.delete(callId);
  }
}
