import { pino } from 'pino';
import type { LogFields, Logger } from '../core/ports/log.ts';

/** Structured log lines (JSON) to standard error; standard output is for what people read. */
export function createLogger(level: 'debug' | 'info' | 'warn' | 'error' | 'silent'): Logger {
  return wrap(
    pino(
      { level, base: null, serializers: { error: pino.stdSerializers.err } },
      pino.destination({ dest: 2, sync: false }),
    ),
  );
}

type PinoLike = {
  debug(fields: LogFields, sentence: string): void;
  info(fields: LogFields, sentence: string): void;
  warn(fields: LogFields, sentence: string): void;
  error(fields: LogFields, sentence: string): void;
  child(fields: LogFields): PinoLike;
};

function wrap(inner: PinoLike): Logger {
  return {
    debug: (fields, sentence) => {
      inner.debug(fields, sentence);
    },
    info: (fields, sentence) => {
      inner.info(fields, sentence);
    },
    warn: (fields, sentence) => {
      inner.warn(fields, sentence);
    },
    error: (fields, sentence) => {
      inner.error(fields, sentence);
    },
    child: (fields) => wrap(inner.child(fields)),
  };
}
