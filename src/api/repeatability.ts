import type { IncomingHttpHeaders } from 'node:http';
import { TapedeckError } from '../core/error.ts';
import type { Repeat, StoredAnswer } from '../core/ports/call-service.ts';
import type { Ledger } from '../core/ports/ledger.ts';

const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/**
 * Makes a request that arrives again, after a lost answer or while the first one runs, get the
 * answer of the first. Failures are not kept: repeating them tries again.
 */
export class Repeatability {
  readonly #ledger: Pick<Ledger, 'repeated'>;
  readonly #running = new Map<string, Promise<StoredAnswer>>();

  constructor(ledger: Pick<Ledger, 'repeated'>) {
    this.#ledger = ledger;
  }

  /**
   * @param operation name and resource, `terminate <id>`: one request id may serve several.
   * @param perform the use case; it stores the answer by means of `repeat`.
   */
  async once<Result>(
    operation: string,
    headers: IncomingHttpHeaders,
    answer: (result: Result) => StoredAnswer,
    perform: (repeat: { readonly repeat?: Repeat<Result> }) => Promise<Result>,
  ): Promise<StoredAnswer> {
    const requestId = headers['repeatability-request-id'];
    if (requestId === undefined) return answer(await perform({}));
    if (typeof requestId !== 'string' || !REQUEST_ID.test(requestId)) {
      throw new TapedeckError(
        'argument-invalid',
        'Repeatability-Request-ID has to be a UUID or another 1 to 128 visible characters.',
        { field: 'Repeatability-Request-ID' },
      );
    }
    const key = `${operation} ${requestId}`;
    const running = this.#running.get(key);
    if (running !== undefined) return await running;
    const first = this.#replayOrPerform(key, answer, perform);
    this.#running.set(key, first);
    try {
      return await first;
    } finally {
      this.#running.delete(key);
    }
  }

  async #replayOrPerform<Result>(
    key: string,
    answer: (result: Result) => StoredAnswer,
    perform: (repeat: { readonly repeat?: Repeat<Result> }) => Promise<Result>,
  ): Promise<StoredAnswer> {
    const stored = await this.#ledger.repeated(key);
    if (stored !== undefined) return { status: stored.status, body: stored.body };
    return answer(await perform({ repeat: { key, answer } }));
  }
}
