import { TapedeckError, type ErrorDetails } from '../core/error.ts';
import type { ErrorCode } from '../core/error-codes.ts';
import { ERROR_CATALOGUE } from '../core/error-codes.ts';
import type { MessageEnd } from '../core/ports/worker-channel.ts';

/** A service whose methods take structured-clonable arguments and return promises. */
export type RemoteMethods = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

/** The error as it crosses the thread boundary. */
type WireError = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly field: string | undefined;
  readonly cause: string | undefined;
};

type Frame =
  | {
      readonly type: 'request';
      readonly id: number;
      readonly method: string;
      readonly args: readonly unknown[];
    }
  | { readonly type: 'reply'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly error: WireError }
  | { readonly type: 'event'; readonly name: string; readonly args: readonly unknown[] };

/** The caller's end: numbered requests, typed replies, events. */
export class ChannelClient {
  readonly #end: MessageEnd;
  readonly #pending = new Map<
    number,
    { resolve: (value: never) => void; reject: (error: unknown) => void }
  >();
  readonly #onEvent: (name: string, args: readonly unknown[]) => void;
  #nextId = 1;
  #closed: TapedeckError | undefined;

  constructor(
    end: MessageEnd,
    onEvent: (name: string, args: readonly unknown[]) => void = () => undefined,
  ) {
    this.#end = end;
    this.#onEvent = onEvent;
    end.on('message', (message) => {
      this.#receive(message as Frame);
    });
  }

  /** Rejects with the service's `TapedeckError`, or `worker-failed` once the channel is closed. */
  request<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    return this.requestWith<T>([], method, ...args);
  }

  /** As `request`; the other side takes `transfer` over, and this one has it no more. */
  requestWith<T>(
    transfer: readonly ArrayBuffer[],
    method: string,
    ...args: readonly unknown[]
  ): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      // Throws for what cannot be cloned: then nothing was asked, and nothing is pending.
      this.#end.postMessage({ type: 'request', id, method, args } satisfies Frame, transfer);
      this.#pending.set(id, { resolve, reject });
    });
  }

  /** Rejects what is pending and everything after; idempotent. Does not close the end. */
  fail(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = new TapedeckError('worker-failed', reason);
    for (const { reject } of this.#pending.values()) reject(this.#closed);
    this.#pending.clear();
  }

  #receive(frame: Frame): void {
    if (frame.type === 'event') {
      this.#onEvent(frame.name, frame.args);
      return;
    }
    if (frame.type === 'request') return;
    const pending = this.#pending.get(frame.id);
    if (pending === undefined) return;
    this.#pending.delete(frame.id);
    if (frame.type === 'reply') pending.resolve(frame.value as never);
    else pending.reject(fromWire(frame.error));
  }
}

/** Sends events; what is in `transfer` is the other side's from then on. */
export type EventSender = {
  (name: string, ...args: readonly unknown[]): void;
  readonly withTransfer: (
    transfer: readonly ArrayBuffer[],
    name: string,
    ...args: readonly unknown[]
  ) => void;
};

/** The service's end: answers requests with the methods of `service`. Returns how to send events. */
export function serveChannel(end: MessageEnd, service: RemoteMethods): EventSender {
  end.on('message', (message) => {
    const frame = message as Frame;
    if (frame.type === 'request') void answer(end, service, frame);
  });
  const withTransfer: EventSender['withTransfer'] = (transfer, name, ...args) => {
    end.postMessage({ type: 'event', name, args } satisfies Frame, transfer);
  };
  const emit = (name: string, ...args: readonly unknown[]): void => {
    withTransfer([], name, ...args);
  };
  return Object.assign(emit, { withTransfer });
}

async function answer(
  end: MessageEnd,
  service: RemoteMethods,
  frame: Extract<Frame, { type: 'request' }>,
): Promise<void> {
  try {
    const method = Object.hasOwn(service, frame.method) ? service[frame.method] : undefined;
    if (method === undefined) throw new TapedeckError('internal', `no method ${frame.method}`);
    const value = await method(...(frame.args as never[]));
    end.postMessage({ type: 'reply', id: frame.id, value } satisfies Frame);
  } catch (error) {
    end.postMessage({ type: 'failure', id: frame.id, error: toWire(error) } satisfies Frame);
  }
}

function toWire(error: unknown): WireError {
  if (error instanceof TapedeckError) {
    return {
      code: error.code,
      message: error.message,
      field: error.field,
      cause: describe(error.cause),
    };
  }
  return { code: 'internal', message: String(error), field: undefined, cause: describe(error) };
}

function fromWire(wire: WireError): TapedeckError {
  const code = Object.hasOwn(ERROR_CATALOGUE, wire.code) ? wire.code : 'internal';
  const details: ErrorDetails = {
    ...(wire.field === undefined ? {} : { field: wire.field }),
    ...(wire.cause === undefined ? {} : { cause: wire.cause }),
  };
  return new TapedeckError(code, wire.message, details);
}

function describe(cause: unknown): string | undefined {
  if (cause === undefined) return undefined;
  return cause instanceof Error ? (cause.stack ?? cause.message) : JSON.stringify(cause);
}

/** Two ends in one thread: messages are cloned and arrive in a later turn, as between threads. */
export function inProcessPair(): readonly [MessageEnd, MessageEnd] {
  const left = new InProcessEnd();
  const right = new InProcessEnd();
  left.peer = right;
  right.peer = left;
  return [left, right];
}

class InProcessEnd implements MessageEnd {
  peer: InProcessEnd | undefined;
  readonly #listeners: ((message: unknown) => void)[] = [];

  postMessage(message: unknown, transfer: readonly ArrayBuffer[] = []): void {
    const copy = structuredClone(message, { transfer: [...transfer] });
    const { peer } = this;
    queueMicrotask(() => {
      if (peer !== undefined) for (const listener of peer.#listeners) listener(copy);
    });
  }

  on(_event: 'message', listener: (message: unknown) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.peer = undefined;
  }
}
