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
import type { SqlStatement, SqlValue } from './sql-executor.ts';
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
