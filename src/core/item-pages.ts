import { and, asc, desc, eq, gt, lt, or, type Column, type SQL } from "drizzle-orm";
import { invalid } from "./errors.ts";

/** One page of a list that is walked from item to item: after one, or before one. */
export type ItemPageRequest = { limit: number; order: "asc" | "desc"; after?: string; before?: string };
export type ItemPage<T> = { items: T[]; hasMore: boolean };

type Item = { id: string; createdAt: Date };
export type ItemPart = { where: SQL | undefined; orderBy: SQL[]; limit: number };

/** Reads one page of items in the order of their creation; `find` looks up the item that the request names. */
export async function readItems<T extends Item>(
  request: ItemPageRequest,
  table: { createdAt: Column; id: Column },
  find: (id: string) => Promise<Item | undefined>,
  read: (part: ItemPart) => Promise<T[]>,
): Promise<ItemPage<T>> {
  const { limit, order, after, before } = request;
  const backwards = before !== undefined && after === undefined;
  const ascending = (order === "asc") !== backwards;
  const bounds = await Promise.all([
    bound(after, "after", order === "asc", table, find),
    bound(before, "before", order !== "asc", table, find),
  ]);
  const direction = ascending ? asc : desc;
  const orderBy = [direction(table.createdAt), direction(table.id)];
  const rows = await read({ where: and(...bounds), orderBy, limit: limit + 1 });
  const items = rows.slice(0, limit);
  return { items: backwards ? items.toReversed() : items, hasMore: rows.length > limit };
}

async function bound(
  id: string | undefined,
  name: string,
  isLater: boolean,
  table: { createdAt: Column; id: Column },
  find: (id: string) => Promise<Item | undefined>,
): Promise<SQL | undefined> {
  if (id === undefined) return undefined;
  const item = await find(id);
  if (!item) throw invalid(name, "not an item of this list");
  const beyond = isLater ? gt : lt;
  return or(
    beyond(table.createdAt, item.createdAt),
    and(eq(table.createdAt, item.createdAt), beyond(table.id, item.id)),
  );
}
