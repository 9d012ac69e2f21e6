import { Type } from 'typebox';
import { TapedeckError } from '../../core/error.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;

export type PageInput = {
  /** 1 to 500, 50 by default. */
  limit?: string;
  /** ISO 8601; only what is older. */
  before?: string;
};

export const PageQuery: Type.TUnsafe<PageInput> = Type.Unsafe(
  Type.Object({
    limit: Type.Optional(Type.String({ pattern: '^[0-9]{1,4}$' })),
    before: Type.Optional(Type.String({ format: 'date-time' })),
  }),
);

export function limitOf(query: PageInput): number {
  const limit = query.limit === undefined ? DEFAULT_LIMIT : Number(query.limit);
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new TapedeckError(
    'argument-invalid',
    `Invalid argument: limit has to be 1 to ${MAX_LIMIT}.`,
    { field: 'limit' },
  );
}

export function isoTime(timeMs: number): string;
export function isoTime(timeMs: number | undefined): string | undefined;
export function isoTime(timeMs: number | undefined): string | undefined {
  return timeMs === undefined ? undefined : new Date(timeMs).toISOString();
}
