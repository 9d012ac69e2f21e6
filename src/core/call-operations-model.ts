import type { Tone } from './tone.ts';

/** Who hears or is heard: everybody, or those who are named, by names that mean nothing here. */
export type Audience = 'all' | readonly string[];

/** Which keys end a recognition. */
export type ToneRule =
  | {
      readonly collect: 'digits';
      /** Between two keys. */
      readonly interToneMs: number;
      /** `undefined`: until a stop tone or a silence. */
      readonly maxTones: number | undefined;
      /** Not part of what was collected. */
      readonly stopTones: readonly Tone[];
    }
  | {
      readonly collect: 'choice';
      /** The key of each choice; `undefined` for one that cannot be chosen by key. */
      readonly tones: readonly (Tone | undefined)[];
    };

/** One operation on the media of a call, as it is handed to the queue. */
export type MediaOperation = {
  /** Never used twice in a call. */
  readonly id: string;
  /** Whoever asked; `cancel-all` and `owner-left` are of one owner. */
  readonly owner: string;
  readonly audience: Audience;
  /** Cancels what is under way or waits and shares a participant with this, and begins. */
  readonly interrupt: boolean;
} & (
  | { readonly kind: 'play' }
  | {
      readonly kind: 'recognize';
      readonly hasPrompt: boolean;
      /** A key ends the prompt, and counts; else keys count from the end of the prompt on. */
      readonly interruptPrompt: boolean;
      /** From the end of the prompt to the first key. */
      readonly initialSilenceMs: number;
      readonly rule: ToneRule;
    }
  | {
      readonly kind: 'record';
      readonly hasPrompt: boolean;
      readonly hasBeep: boolean;
      /** From the start of the recording, which is the end of the beep, to the first word. */
      readonly initialSilenceMs: number;
      /** After a word. */
      readonly maxSilenceMs: number;
      readonly maxDurationMs: number;
      readonly stopTones: readonly Tone[];
    }
  | { readonly kind: 'send-tones' }
);

/** How an operation ended. Of several causes that come at once the first counts. */
export type OperationOutcome =
  /** Everything was played, or every key was sent. */
  | { readonly is: 'done' }
  | { readonly is: 'collected'; readonly by: CollectEnd; readonly tones: readonly Tone[] }
  /** Index of the choice. */
  | { readonly is: 'chosen'; readonly choice: number }
  | { readonly is: 'recorded'; readonly by: Exclude<RecordEnd, 'stop-tone'> }
  | { readonly is: 'recorded'; readonly by: 'stop-tone'; readonly tone: Tone }
  /** By its owner, or by an operation that interrupts. */
  | { readonly is: 'canceled' }
  | { readonly is: 'failed'; readonly because: OperationFailure };

/** `silence`: of digits without any other end. */
export type CollectEnd = 'max-tones' | 'stop-tone' | 'silence';
export type RecordEnd = 'stop-tone' | 'max-silence' | 'max-duration' | 'call-ended';

export type OperationFailure =
  /** What is to be played could not be made ready; which of the sources, from 0. */
  | {
      readonly why: 'prompt-format' | 'prompt-unreachable' | 'speech-failed' | 'prompt-failed';
      readonly source: number;
    }
  | {
      readonly why:
        | 'initial-silence'
        | 'inter-tone-silence'
        | 'wrong-tone'
        | 'target-left'
        | 'call-ended'
        | 'play-failed'
        | 'beep-failed'
        | 'send-failed'
        | 'record-failed';
    };

/** What happens to the operations of a call. Of operations that are over: nothing comes of it. */
export type OperationInput =
  | { readonly is: 'submit'; readonly operation: MediaOperation }
  | { readonly is: 'cancel-all'; readonly owner: string }
  /** One of them; of one that is over: nothing. */
  | { readonly is: 'cancel'; readonly id: string }
  /** One of them, as if the call had ended; of one that is over: nothing. */
  | { readonly is: 'cut-off'; readonly id: string }
  /** Reports of effects. */
  | { readonly is: 'loaded'; readonly id: string }
  | { readonly is: 'load-failed'; readonly id: string; readonly because: OperationFailure }
  | { readonly is: 'play-started'; readonly id: string }
  /** The player never began. */
  | { readonly is: 'play-failed'; readonly id: string }
  /** Nothing more is heard of the player; once for each that began. */
  | {
      readonly is: 'play-ended';
      readonly id: string;
      readonly end: 'completed' | 'stopped' | 'no-listener';
    }
  | { readonly is: 'tones-sent'; readonly id: string }
  | { readonly is: 'send-failed'; readonly id: string }
  /** It could not be begun, or not be gone on with. */
  | { readonly is: 'record-failed'; readonly id: string }
  /** Somebody began or ceased to speak in a recording. */
  | {
      readonly is: 'speech';
      readonly id: string;
      readonly isSpeaking: boolean;
      /** How long ago that was. */
      readonly agoMs: number;
    }
  | { readonly is: 'timer'; readonly timer: number }
  /** A participant pressed a key. */
  | { readonly is: 'tone'; readonly from: string; readonly tone: Tone }
  | { readonly is: 'target-left'; readonly target: string }
  | { readonly is: 'owner-left'; readonly owner: string }
  | { readonly is: 'call-ended' };

/** What is to be done now, in this order. */
export type OperationEffect =
  /** The operation that was submitted is not accepted; nothing else comes of it. */
  | { readonly do: 'refuse'; readonly id: string; readonly because: RefusalCause }
  /** Make everything ready that the operation plays, and what it records into. */
  | { readonly do: 'load'; readonly id: string }
  | { readonly do: 'stop-loading'; readonly id: string }
  | { readonly do: 'play'; readonly id: string; readonly audience: Audience }
  /** Play the beep of a recording, which begins when that is over. */
  | { readonly do: 'beep'; readonly id: string; readonly audience: Audience }
  /** Of either player. */
  | { readonly do: 'stop-play'; readonly id: string }
  /** The first sample of a `play` is on its way. */
  | { readonly do: 'announce'; readonly id: string }
  | { readonly do: 'send-tones'; readonly id: string }
  /** What is said from now on, or from the end of the beep on, is the recording. */
  | { readonly do: 'start-recording'; readonly id: string }
  | { readonly do: 'stop-recording'; readonly id: string }
  /** Give the number back by a `timer` input, once. Clearing what has fired does nothing. */
  | { readonly do: 'set-timer'; readonly timer: number; readonly delayMs: number }
  | { readonly do: 'clear-timer'; readonly timer: number }
  /** Exactly one for each operation that was accepted, and the last of it but for players that fade. */
  | { readonly do: 'complete'; readonly id: string; readonly outcome: OperationOutcome };

export type RefusalCause = 'media-conflict' | 'operations-throttled' | 'call-ended';

/** `ending`: it was told to stop. */
export type Player = 'none' | 'on' | 'ending';

export type Phase =
  | { readonly at: 'loading' }
  | { readonly at: 'playing' }
  /** The prompt of a recording was ended by a key, and is heard still. */
  | { readonly at: 'skipping' }
  | { readonly at: 'beeping' }
  | { readonly at: 'collecting'; readonly tones: readonly Tone[]; readonly timer: number }
  | {
      readonly at: 'recording';
      readonly hasSpoken: boolean;
      /** `undefined` while somebody speaks. */
      readonly silenceTimer: number | undefined;
      readonly durationTimer: number;
    }
  | { readonly at: 'sending' };

export type RunningOperation = {
  readonly operation: MediaOperation;
  readonly phase: Phase;
  readonly player: Player;
};

/** Everything that is known of the operations of one call. */
export type CallOperations = {
  readonly running: readonly RunningOperation[];
  /** In the order in which they came; at most `MAX_WAITING`. */
  readonly waiting: readonly MediaOperation[];
  /** Players of operations that are over, until they are silent. */
  readonly fading: readonly { readonly id: string; readonly audience: Audience }[];
  readonly nextTimer: number;
  readonly isOver: boolean;
};

export const NO_OPERATIONS: CallOperations = {
  running: [],
  waiting: [],
  fading: [],
  nextTimer: 1,
  isOver: false,
};

/** From the first sound of a word to the report of it: a silence that ends in between is none. */
export const SPEECH_DECISION_MS = 150;

/** More are refused. */
export const MAX_WAITING = 64;

/** Most keys that are collected when nothing else limits them. */
export const MOST_TONES = 256;
