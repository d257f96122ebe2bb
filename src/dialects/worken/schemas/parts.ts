import * as z from "zod";

/** What the shapes of the API are made of. */

export const Time = z.string().meta({ format: "date-time" });
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
