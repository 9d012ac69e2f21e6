import type { Principal } from '../application.ts';
import type { Identifier } from '../identifier.ts';
import type { CallConnectionId } from '../ids.ts';
import type { BotHold } from '../records.ts';

/** A resource of the Graph API as JSON carries it: a call, an operation, a participant. */
export type Resource = Readonly<Record<string, unknown>>;

/** Somebody as bots name people: users by their name or by their whole identifier. */
export type Named = Identifier | { readonly kind: 'userName'; readonly name: string };

/** A call of a bot: who asks, and for which one. Those of other bots are `call-not-found`. */
export type OfBot = {
  readonly principal: Principal;
  readonly callId: CallConnectionId;
};

export type CreateBotCall = {
  readonly principal: Principal;
  /** An absolute http or https URL. */
  readonly callbackUri: string;
  readonly targets: readonly Named[];
  /** E.164. */
  readonly sourceNumber?: string;
  readonly sourceName?: string;
  readonly media: BotHold['media'];
  /** Members that are given back as they came. */
  readonly kept: Resource;
};

export type AnswerBotCall = OfBot & {
  /** Default that of the application. */
  readonly callbackUri?: string;
  readonly media: BotHold['media'];
  /** Members that are given back as they came. */
  readonly kept: Resource;
};

/** An operation on a call; `clientContext` is told with its end. */
export type BotOperation = OfBot & { readonly clientContext?: string };

export type PromptFile = {
  /** An absolute http or https URL. */
  readonly uri: string;
  /** What it is cached by. */
  readonly resourceId: string | undefined;
};

export type PlayPrompt = BotOperation & {
  /** 1 to 20. */
  readonly prompts: readonly PromptFile[];
  readonly loop: boolean;
};

/**
 * What bots do with calls through the Graph API. Resources are given as they are told of. Rejects as
 * `CallService` does, and with `media-mode-invalid` where the application has the media.
 */
export interface BotCalls {
  /** Resolves with the call, `establishing`. */
  create(command: CreateBotCall): Promise<Resource>;
  answer(command: AnswerBotCall): Promise<void>;
  reject(command: OfBot & { readonly reason: 'none' | 'busy' | 'forbidden' }): Promise<void>;
  call(of: OfBot): Promise<Resource>;
  /** The bot leaves; a call of one participant ends. */
  end(of: OfBot): Promise<void>;
  keepAlive(of: OfBot): Promise<void>;
  playPrompt(command: PlayPrompt): Promise<Resource>;
  cancelMediaProcessing(command: BotOperation): Promise<Resource>;
  /** `operation-not-found` when nothing is known of it any more. */
  operation(of: OfBot & { readonly operationId: string }): Promise<Resource>;
  participants(of: OfBot): Promise<readonly Resource[]>;
}
