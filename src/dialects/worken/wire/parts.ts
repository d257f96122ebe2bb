import type * as z from "zod";
import type { ItemPage } from "../../../core/item-pages.ts";
import type * as schemas from "../schemas.ts";

export type Wire<K extends keyof typeof schemas> = (typeof schemas)[K] extends z.ZodType
  ? z.input<(typeof schemas)[K]>
  : never;

export const time = (at: Date | number) => new Date(at).toISOString();
export const timeOrNull = (at: Date | number | null) => (at === null ? null : time(at));
export const unix = (at: Date) => Math.floor(at.getTime() / 1000);

/** A page in the one shape that lists of this kind have, whoever asks. */
export function listView<T extends { id: string }, V>({ items, hasMore }: ItemPage<T>, view: (item: T) => V) {
  const [first, last] = [items[0], items.at(-1)];
  return {
    object: "list" as const,
    data: items.map(view),
    first_id: first?.id ?? null,
    last_id: last?.id ?? null,
    has_more: hasMore,
  };
}
