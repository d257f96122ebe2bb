import * as z from "zod";

const Key = z.string().min(1).max(500);
const File = z.object({
  ref: z.string(),
  name: z.string(),
  mediaType: z.string(),
  sizeBytes: z.number().nullable(),
});
const Shared = z.object({
  eventId: Key,
  chatKey: Key,
  sender: z.object({ key: Key, name: z.string().nullable(), avatarUrl: z.string().nullish() }).nullable(),
  at: z.number().nullable(),
});

/** What must hold of an `Incoming` for it to be stored: a vendor's call may have fields that are not what they should be. */
export const IncomingShape = z.discriminatedUnion("type", [
  Shared.extend({ type: z.literal("message"), messageKey: Key, text: z.string(), files: z.array(File) }),
  Shared.extend({ type: z.literal("edit"), messageKey: Key, text: z.string() }),
  Shared.extend({ type: z.literal("decision"), approvalId: Key, approved: z.boolean() }),
  Shared.extend({ type: z.literal("reachability"), reachable: z.boolean() }),
]);
