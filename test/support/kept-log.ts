import { inspect } from 'node:util';
import type { LogFields, Logger } from '../../src/core/ports/log.ts';

/** Keeps what is logged, causes and hidden properties of errors included. */
export class KeptLog implements Logger {
  readonly #lines: string[] = [];

  get text(): string {
    return this.#lines.join('\n');
  }

  debug(fields: LogFields, message: string): void {
    this.#keep(fields, message);
  }

  info(fields: LogFields, message: string): void {
    this.#keep(fields, message);
  }

  warn(fields: LogFields, message: string): void {
    this.#keep(fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.#keep(fields, message);
  }

  child(): Logger {
    return this;
  }

  #keep(fields: LogFields, message: string): void {
    this.#lines.push(`${message} ${inspect(fields, { depth: 20, showHidden: true })}`);
  }
}
