import type { SqlRow, SqlValue } from '../core/ports/sql-engine.ts';

/** How a field is stored. Only types that every engine has: booleans are 0 and 1, JSON is text. */
export type ColumnKind = 'text' | 'integer' | 'boolean' | 'json';

/** One column a field; a new field of the record does not compile until it has one. */
export type Columns<T> = { readonly [K in keyof T & string]-?: ColumnKind };

type StoredValue<V> = V extends string
  ? V
  : V extends number | boolean
    ? number
    : V extends undefined
      ? null
      : string;

/** The record as a row: `undefined` becomes NULL. */
export type Stored<T> = { [K in keyof T & string]: StoredValue<T[K]> };

/** `serverCallId` → `server_call_id`, as Kysely's `CamelCasePlugin` names columns. */
export function columnName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The values of a record in the order of its columns. */
export function encodeRow<T>(columns: Columns<T>, record: T): readonly SqlValue[] {
  return fieldsOf(columns).map((field) => encodeValue(columns[field], record[field]));
}

/** A record from a row; columns that the record does not have are left out. */
export function decodeRow<T>(columns: Columns<T>, row: SqlRow): T {
  const record: Record<string, unknown> = {};
  for (const field of fieldsOf(columns)) {
    record[field] = decodeValue(columns[field], row[columnName(field)]);
  }
  return record as T; // what was encoded by the same columns
}

export function fieldsOf<T>(columns: Columns<T>): readonly (keyof T & string)[] {
  return Object.keys(columns) as (keyof T & string)[];
}

/** An integer, whatever type the engine gives it: PostgreSQL gives 64-bit ones as text. */
export function decodeInteger(value: unknown): number {
  const integer = Number(value);
  if (!Number.isSafeInteger(integer)) throw new RangeError(`not an integer: ${String(value)}`);
  return integer;
}

function encodeValue(kind: ColumnKind, value: unknown): SqlValue {
  if (value === undefined || value === null) return null;
  switch (kind) {
    case 'text':
      return value as string;
    case 'integer':
      // Clocks may have parts of a millisecond; a column of integers has none.
      return Math.round(value as number);
    case 'boolean':
      return value === true ? 1 : 0;
    case 'json':
      return JSON.stringify(value);
  }
}

function decodeValue(kind: ColumnKind, value: unknown): unknown {
  if (value === undefined || value === null) return undefined;
  switch (kind) {
    case 'text':
      return value;
    case 'integer':
      return decodeInteger(value);
    case 'boolean':
      return decodeInteger(value) === 1;
    case 'json':
      return JSON.parse(value as string);
  }
}
