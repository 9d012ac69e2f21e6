/** One HTTP request to a destination that somebody outside named. */
export type HttpRequest = {
  readonly method: 'POST' | 'OPTIONS' | 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty for a request without a body; not changed before `send` has settled. */
  readonly body: string | Uint8Array;
  /** For all of it: resolving, connecting, sending, and the whole answer. */
  readonly timeoutMs: number;
  /** What the answer's body may have; the rest is not read and the connection is closed. */
  readonly maxResponseBytes: number;
  /**
   * More requests to the same place are to be expected: the connection is kept for them for a few seconds.
   * Such a request may be sent twice, when the other side closes the connection at the same moment.
   * Default false: it has a connection of its own.
   */
  readonly keepConnection?: boolean;
  /** Ends the request at once; it then rejects with `destination-unreachable`. */
  readonly signal?: AbortSignal;
};

export type HttpResponse = {
  readonly status: number;
  /** Names in lower case; values of repeated ones joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** At most `maxResponseBytes`. */
  readonly body: Uint8Array;
};

/** HTTP to callbacks, event receivers and callers' containers: the guarded client behind a port. */
export interface HttpSender {
  /**
   * Resolves with whatever status was answered; a redirect is an answer too. Rejects with a `TapedeckError`:
   * `destination-unreachable` when there was no answer in time, `url-refused` when the address is
   * one that may not be reached.
   */
  send(request: HttpRequest): Promise<HttpResponse>;
}
