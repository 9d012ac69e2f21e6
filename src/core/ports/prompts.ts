import type { PlayedClip } from './call-media.ts';

/** What is to be played, as applications name it. */
export type PlaySource = {
  /** What it is cached by; `undefined`: not cached beyond this use. */
  readonly cacheId: string | undefined;
} & (
  | { readonly kind: 'file'; /** An absolute http or https URL. */ readonly uri: string }
  | {
      readonly kind: 'text';
      readonly text: string;
      readonly locale: string | undefined;
      readonly voiceKind: 'male' | 'female' | undefined;
      readonly voiceName: string | undefined;
    }
  | { readonly kind: 'ssml'; readonly ssml: string }
);

/** Fetches, checks, decodes and caches what is played. */
export interface PromptPort {
  /** `text` and `ssml` can be spoken here. */
  readonly canSpeak: boolean;
  /**
   * Ready to be played. Rejects with `prompt-format`, `prompt-unreachable` (also for a refused URL),
   * `not-supported` for speech without an engine, `speech-failed`.
   */
  load(source: PlaySource, signal: AbortSignal): Promise<PlayedClip>;
}
