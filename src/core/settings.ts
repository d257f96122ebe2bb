import { sql, type Column } from "drizzle-orm";
import { mergePatch } from "../db/client.ts";
import type { JsonObject } from "../db/schema.ts";
import { invalid } from "./errors.ts";

const MOST_BYTES = 65_536;

export const outgrown = (field: string) =>
  invalid(field, `must be at most ${MOST_BYTES} bytes of JSON, together with what is there already`);

/** Refuses free-form settings that are too large to be read with every request. */
export function requireSmall(field: string, settings: JsonObject | undefined): void {
  const { byteLength } = new TextEncoder().encode(JSON.stringify(settings ?? {}));
  if (byteLength > MOST_BYTES) throw outgrown(field);
}

/** The condition under which a merge patch leaves settings small: many small patches must not add up. */
export const staysSmall = (column: Column, patch: JsonObject | undefined) =>
  patch && sql`length(cast(${mergePatch(column, patch)} as blob)) <= ${MOST_BYTES}`;
