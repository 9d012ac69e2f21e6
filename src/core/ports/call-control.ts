import type { Identifier } from '../identifier.ts';
import type { CallConnectionId } from '../ids.ts';
import type { Tone } from '../tone.ts';
import type { CallReference, ConnectionProperties, Participant, Repeat } from './call-service.ts';
import type { PlaySource } from './prompts.ts';

/** What every operation on a call that is up carries. */
export type Operation = {
  readonly callConnectionId: CallConnectionId;
  /** Echoed in the events of this operation only; at most 5000 characters. */
  readonly operationContext?: string;
  /** Where its events go instead of the connection's callback URI. */
  readonly operationCallbackUri?: string;
  /** By which a bot knows it; a bot is told of no end of an operation without. */
  readonly operationId?: string;
};

/** The other side of a media stream over a web socket. */
export type MediaStreamingOptions = {
  /** `ws:` or `wss:`. */
  readonly transportUrl: string;
  readonly channelType: 'mixed' | 'unmixed';
  /** Begin when the call connects. Default false. */
  readonly startMediaStreaming: boolean;
  /** The application may send audio back. Default false. */
  readonly enableBidirectional: boolean;
  /** Default `pcm16KMono`. */
  readonly audioFormat: 'pcm16KMono' | 'pcm24KMono';
  /** Send `DtmfData`. Default false. */
  readonly enableDtmfTones: boolean;
};

/** Another application joins a call that is on. */
export type ConnectCall = {
  readonly call: CallReference;
  readonly callbackUri: string;
  readonly operationContext?: string;
  readonly mediaStreaming?: MediaStreamingOptions;
  readonly apiVersion: string;
  readonly repeat?: Repeat<ConnectionProperties>;
};

/** Headers for a participant's phone; names as they go on the wire. */
export type CustomHeaders = Readonly<Record<string, string>>;

export type AddParticipant = Operation & {
  readonly participant: Identifier;
  /** E.164. */
  readonly sourceCallerIdNumber?: string;
  readonly sourceDisplayName?: string;
  /** How long it may ring, 0 to 180 s; 0 = the server's own limit. */
  readonly invitationTimeoutSeconds?: number;
  readonly headers: CustomHeaders;
  readonly repeat?: Repeat<AddedParticipant>;
};

export type AddedParticipant = { readonly participant: Participant; readonly invitationId: string };

export type CancelAddParticipant = Operation & {
  readonly invitationId: string;
  readonly repeat?: Repeat<void>;
};

export type RemoveParticipant = Operation & {
  readonly participant: Identifier;
  readonly repeat?: Repeat<void>;
};

export type MuteParticipant = Operation & {
  readonly participant: Identifier;
  readonly repeat?: Repeat<void>;
};

export type MoveParticipants = Operation & {
  readonly participants: readonly Identifier[];
  /** The connection whose call they are in now. */
  readonly fromCall: CallConnectionId;
  readonly repeat?: Repeat<readonly Participant[]>;
};

export type TransferCall = Operation & {
  readonly target: Identifier;
  /** Who is sent there; may be left out in a call of one participant. */
  readonly transferee?: Identifier;
  /** E.164. */
  readonly sourceCallerIdNumber?: string;
  readonly headers: CustomHeaders;
  /**
   * Another connection of the application, to a call with the target: the transferee is put through to it in
   * the application's place, and nobody is called.
   */
  readonly replaces?: CallConnectionId;
  readonly repeat?: Repeat<void>;
};

export type HoldParticipant = Operation & {
  readonly participant: Identifier;
  /** Played to it, again and again, until it is taken off hold. */
  readonly playSource?: PlaySource;
};

export type UnholdParticipant = Operation & { readonly participant: Identifier };

/**
 * Who is in a call, and how. Every method resolves when the operation is accepted; its outcome is told by
 * exactly one event. Rejects with `call-not-found`, `call-ended`, `call-not-established`,
 * `participant-not-found`, `call-state-conflict`.
 */
export interface CallControl {
  connect(command: ConnectCall): Promise<ConnectionProperties>;
  addParticipant(command: AddParticipant): Promise<AddedParticipant>;
  cancelAddParticipant(command: CancelAddParticipant): Promise<void>;
  removeParticipant(command: RemoveParticipant): Promise<void>;
  muteParticipant(command: MuteParticipant): Promise<void>;
  moveParticipants(command: MoveParticipants): Promise<readonly Participant[]>;
  transfer(command: TransferCall): Promise<void>;
  hold(command: HoldParticipant): Promise<void>;
  unhold(command: UnholdParticipant): Promise<void>;
}

export type PlayMedia = Operation & {
  readonly sources: readonly PlaySource[];
  /** Empty: everybody. */
  readonly playTo: readonly Identifier[];
  readonly loop: boolean;
  /** Ends what is under way, instead of waiting for its end. */
  readonly interrupt: boolean;
};

export type RecognizeChoice = {
  readonly label: string;
  readonly phrases: readonly string[];
  readonly tone: Tone | undefined;
};

export type Recognize = Operation & {
  readonly target: Identifier;
  readonly prompts: readonly PlaySource[];
  /** A key ends the prompt. */
  readonly interruptPrompt: boolean;
  /** Ends what is under way, instead of being refused or waiting. */
  readonly interrupt: boolean;
  /** From the end of the prompt to the first key. 0 to 300 s. */
  readonly initialSilenceMs: number;
} & (
    | {
        readonly input: 'dtmf';
        /** Between two keys. 1 to 60 s. */
        readonly interToneMs: number;
        /** `undefined`: until a stop tone or a silence. */
        readonly maxTones: number | undefined;
        readonly stopTones: readonly Tone[];
      }
    | { readonly input: 'choices'; readonly choices: readonly RecognizeChoice[] }
  );

export type ContinuousDtmf = Operation & { readonly target: Identifier };

export type SendDtmf = Operation & {
  readonly target: Identifier;
  /** 1 to 18. */
  readonly tones: readonly Tone[];
  /** Between two of them; what is shorter than 60, the pause that every key needs, is that. Default 60. */
  readonly pauseMs?: number;
  readonly repeat?: Repeat<void>;
};

/**
 * What is played into calls, and what keys are listened for. Rejects as `CallControl` does, and with
 * `media-conflict`, `operations-throttled`, `not-supported`.
 */
export interface MediaOperations {
  play(command: PlayMedia): Promise<void>;
  cancelAll(command: Operation): Promise<void>;
  recognize(command: Recognize): Promise<void>;
  startContinuousDtmf(command: ContinuousDtmf): Promise<void>;
  stopContinuousDtmf(command: ContinuousDtmf): Promise<void>;
  sendDtmf(command: SendDtmf): Promise<void>;
  startMediaStreaming(command: Operation): Promise<void>;
  stopMediaStreaming(command: Operation): Promise<void>;
}
