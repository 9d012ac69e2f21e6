import { HeadScanner, readHead, skipLineEnds, type SipHead } from './head.ts';
import { SIP_LIMITS, type SipLimits } from './limits.ts';
import type { SipMessage } from './message.ts';
import { messageOf, readContentLength, type SipDefect } from './parse-message.ts';
import { rejectionOf, type SipRejection } from './rejection.ts';

export type StreamEvent =
  | { readonly kind: 'message'; readonly message: SipMessage }
  /** CR LF CR LF between messages: answer with CR LF (RFC 5626 §3.5.1). Bursts count once. */
  | { readonly kind: 'ping' }
  | {
      readonly kind: 'defect';
      readonly defect: SipDefect;
      /** What an answer needs, if one can be sent. */
      readonly rejection: SipRejection | undefined;
      /** Where the next message starts is not known: close the connection; nothing more comes. */
      readonly fatal: boolean;
    };

const FIRST_CAPACITY_BYTES = 4_096;
const LF = 0x0a;

/**
 * Cuts a byte stream (TCP, TLS) into messages by `Content-Length` (RFC 3261 §18.3), which must
 * be there. Bytes come in pieces of any size; work is linear in them, and no more is held than
 * one message within the limits.
 */
export class StreamFramer {
  readonly #limits: SipLimits;
  #buffer: Uint8Array = new Uint8Array(FIRST_CAPACITY_BYTES);
  #start = 0;
  #end = 0;
  #scanner = new HeadScanner(0);
  #lineEnds = 0;
  #pending:
    { readonly head: SipHead; readonly bodyStart: number; readonly end: number } | undefined;
  #broken = false;

  constructor(limits: SipLimits = SIP_LIMITS) {
    this.#limits = limits;
  }

  /** Takes the next bytes, which may be reused afterwards. After a fatal defect always empty. */
  push(bytes: Uint8Array): readonly StreamEvent[] {
    if (this.#broken) return [];
    this.#append(bytes);
    const events: StreamEvent[] = [];
    for (;;) {
      const event = this.#next();
      if (event === undefined) break;
      const isRepeatedPing = event.kind === 'ping' && events.at(-1)?.kind === 'ping';
      if (!isRepeatedPing) events.push(event);
      if (event.kind === 'defect' && event.fatal) {
        this.#broken = true;
        this.#buffer = new Uint8Array(0);
        return events;
      }
    }
    this.#compact();
    return events;
  }

  #next(): StreamEvent | undefined {
    if (this.#pending === undefined) {
      const ping = this.#skipLineEnds();
      if (ping !== undefined) return ping;
      const event = this.#readHead();
      if (event !== undefined) return event;
    }
    const pending = this.#pending;
    if (pending === undefined || pending.end > this.#end) return undefined;
    this.#pending = undefined;
    this.#advance(pending.end);
    const message = messageOf(pending.head, this.#buffer.subarray(pending.bodyStart, pending.end));
    if (message.ok) return { kind: 'message', message: message.value };
    return this.#defect(message.defect, pending.head, false);
  }

  #skipLineEnds(): StreamEvent | undefined {
    const from = this.#start;
    const to = skipLineEnds(this.#buffer, from, this.#end);
    for (let at = from; at < to; at += 1) if (this.#buffer[at] === LF) this.#lineEnds += 1;
    const isPing = this.#lineEnds >= 2;
    if (isPing || to < this.#end) this.#lineEnds = 0;
    if (to > from) this.#advance(to);
    return isPing ? { kind: 'ping' } : undefined;
  }

  /** Reads the head once it is whole, and learns where the body ends. */
  #readHead(): StreamEvent | undefined {
    const longest = this.#start + this.#limits.headerBytes;
    const bodyStart = this.#scanner.findBody(this.#buffer, Math.min(this.#end, longest));
    if (bodyStart === undefined) {
      if (this.#end < longest) return undefined;
      return this.#defect('headers-too-long', undefined, true);
    }
    const head = readHead(this.#buffer.subarray(this.#start, bodyStart), this.#limits);
    const length = readContentLength(head.headers);
    if (length === undefined) return this.#defect('missing-content-length', head, true);
    if (length === 'bad') return this.#defect('bad-content-length', head, true);
    if (length > this.#limits.bodyBytes) return this.#defect('body-too-long', head, true);
    this.#pending = { head, bodyStart, end: bodyStart + length };
    return undefined;
  }

  #defect(found: SipDefect, head: SipHead | undefined, fatal: boolean): StreamEvent {
    const rejection = head === undefined ? undefined : rejectionOf(head, found);
    return { kind: 'defect', defect: found, rejection, fatal };
  }

  #advance(to: number): void {
    this.#start = to;
    this.#scanner = new HeadScanner(to);
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#end + bytes.byteLength;
    if (needed > this.#buffer.byteLength) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#buffer.byteLength));
      grown.set(this.#buffer.subarray(0, this.#end));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#end);
    this.#end = needed;
  }

  /**
   * Moves what is left to the front. Only after something was consumed, and then all that is
   * left came with the last push: so bytes are moved once at most.
   */
  #compact(): void {
    if (this.#start === 0) return;
    const left = this.#buffer.subarray(this.#start, this.#end);
    const moved = this.#start;
    if (this.#buffer.byteLength > FIRST_CAPACITY_BYTES && left.byteLength < FIRST_CAPACITY_BYTES) {
      this.#buffer = new Uint8Array(FIRST_CAPACITY_BYTES);
      this.#buffer.set(left);
    } else this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#start = 0;
    this.#end -= moved;
    this.#scanner = new HeadScanner(0);
    if (this.#pending !== undefined) {
      const { head, bodyStart, end } = this.#pending;
      this.#pending = { head, bodyStart: bodyStart - moved, end: end - moved };
    }
  }
}
