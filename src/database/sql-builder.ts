import {
  CamelCasePlugin,
  DummyDriver,
  Kysely,
  sql,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type Compilable,
} from 'kysely';
import { encodeRow, fieldsOf, type Columns } from './row-codec.ts';
import type { SqlStatement, SqlValue } from '../core/ports/sql-engine.ts';
import type { Tables } from './tables.ts';

/** Builds SQL text and runs none of it: what it compiles goes to a `SqlExecutor`. */
export type SqlBuilder = Kysely<Tables>;

export function sqliteBuilder(): SqlBuilder {
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
    plugins: [new CamelCasePlugin()],
  });
}

export function statement(query: Compilable): SqlStatement {
  const { sql: text, parameters } = query.compile();
  return { sql: text, parameters: parameters as readonly SqlValue[] };
}

export type Insert<T> = {
  readonly table: keyof Tables;
  readonly columns: Columns<T>;
  readonly key: keyof T & string;
  /** What a record of the same key does: `replace` the earlier one as a whole, or nothing. */
  readonly onConflict: 'replace' | 'keep';
};

/**
 * A function that makes the statement for one record. The text is compiled once, since it is the
 * same for every record of a table, and engines keep statements prepared by their text.
 */
export function insertOf<T>(builder: SqlBuilder, insert: Insert<T>): (record: T) => SqlStatement {
  const fields = fieldsOf(insert.columns);
  const names = fields.map((field) => sql.ref(field));
  const conflict =
    insert.onConflict === 'keep'
      ? sql`do nothing`
      : sql`do update set ${sql.join(
          fields
            .filter((field) => field !== insert.key)
            .map((field) => sql`${sql.ref(field)} = ${sql.ref(`excluded.${field}`)}`),
        )}`;
  const text = sql`insert into ${sql.table(insert.table)} (${sql.join(names)})
    values (${sql.join(fields.map(() => null))})
    on conflict (${sql.ref(insert.key)}) ${conflict}`.compile(builder).sql;
  return (record) => ({ sql: text, parameters: encodeRow(insert.columns, record) });
}

/** Stands where a value will stand. */
class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * A function that makes a statement from its arguments, of a query that is built and compiled once:
 * `parameter(name)` stands for the argument of this name, and may not be calculated with.
 */
export function template<A extends Readonly<Record<string, SqlValue>>>(
  build: (parameter: <K extends keyof A & string>(name: K) => A[K]) => Compilable,
): (args: A) => SqlStatement {
  // Kysely hands values through to the parameters of the compiled query, whatever they are.
  const { sql: text, parameters } = build((name) => new Placeholder(name) as never).compile();
  return (args) => ({
    sql: text,
    parameters: parameters.map((value) =>
      value instanceof Placeholder ? (args[value.name] ?? null) : (value as SqlValue),
    ),
  });
}
