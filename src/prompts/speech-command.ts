import { spawn } from 'node:child_process';
import { TapedeckError } from '../core/error.ts';
import type { PlaySource } from '../core/ports/prompts.ts';
import { ssmlText } from './ssml-text.ts';

export type Speech = Extract<PlaySource, { kind: 'text' | 'ssml' }>;

export type SpeechLimits = {
  readonly maxMs: number;
  readonly maxBytes: number;
  /** Commands at once; others wait. */
  readonly maxAtOnce: number;
};

const LIMITS: SpeechLimits = { maxMs: 20_000, maxBytes: 60 * 1024 * 1024, maxAtOnce: 2 };
const MAX_WAITING = 64;
/** Of what it complains of, for the log. */
const MAX_COMPLAINT_CHARACTERS = 1_000;

/** What may stand for a placeholder: nothing that could be an option of the command. */
const PLAIN_VALUE = /^[A-Za-z0-9][\w.+-]{0,63}$/;

/**
 * Speaks by a program: the text on its standard input, a WAV file on its standard output. No shell is
 * involved; `{voice}`, `{locale}`, `{gender}` and `{kind}` (`text` or `ssml`) in its arguments are
 * replaced. Without `{kind}` it gets SSML as plain text.
 */
export class SpeechCommand {
  readonly #program: string;
  readonly #arguments: readonly string[];
  readonly #limits: SpeechLimits;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @param command as `--speech-command` gives it: words, quoted where they hold spaces. */
  constructor(command: string, limits: SpeechLimits = LIMITS) {
    const [program = '', ...rest] = wordsOf(command);
    this.#program = program;
    this.#arguments = rest;
    this.#limits = limits;
  }

  /** Bytes of a WAV file. Rejects with `speech-failed`, or `operations-throttled` if too many wait. */
  async speak(speech: Speech, signal: AbortSignal): Promise<Uint8Array> {
    await this.#turn();
    try {
      signal.throwIfAborted();
      return await this.#run(speech, signal);
    } catch (cause) {
      if (cause instanceof TapedeckError) throw cause;
      throw new TapedeckError('speech-failed', 'The speech command was ended.', { cause });
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    while (this.#running >= this.#limits.maxAtOnce) {
      if (this.#waiting.length >= MAX_WAITING) {
        throw new TapedeckError('operations-throttled', 'Too many texts wait to be spoken.');
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running += 1;
  }

  #run(speech: Speech, signal: AbortSignal): Promise<Uint8Array> {
    const { maxMs, maxBytes } = this.#limits;
    const takesSsml = this.#arguments.some((argument) => argument.includes('{kind}'));
    return new Promise((resolve, reject) => {
      const child = spawn(this.#program, argumentsFor(this.#arguments, speech), {
        stdio: ['pipe', 'pipe', 'pipe'],
        signal: AbortSignal.any([signal, AbortSignal.timeout(maxMs)]),
        killSignal: 'SIGKILL',
        windowsHide: true,
      });
      const parts: Buffer[] = [];
      let bytes = 0;
      let complaint = '';
      child.stdout.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes <= maxBytes) parts.push(part);
        else child.kill('SIGKILL');
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        complaint = (complaint + text).slice(0, MAX_COMPLAINT_CHARACTERS);
      });
      // A program that does not read its input is judged by what it writes.
      child.stdin.on('error', () => undefined);
      child.on('error', (cause) => {
        reject(
          new TapedeckError('speech-failed', `The speech command failed: ${cause.message}.`, {
            cause,
          }),
        );
      });
      child.on('close', (code) => {
        if (code === 0 && bytes <= maxBytes) {
          resolve(Buffer.concat(parts));
          return;
        }
        const why =
          bytes > maxBytes
            ? `wrote more than ${maxBytes} bytes`
            : `ended with ${code ?? 'a signal'}`;
        reject(
          new TapedeckError('speech-failed', `The speech command ${why}. ${complaint}`.trim()),
        );
      });
      child.stdin.end(textFor(speech, takesSsml));
    });
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
  const text = speech.kind === 'text' ? speech : undefined;
  const locale =
    plain(text?.locale) ?? VOICE_LOCALE.exec(text?.voiceName ?? '')?.[0] ?? DEFAULT_LOCALE;
  const values: Readonly<Record<string, string>> = {
    locale,
    voice: plain(text?.voiceName) ?? locale,
    gender: text?.voiceKind ?? 'female',
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
