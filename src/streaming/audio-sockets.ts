import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { TapedeckError } from '../core/error.ts';
import { HandshakeRefused } from '../core/handshake-refused.ts';
import type { AudioSocketPort } from '../core/ports/audio-socket.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { AddressPolicy } from '../net/address-policy.ts';
import type { HostResolver } from '../net/host-resolver.ts';
import { permittedAddresses, pinned, reasonOf } from '../net/permitted-addresses.ts';
import { OpenAudioSocket } from './open-audio-socket.ts';

const HANDSHAKE_MS = 10_000;
/** Of one message: half a minute of audio in base64. */
const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;

export type AudioSocketParts = {
  readonly policy: AddressPolicy;
  readonly resolver: HostResolver;
  readonly clock: Clock;
};

/** Web sockets (RFC 6455) to URLs that applications name, under the rules that callbacks are under. */
export class AudioSockets implements AudioSocketPort {
  readonly #parts: AudioSocketParts;
  readonly #open = new Set<OpenAudioSocket>();
  readonly #closing = new AbortController();

  constructor(parts: AudioSocketParts) {
    this.#parts = parts;
  }

  open: AudioSocketPort['open'] = async (text, headers, signal) => {
    const url = socketUrl(text);
    const limit = AbortSignal.any([
      signal,
      this.#closing.signal,
      AbortSignal.timeout(HANDSHAKE_MS),
    ]);
    const { policy, resolver, clock } = this.#parts;
    const addresses = await permittedAddresses(url, policy, resolver, limit);
    if (limit.aborted) throw unreachable(url, 'did not answer in time');
    const socket = await connect(url, headers, addresses, limit, clock);
    this.#open.add(socket);
    void socket.gone.then(() => this.#open.delete(socket));
    // Its handshake was through as everything was closed.
    if (this.#closing.signal.aborted) socket.close();
    return socket;
  };

  /** Says goodbye on every socket; resolves when they are gone, two seconds later at most. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    const open = [...this.#open];
    for (const socket of open) socket.close();
    await Promise.all(open.map(({ gone }) => gone));
  }
}

function socketUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'ws:' || url?.protocol === 'wss:') {
    // Of no meaning to the server, and refused by clients (RFC 6455 §3).
    url.hash = '';
    return url;
  }
  throw new TapedeckError('url-refused', 'Only absolute ws and wss URLs can be streamed to.');
}

function connect(
  url: URL,
  headers: Readonly<Record<string, string>>,
  addresses: readonly string[],
  signal: AbortSignal,
  clock: Clock,
): Promise<OpenAudioSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, {
      headers,
      lookup: pinned(addresses),
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    });
    const onAbort = (): void => {
      socket.terminate();
    };
    const settled = (): void => {
      signal.removeEventListener('abort', onAbort);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('open', () => {
      settled();
      // Whoever opened it has no ears yet.
      socket.pause();
      setImmediate(() => {
        socket.resume();
      });
      resolve(new OpenAudioSocket(socket, clock));
    });
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      settled();
      response.destroy();
      reject(new HandshakeRefused(url.origin, response.statusCode ?? 0));
      socket.terminate();
    });
    // Stays: an error after the handshake is followed by the close.
    socket.on('error', (cause) => {
      settled();
      const why = signal.aborted ? 'did not answer in time' : reasonOf(cause);
      reject(unreachable(url, why, cause));
    });
  });
}

function unreachable(url: URL, why: string, cause?: unknown): TapedeckError {
  const details = cause === undefined ? {} : { cause };
  return new TapedeckError('destination-unreachable', `${url.origin} ${why}.`, details);
}
