import { TapedeckError } from '../core/error.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { HttpResponse, HttpSender } from '../core/ports/http-sender.ts';

/** Half an hour of what is documented: 16 kHz, mono, 16-bit. */
export const MAX_PROMPT_BYTES: number = 60 * 1024 * 1024;

/** For all of it, redirects included. */
const FETCH_TIMEOUT_MS = 30_000;
const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export type PromptFetcher = { readonly sender: HttpSender; readonly clock: Clock };

/**
 * The bytes at a URL that an application named; each redirect is checked as the first URL was. Rejects
 * with `prompt-unreachable`, whatever it was that did not work.
 */
export async function fetchPrompt(
  { sender, clock }: PromptFetcher,
  uri: string,
  signal: AbortSignal,
  maxBytes: number = MAX_PROMPT_BYTES,
): Promise<Uint8Array> {
  const late = new AbortController();
  const timer = clock.setTimer(FETCH_TIMEOUT_MS, () => {
    late.abort();
  });
  const ended = AbortSignal.any([signal, late.signal]);
  try {
    let url = uri;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      const response = await get(sender, url, ended, maxBytes);
      const next = redirectOf(response, url);
      if (next === undefined) return contentOf(response, url, maxBytes);
      url = next;
    }
    throw unreachable(`${originOf(uri)} redirects more than ${MAX_REDIRECTS} times.`);
  } catch (cause) {
    if (!late.signal.aborted) throw cause;
    const seconds = FETCH_TIMEOUT_MS / 1000;
    throw unreachable(`${originOf(uri)} did not send its file within ${seconds} s.`, cause);
  } finally {
    timer.cancel();
  }
}

async function get(
  sender: HttpSender,
  url: string,
  signal: AbortSignal,
  maxBytes: number,
): Promise<HttpResponse> {
  try {
    return await sender.send({
      method: 'GET',
      url,
      headers: { accept: 'audio/*, application/octet-stream' },
      body: '',
      timeoutMs: FETCH_TIMEOUT_MS,
      maxResponseBytes: maxBytes + 1,
      signal,
    });
  } catch (cause) {
    throw unreachable(cause instanceof Error ? cause.message : 'It could not be fetched.', cause);
  }
}

function redirectOf(response: HttpResponse, from: string): string | undefined {
  if (!REDIRECTS.has(response.status)) return undefined;
  const location = response.headers['location'];
  if (location === undefined || !URL.canParse(location, from)) {
    throw unreachable(`${originOf(from)} redirects to nowhere.`);
  }
  return new URL(location, from).href;
}

function contentOf(
  { status, headers, body }: HttpResponse,
  url: string,
  maxBytes: number,
): Uint8Array {
  if (status !== 200) throw unreachable(`${originOf(url)} answered ${status}.`);
  if (body.length > maxBytes) {
    throw unreachable(`The file at ${originOf(url)} is larger than ${maxBytes} bytes.`);
  }
  const stated = Number(headers['content-length'] ?? body.length);
  if (stated > body.length) throw unreachable(`${originOf(url)} sent less than it said.`);
  return body;
}

/** Paths and queries may hold what grants access. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'The URL';
}

function unreachable(message: string, cause?: unknown): TapedeckError {
  return new TapedeckError('prompt-unreachable', message, cause === undefined ? {} : { cause });
}
