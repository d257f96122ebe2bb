import * as z from "zod";
import { ItemQuery, listOf, UnixTime } from "./parts.ts";

export const Upload = z
  .custom<File>((value) => value instanceof File, "must be a file")
  .meta({ type: "string", format: "binary" });

export const StoredFile = z
  .object({
    id: z.string(),
    object: z.literal("file"),
    bytes: z.int(),
    created_at: UnixTime,
    filename: z.string(),
    purpose: z.string(),
    status: z.literal("processed"),
  })
  .meta({ id: "File" });

export const UploadFile = z
  .object({ file: Upload, purpose: z.string().trim().min(1).max(64).default("assistants") })
  .meta({ id: "UploadFile" });

export const FileQuery = ItemQuery.extend({
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
  purpose: z.string().max(64).optional(),
});

export const FileList = listOf(StoredFile).meta({ id: "FileList" });
export const FileDeleted = z
  .object({ id: z.string(), object: z.literal("file"), deleted: z.literal(true) })
  .meta({ id: "FileDeleted" });
