import type { PlayedClip } from '../core/ports/call-media.ts';

type Entry = { readonly clip: PlayedClip; readonly untilUs: number };

/** Decoded prompts by key, the least recently used of which make room. */
export class PromptCache {
  readonly #maxBytes: number;
  readonly #lifetimeUs: number;
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(limits: { readonly maxBytes: number; readonly lifetimeMs: number }) {
    this.#maxBytes = limits.maxBytes;
    this.#lifetimeUs = limits.lifetimeMs * 1000;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string, nowUs: number): PlayedClip | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#remove(key, entry);
    if (entry.untilUs <= nowUs) return undefined;
    this.#add(key, entry);
    return entry.clip;
  }

  /** Not kept when it alone is larger than the cache. */
  put(key: string, clip: PlayedClip, nowUs: number): void {
    const before = this.#entries.get(key);
    if (before !== undefined) this.#remove(key, before);
    if (clip.byteLength > this.#maxBytes) return;
    this.#add(key, { clip, untilUs: nowUs + this.#lifetimeUs });
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#remove(oldest, entry);
    }
  }

  #add(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.clip.byteLength;
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= entry.clip.byteLength;
  }
}
