import { spawn, type ChildProcess } from 'node:child_process';
import { TapedeckError } from '../core/error.ts';

export type ProcessLimits = {
  readonly maxMs: number;
  /** Of its output. */
  readonly maxBytes: number;
};

/** Of what it complains of, for the log. */
const MAX_COMPLAINT_CHARACTERS = 1_000;

/**
 * Runs a program with `input` on its standard input and gives its standard output. Rejects with
 * `speech-failed` if it cannot be started, ends with anything but 0, or is ended: because it takes too
 * long, writes too much, or `signal` says so. Then whatever it started itself is ended with it.
 */
export function runSpeech(
  program: string,
  options: readonly string[],
  input: string,
  limits: ProcessLimits,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { maxMs, maxBytes } = limits;
  return new Promise((resolve, reject) => {
    // A group of its own: what the program starts would otherwise outlive it, and hold its output open.
    const child = spawn(program, options, { detached: true, windowsHide: true });
    const parts: Buffer[] = [];
    let bytes = 0;
    let complaint = '';
    const ended = AbortSignal.any([signal, AbortSignal.timeout(maxMs)]);
    const fail = (why: string, cause?: unknown): void => {
      ended.removeEventListener('abort', onEnded);
      endGroup(child);
      const message = `The speech command ${why}. ${complaint}`.trim();
      reject(new TapedeckError('speech-failed', message, cause === undefined ? {} : { cause }));
    };
    const onEnded = (): void => {
      fail(signal.aborted ? 'was ended' : `took longer than ${maxMs / 1000} s`);
    };
    ended.addEventListener('abort', onEnded, { once: true });
    child.stdout.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= maxBytes) parts.push(part);
      else fail(`wrote more than ${maxBytes} bytes`);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(0, MAX_COMPLAINT_CHARACTERS);
    });
    // A program that does not read its input is judged by what it writes.
    child.stdin.on('error', () => undefined);
    child.on('error', (cause) => {
      fail(`failed: ${cause.message}`, cause);
    });
    child.on('close', (code) => {
      ended.removeEventListener('abort', onEnded);
      if (code === 0) resolve(Buffer.concat(parts));
      else fail(`ended with ${code ?? 'a signal'}`);
    });
    child.stdin.end(input);
  });
}

/** Ends a program and what it started, and no longer listens to any of them. Idempotent. */
function endGroup(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.stdin?.destroy();
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // None of them is there any more, or the system knows no groups.
    child.kill('SIGKILL');
  }
}
