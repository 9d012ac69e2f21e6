import type { LegId, ServerCallId } from '../ids.ts';
import type { Tone } from '../tone.ts';

/** What is done to a leg beside its offer and answer. */
export type LegControl = {
  /** Nobody hears it and no journal has it. */
  readonly isMuted: boolean;
  /** Hears hold audio at most, and is not heard either. */
  readonly isOnHold: boolean;
};

/** 16-bit mono at `PLAYED_RATE_HZ`, over shared memory that nobody writes any more. */
export type PlayedClip = Int16Array;

/** Of everything that is played into a call, and of the mix. */
export const PLAYED_RATE_HZ = 16_000;

export type PlayAudio = {
  readonly serverCallId: ServerCallId;
  /** Chosen by the caller, never used twice. */
  readonly playId: string;
  /** One after the other, without a gap. */
  readonly clips: readonly PlayedClip[];
  /** Begin again after the last one until stopped. */
  readonly loop: boolean;
  /** `undefined`: everybody, those too who join later, but nobody who is on hold. */
  readonly toLegs: readonly LegId[] | undefined;
  /** Raw id that journals give as the source. */
  readonly sourceId: string;
};

/** Why a player is done; each player reports exactly one. */
export type PlayEnd = 'completed' | 'stopped' | 'no-listener';

export type OpenAudioStream = {
  readonly serverCallId: ServerCallId;
  readonly streamId: string;
  /** `mixed`: what everybody would hear, without what this stream itself feeds. `unmixed`: each participant. */
  readonly channels: 'mixed' | 'unmixed';
  readonly sampleRateHz: 16_000 | 24_000;
  /** Raw id that journals give as the source of what is fed. */
  readonly sourceId: string;
};

/** 20 ms of a stream. */
export type StreamFrame = {
  /** Raw id; `undefined` in a mixed stream. */
  readonly participantId: string | undefined;
  /** 16-bit mono at the stream's rate. */
  readonly samples: Int16Array;
  /** Nobody (or not this participant) sent anything for it. */
  readonly isSilent: boolean;
  /** Wall clock of its first sample. */
  readonly atMs: number;
};

/** What media workers report of what goes on in calls. */
export type CallMediaEvents = {
  /** A key was pressed: once, however many packets told of it, and whatever way it came. */
  toneReceived: [legId: LegId, tone: Tone, durationMs: number];
  playEnded: [playId: string, end: PlayEnd];
  streamFrame: [streamId: string, frame: StreamFrame];
};

/** The media workers as call control sees them: beside `MediaPort`, by the same workers. */
export interface CallMediaPort {
  /** Replaces what was set before. Rejects with `participant-not-found` if the leg is not open. */
  controlLeg(legId: LegId, control: LegControl): Promise<void>;
  /**
   * Resolves when the player is in the call; its first sample goes out with the next 20 ms. Rejects with
   * `call-not-found` if the call has no leg.
   */
  startPlay(request: PlayAudio): Promise<void>;
  /** Idempotent. Resolves when nothing more of it is heard; `playEnded` comes too. */
  stopPlay(playId: string): Promise<void>;
  /**
   * Sends keys one after the other: by RFC 4733 where the leg agreed on it, else as tones in the audio.
   * Resolves when the last one has been sent. Rejects with `participant-not-found`, also when the leg goes.
   */
  sendTones(legId: LegId, tones: readonly Tone[]): Promise<void>;
  openStream(request: OpenAudioStream): Promise<void>;
  /** Idempotent. */
  closeStream(streamId: string): Promise<void>;
  /**
   * Samples for everybody to hear, at the stream's rate; they wait their turn. More than a minute of them
   * is dropped, oldest first. Of a stream that is not open: nothing.
   */
  feedStream(streamId: string, samples: Int16Array): Promise<void>;
  /** Forgets what was fed and not heard yet. */
  flushStream(streamId: string): Promise<void>;
  on<K extends keyof CallMediaEvents>(
    event: K,
    listener: (...args: CallMediaEvents[K]) => void,
  ): void;
}
