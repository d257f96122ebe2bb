import type * as z from "zod";
import type * as schemas from "../schemas.ts";

export type Wire<K extends keyof typeof schemas> = (typeof schemas)[K] extends z.ZodType
  ? z.input<(typeof schemas)[K]>
  : never;

export const time = (at: Date | number) => new Date(at).toISOString();
export const timeOrNull = (at: Date | number | null) => (at === null ? null : time(at));
