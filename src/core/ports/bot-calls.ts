import type { Principal } from '../application.ts';
import type { Identifier } from '../identifier.ts';
import type { CallConnectionId } from '../ids.ts';
import type { BotHold } from '../records.ts';
import type { Tone } from '../tone.ts';

/** A resource of the Graph API as JSON carries it: a call, an operation, a participant. */
export type Resource = Readonly<Record<string, unknown>>;

/** Somebody as bots name people: users by their name or by their whole identifier. */
export type Named = Identifier | { readonly kind: 'userName'; readonly name: string };

/** A call of a bot: who asks, and for which one. Those of other bots are `call-not-found`. */
export type OfBot = {
  readonly principal: Principal;
  readonly callId: CallConnectionId;
};

export type PromptFile = {
  /** An absolute http or https URL. */
  readonly uri: string;
  /** What it is cached by. */
  readonly resourceId: string | undefined;
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
  /** Prompts to be had before they are played. */
  readonly preFetched?: readonly PromptFile[];
  /** Members that are given back as they came. */
  readonly kept: Resource;
};

export type AnswerBotCall = OfBot & {
  /** Default that of the application. */
  readonly callbackUri?: string;
  readonly media: BotHold['media'];
  /** Prompts to be had before they are played. */
  readonly preFetched?: readonly PromptFile[];
  /** Members that are given back as they came. */
  readonly kept: Resource;
};

/** An operation on a call; `clientContext` is told with its end. */
export type BotOperation = OfBot & { readonly clientContext?: string };

export type PlayPrompt = BotOperation & {
  /** 1 to 20. */
  readonly prompts: readonly PromptFile[];
  readonly loop: boolean;
};

export type RecordBotResponse = BotOperation & {
  readonly prompts: readonly PromptFile[];
  readonly playBeep: boolean;
  /** Ends what is played and recorded, or waits to be, instead of waiting for it. */
  readonly bargeIn: boolean;
  readonly initialSilenceMs: number;
  readonly maxSilenceMs: number;
  readonly maxDurationMs: number;
  readonly stopTones: readonly Tone[];
};

export type RedirectBotCall = OfBot & {
  /** 1 to 25: the first to accept has the call. */
  readonly targets: readonly [Named, ...Named[]];
  readonly ringTimeoutMs: number;
};

export type TransferBotCall = BotOperation & {
  readonly target: Named;
  /** Who is sent there; may be left out in a call of one participant. */
  readonly transferee: Named | { readonly kind: 'participant'; readonly id: string } | undefined;
  /** Another call of the bot, in which it has announced the transferee to the target. */
  readonly replaces?: CallConnectionId;
};

export type InviteToBotCall = BotOperation & { readonly participants: readonly Named[] };

/** Somebody in the call, by the id of the participant. */
export type OfParticipant = BotOperation & { readonly participantId: string };

export type RecordingOfCall = 'notRecording' | 'recording' | 'failed';

/**
 * What bots do with calls through the Graph API. Resources are given as they are told of. Rejects as
 * `CallService` does, and with `media-mode-invalid` where the application has the media. Operations are
 * given `running`, and told of at their end; or `completed`, and then nothing more is told.
 */
export interface BotCalls {
  /** Resolves with the call, `establishing`. */
  create(command: CreateBotCall): Promise<Resource>;
  answer(command: AnswerBotCall): Promise<void>;
  reject(command: OfBot & { readonly reason: 'none' | 'busy' | 'forbidden' }): Promise<void>;
  redirect(command: RedirectBotCall): Promise<void>;
  call(of: OfBot): Promise<Resource>;
  /** Those of the bot that are on, oldest first. */
  calls(principal: Principal): Promise<readonly Resource[]>;
  /** The bot leaves; a call of one participant ends. */
  end(of: OfBot): Promise<void>;
  keepAlive(of: OfBot): Promise<void>;
  transfer(command: TransferBotCall): Promise<void>;
  playPrompt(command: PlayPrompt): Promise<Resource>;
  recordResponse(command: RecordBotResponse): Promise<Resource>;
  cancelMediaProcessing(command: BotOperation): Promise<Resource>;
  subscribeToTone(command: BotOperation): Promise<Resource>;
  sendDtmfTones(
    command: BotOperation & {
      readonly tones: readonly Tone[];
      /** Between two of them. */
      readonly pauseMs?: number;
    },
  ): Promise<Resource>;
  updateRecordingStatus(
    command: BotOperation & { readonly status: RecordingOfCall },
  ): Promise<Resource>;
  /** The bot itself; in calls of several participants only. */
  mute(command: BotOperation & { readonly isMuted: boolean }): Promise<Resource>;
  /** `operation-not-found` when nothing is known of it any more. */
  operation(of: OfBot & { readonly operationId: string }): Promise<Resource>;
  participants(of: OfBot): Promise<readonly Resource[]>;
  participant(of: OfParticipant): Promise<Resource>;
  invite(command: InviteToBotCall): Promise<Resource>;
  muteParticipant(command: OfParticipant): Promise<Resource>;
  removeParticipant(of: OfParticipant): Promise<void>;
  startHoldMusic(
    command: OfParticipant & { readonly prompt: PromptFile | undefined },
  ): Promise<Resource>;
  stopHoldMusic(command: OfParticipant): Promise<Resource>;
}
