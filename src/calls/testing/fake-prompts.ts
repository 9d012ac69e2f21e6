import { TapedeckError } from '../../core/error.ts';
import type { PlayedClip } from '../../core/ports/call-media.ts';
import type { PlaySource, PromptPort } from '../../core/ports/prompts.ts';
import type { Pace } from './pace.ts';

/** Prompts by URL; those that it does not know cannot be fetched. */
export class FakePrompts implements PromptPort {
  canSpeak = false;
  readonly clips: Map<string, PlayedClip> = new Map();
  readonly loaded: PlaySource[] = [];
  readonly #pace: Pace;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  load: PromptPort['load'] = async (source) => {
    this.loaded.push(source);
    await this.#pace.step();
    if (source.kind !== 'file') {
      if (!this.canSpeak) throw new TapedeckError('not-supported', 'nothing speaks here');
      return new Int16Array(160);
    }
    const clip = this.clips.get(source.uri);
    if (clip === undefined) throw new TapedeckError('prompt-unreachable', 'not found');
    return clip;
  };
}
