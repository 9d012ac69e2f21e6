import { SipHeaders } from './headers.ts';
import type { SipLimits } from './limits.ts';
import { isToken, trim } from './scan.ts';

/** Start line and header fields, unfolded (RFC 3261 §7.3.1); their values are not read yet. */
export type SipHead = {
  readonly startLine: string;
  readonly headers: SipHeaders;
  /** The first thing wrong with the lines. The fields that could be read are there all the same. */
  readonly defect: HeadDefect | undefined;
};

export type HeadDefect = 'bad-header-line' | 'too-many-headers';

const LF = 0x0a;
const CR = 0x0d;

/** Finds the empty line that ends a head, over any number of calls, touching each byte once. */
export class HeadScanner {
  #lineStart: number;
  #at: number;

  constructor(start: number) {
    this.#lineStart = start;
    this.#at = start;
  }

  /** Where the body starts, or `undefined` if the empty line is not before `end`. */
  findBody(bytes: Uint8Array, end: number): number | undefined {
    while (this.#at < end) {
      const lineEnd = bytes.indexOf(LF, this.#at);
      if (lineEnd < 0 || lineEnd >= end) {
        this.#at = end;
        return undefined;
      }
      this.#at = lineEnd + 1;
      const length = lineEnd - this.#lineStart;
      const isEmpty = length === 0 || (length === 1 && bytes[lineEnd - 1] === CR);
      this.#lineStart = this.#at;
      if (isEmpty) return this.#at;
    }
    return undefined;
  }
}

/** Index of the first byte that is not part of an empty line (RFC 3261 §7.5). */
export function skipLineEnds(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && (bytes[at] === CR || bytes[at] === LF)) at += 1;
  return at;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * SIP is UTF-8 (RFC 3261 §7). Telephones that still write Latin-1 names are understood, so that
 * the name in a response is at least the one that was meant.
 */
function decode(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  }
}

/** Reads the lines of a head. A bare LF ends a line like CR LF does; a bare CR is a defect. */
export function readHead(bytes: Uint8Array, limits: SipLimits): SipHead {
  const lines = decode(bytes).split('\n');
  const headers = new SipHeaders();
  const startLine = withoutCr(lines[0] ?? '');
  let defect: HeadDefect | undefined;
  let pending: string[] = [];
  const finish = (): void => {
    if (pending.length === 0) return;
    const field = readField(pending.length === 1 ? (pending[0] ?? '') : pending.join(' '));
    pending = [];
    if (field === undefined) defect ??= 'bad-header-line';
    else headers.append(field.name, field.value);
  };
  for (let index = 1; index < lines.length; index += 1) {
    const line = withoutCr(lines[index] ?? '');
    if (line === '') break;
    if (line.startsWith(' ') || line.startsWith('\t')) {
      // Any fold reads as one space.
      if (pending.length === 0) defect ??= 'bad-header-line';
      else pending.push(trim(line));
      continue;
    }
    finish();
    if (headers.size >= limits.headerFields) {
      return { startLine, headers, defect: defect ?? 'too-many-headers' };
    }
    pending = [line];
  }
  finish();
  return { startLine, headers, defect };
}

function readField(line: string): { readonly name: string; readonly value: string } | undefined {
  const colon = line.indexOf(':');
  if (colon < 1 || line.includes('\r')) return undefined;
  const name = trim(line.slice(0, colon));
  return isToken(name) ? { name, value: trim(line.slice(colon + 1)) } : undefined;
}

function withoutCr(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
