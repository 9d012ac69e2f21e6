import { TapedeckError } from '../core/error.ts';
import type { PlaySource } from '../core/ports/prompts.ts';
import { runSpeech, type ProcessLimits } from './speech-process.ts';
import { ssmlText } from './ssml-text.ts';
import { ssmlVoice } from './ssml-voice.ts';
import { Turns } from './turns.ts';

export type Speech = Extract<PlaySource, { kind: 'text' | 'ssml' }>;

export type SpeechLimits = ProcessLimits & {
  /** Commands at once; others wait. */
  readonly maxAtOnce: number;
};

const LIMITS: SpeechLimits = { maxMs: 20_000, maxBytes: 60 * 1024 * 1024, maxAtOnce: 2 };
const MAX_WAITING = 64;

/** What may stand for a placeholder: nothing that could be an option of the command. */
const PLAIN_VALUE = /^[A-Za-z0-9][\w.+-]{0,63}$/;

/**
 * Speaks by a program: the text on its standard input, a WAV or MP3 file on its standard output. No shell is
 * involved; `{voice}`, `{locale}`, `{gender}` and `{kind}` (`text` or `ssml`) in its arguments are
 * replaced. Without `{kind}` it gets SSML as plain text.
 */
export class SpeechCommand {
  readonly #program: string;
  readonly #arguments: readonly string[];
  readonly #limits: SpeechLimits;
  readonly #turns: Turns;

  /** @param command as `--speech-command` gives it: words, quoted where they hold spaces. */
  constructor(command: string, limits: SpeechLimits = LIMITS) {
    const [program = '', ...rest] = wordsOf(command);
    this.#program = program;
    this.#arguments = rest;
    this.#limits = limits;
    this.#turns = new Turns({ maxAtOnce: limits.maxAtOnce, maxWaiting: MAX_WAITING });
  }

  /**
   * Bytes of an audio file. Rejects with `speech-failed`, also when `signal` ends it, or
   * `operations-throttled` if too many wait.
   */
  async speak(speech: Speech, signal: AbortSignal): Promise<Uint8Array> {
    const options = argumentsFor(this.#arguments, speech);
    const takesSsml = this.#arguments.some((argument) => argument.includes('{kind}'));
    try {
      return await this.#turns.run(signal, () =>
        runSpeech(this.#program, options, textFor(speech, takesSsml), this.#limits, signal),
      );
    } catch (cause) {
      if (cause instanceof TapedeckError) throw cause;
      throw new TapedeckError('speech-failed', 'The speech command was ended.', { cause });
    }
  }
}

function textFor(speech: Speech, takesSsml: boolean): string {
  if (speech.kind === 'text') return speech.text;
  return takesSsml ? speech.ssml : ssmlText(speech.ssml);
}

/** `en-US-NancyNeural` names a locale too. */
const VOICE_LOCALE = /^[a-z]{2,3}-[A-Z]{2}(?=-)/;
const DEFAULT_LOCALE = 'en-US';

function argumentsFor(template: readonly string[], speech: Speech): readonly string[] {
  const wanted = speech.kind === 'text' ? speech : ssmlVoice(speech.ssml);
  const locale =
    plain(wanted.locale) ?? VOICE_LOCALE.exec(wanted.voiceName ?? '')?.[0] ?? DEFAULT_LOCALE;
  const values: Readonly<Record<string, string>> = {
    locale,
    voice: plain(wanted.voiceName) ?? locale,
    gender: wanted.voiceKind === 'male' ? 'male' : 'female',
    kind: speech.kind,
  };
  return template.map((argument) =>
    argument.replace(
      /\{(locale|voice|gender|kind)\}/g,
      (_whole, name: string) => values[name] ?? '',
    ),
  );
}

function plain(value: string | undefined): string | undefined {
  return value !== undefined && PLAIN_VALUE.test(value) ? value : undefined;
}

/** Words of a command line; quotes of both kinds keep spaces, and nothing else means anything. */
export function wordsOf(command: string): readonly string[] {
  const words = command.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g);
  return [...words].map(([word]) => word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}
