import { getTableColumns, getTableName, sql } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { portionsOf } from "../lib/portions.ts";
import { inBatch, type Db } from "./client.ts";

/**
 * Statements, for a batch, that insert any number of whole rows: they travel as JSON, since D1 takes a hundred parameters in
 * each. `onConflict`: what of an upsert comes after its `on conflict`.
 */
export function insertRows<T extends SQLiteTable>(db: Db, table: T, rows: T["$inferSelect"][], onConflict: string) {
  const columns = Object.entries(getTableColumns(table)) as [string, SQLiteColumn][];
  const names = columns.map(([, { name }]) => name).join(", ");
  const values = columns.map((_, index) => `value ->> ${index}`).join(", ");
  const texts = rows.map((row) =>
    JSON.stringify(columns.map(([key, column]) => stored(column, (row as Record<string, unknown>)[key]))),
  );
  return portionsOf(texts).map((portion) =>
    inBatch(
      db,
      sql`${sql.raw(`insert into ${getTableName(table)} (${names}) select ${values} from json_each(`)}${`[${portion.join()}]`})
        where true on conflict ${sql.raw(onConflict)}`,
    ),
  );
}

const stored = (column: SQLiteColumn, value: unknown) => (value === null ? null : column.mapToDriverValue(value));

/** Every column but those of the key, as the row that was not inserted has them. */
export const allExcluded = (table: SQLiteTable, key: string[]): string =>
  Object.values(getTableColumns(table))
    .filter(({ name }) => !key.includes(name))
    .map(({ name }) => `${name} = excluded.${name}`)
    .join(", ");
