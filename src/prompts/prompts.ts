import { createHash } from 'node:crypto';
import { TapedeckError } from '../core/error.ts';
import type { PlayedClip } from '../core/ports/call-media.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { HttpSender } from '../core/ports/http-sender.ts';
import type { PlaySource, PromptPort } from '../core/ports/prompts.ts';
import { fetchPrompt } from './fetch-prompt.ts';
import { PromptCache } from './prompt-cache.ts';
import type { Speech, SpeechCommand } from './speech-command.ts';
import { Turns } from './turns.ts';

/** Over an hour of clips. */
const CACHE_BYTES = 128 * 1024 * 1024;
/** What is at a URL may be changed: it is fetched again after this time. */
const CACHE_LIFETIME_MS = 3_600_000;
/** Downloads at once, so that their memory is bounded; others wait. */
const MAX_AT_ONCE = 8;
const MAX_WAITING = 1_024;

export type PromptParts = {
  readonly clock: Clock;
  readonly sender: HttpSender;
  /** Bytes of a file → samples in shared memory, in another thread. Rejects with `prompt-format`. */
  readonly decode: (bytes: Uint8Array) => Promise<PlayedClip>;
  /** `undefined`: texts cannot be spoken. */
  readonly speech: Pick<SpeechCommand, 'speak'> | undefined;
  /** Default 128 MiB. */
  readonly cacheBytes?: number;
};

/** What is played into calls: fetched or spoken, decoded, and kept by the application's own name for it. */
export class Prompts implements PromptPort {
  readonly #parts: PromptParts;
  readonly #cache: PromptCache;
  readonly #turns = new Turns({ maxAtOnce: MAX_AT_ONCE, maxWaiting: MAX_WAITING });

  constructor(parts: PromptParts) {
    this.#parts = parts;
    const maxBytes = parts.cacheBytes ?? CACHE_BYTES;
    this.#cache = new PromptCache({ maxBytes, lifetimeMs: CACHE_LIFETIME_MS });
  }

  get canSpeak(): boolean {
    return this.#parts.speech !== undefined;
  }

  async load(source: PlaySource, signal: AbortSignal): Promise<PlayedClip> {
    const key = cacheKey(source);
    const { clock } = this.#parts;
    const cached = key === undefined ? undefined : this.#cache.get(key, clock.monotonicUs());
    if (cached !== undefined) return cached;
    return this.#turns.run(signal, async () => {
      // Somebody who wanted the same may have been before.
      const kept = key === undefined ? undefined : this.#cache.get(key, clock.monotonicUs());
      if (kept !== undefined) return kept;
      const clip = await this.#make(source, signal);
      if (key !== undefined) this.#cache.put(key, clip, clock.monotonicUs());
      return clip;
    });
  }

  async #make(source: PlaySource, signal: AbortSignal): Promise<PlayedClip> {
    if (source.kind !== 'file') return this.#spoken(source, signal);
    return this.#parts.decode(await fetchPrompt(this.#parts, source.uri, signal));
  }

  async #spoken(source: Speech, signal: AbortSignal): Promise<PlayedClip> {
    const bytes = await this.#speak(source, signal);
    try {
      return await this.#parts.decode(bytes);
    } catch (cause) {
      // It is not the application that made this file.
      if (!(cause instanceof TapedeckError) || cause.code !== 'prompt-format') throw cause;
      const message = `The speech command wrote what cannot be played. ${cause.message}`;
      throw new TapedeckError('speech-failed', message, { cause });
    }
  }

  #speak(source: Speech, signal: AbortSignal): Promise<Uint8Array> {
    const { speech } = this.#parts;
    if (speech === undefined) {
      throw new TapedeckError(
        'not-supported',
        'Text and SSML can be played only with a speech engine; --speech-command names one.',
      );
    }
    return speech.speak(source, signal);
  }
}

/**
 * The application's own name for a source does not stand alone: another application may use it too, and
 * one that changes the source wants the new one. What signs a URL (its query) may change.
 */
function cacheKey(source: PlaySource): string | undefined {
  const { cacheId } = source;
  if (cacheId === undefined) return undefined;
  return createHash('sha256')
    .update(JSON.stringify([cacheId, ...contentOf(source)]))
    .digest('base64');
}

function contentOf(source: PlaySource): readonly (string | undefined)[] {
  switch (source.kind) {
    case 'file':
      return ['file', source.uri.split('?', 1)[0]];
    case 'text':
      return ['text', source.text, source.locale, source.voiceKind, source.voiceName];
    case 'ssml':
      return ['ssml', source.ssml];
  }
}
