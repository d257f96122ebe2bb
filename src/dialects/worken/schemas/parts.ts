import * as z from "zod";

/** What the shapes of the API are made of. */

export const Time = z.string().meta({ format: "date-time", example: "2026-11-25T09:30:00.000Z" });
export const UnixTime = z.int().meta({ description: "Seconds since 1970" });
/** Shown in browsers: no `javascript:`, no `data:`. */
export const WebUrl = z.url({ protocol: /^https?$/, error: "must be an http or https URL" });
export const Status = z.enum(["active", "disabled", "error"]);
export const Name = z.string().trim().min(1).max(200);
export const Mode = z.enum(["auto", "manual", "operator", "blocked"]);

/** Bare lists are paged too: `limit` and `cursor`, and the next page in a `Link` header. */
export const ListQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(1000),
  cursor: z.string().max(500).optional(),
});

export const ErrorBody = z
  .object({
    error: z.string(),
    message: z.string(),
    statusCode: z.int(),
    issues: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    request_id: z.string(),
  })
  .meta({ id: "Error" });

/** An error where OpenAI's shapes are asked for. */
export const OpenAiError = z
  .object({
    error: z.object({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string() }),
    request_id: z.string(),
  })
  .meta({ id: "OpenAiError" });

/** Lists in the shape of OpenAI's are walked by the ids of their items. */
export const ItemQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  order: z.enum(["asc", "desc"]).default("desc"),
  after: z.string().min(1).max(128).optional(),
  before: z.string().min(1).max(128).optional(),
});

export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({
    object: z.literal("list"),
    data: z.array(item),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  });
