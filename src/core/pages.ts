import { and, eq, gt, lt, or, type Column, type SQL } from "drizzle-orm";
import { DomainError } from "./errors.ts";

/** One page of a list; `next` continues after it, and is null at the end. */
export type Page<T> = { items: T[]; next: string | null };
export type PageRequest = { limit: number; cursor?: string | undefined };
/** In a list that can be read from either end; absent: the oldest first. */
export type OrderedPageRequest = PageRequest & { order?: "asc" | "desc" };

/** Where a page ends in a list that is ordered by time and, among equal times, by id. */
export type Position = { at: number; id: string };

export const positionCursor = ({ at, id }: Position) => btoa(`${at} ${id}`).replaceAll("=", "");

export function readPosition(cursor: string): Position {
  const match = /^(\d{1,15}) ([A-Za-z0-9._:-]{1,128})$/.exec(fromBase64(cursor));
  if (!match) throw new DomainError("invalid", "cursor: not one that this list gave", { issues: [BAD_CURSOR] });
  return { at: Number(match[1]), id: match[2]! };
}

const BAD_CURSOR = { path: "cursor", message: "not one that this list gave" };

function fromBase64(text: string): string {
  try {
    return atob(text);
  } catch {
    return "";
  }
}

/** Cuts a page out of `limit + 1` rows: the one too many tells that there is more. */
export function pageOf<T>(rows: T[], limit: number, position: (row: T) => Position): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last ? positionCursor(position(last)) : null };
}

/** For rows that know when they were created. */
export const pageByCreation = <T extends { id: string; createdAt: Date }>(rows: T[], limit: number) =>
  pageOf(rows, limit, (row) => ({ at: row.createdAt.getTime(), id: row.id }));

/** The condition for what comes after a cursor, in a list ordered by creation. */
export function afterCursor(
  cursor: string | undefined,
  table: { createdAt: Column; id: Column },
  order: "oldest first" | "newest first" = "oldest first",
): SQL | undefined {
  if (!cursor) return undefined;
  const { at, id } = readPosition(cursor);
  const [time, beyond] = [new Date(at), order === "oldest first" ? gt : lt];
  return or(beyond(table.createdAt, time), and(eq(table.createdAt, time), beyond(table.id, id)));
}
