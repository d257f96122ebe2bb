import * as z from "zod";
import { Time, UnixTime } from "./parts.ts";
import { FileOptions } from "./vector-store-files.ts";
import { FileCounts } from "./vector-stores.ts";

const MOST_FILES = 2000;
const FileId = z.string().min(1).max(128);
const Batched = z.object({ file_id: FileId, ...FileOptions });

/** Both shapes become a list of files with what is wanted of each; who mixes them is told so. */
export const CreateFileBatch = z
  .union([
    z
      .looseObject({ file_ids: z.array(FileId).min(1).max(MOST_FILES), ...FileOptions })
      .refine(({ files }) => files === undefined, "file_ids and files exclude each other")
      .transform(({ file_ids, attributes, chunking_strategy }) =>
        file_ids.map((file_id) => ({ file_id, attributes, chunking_strategy })),
      ),
    z
      .looseObject({ files: z.array(Batched).min(1).max(MOST_FILES) })
      .refine(({ file_ids }) => file_ids === undefined, "file_ids and files exclude each other")
      .transform(({ files }) => files),
  ])
  .meta({ id: "CreateFileBatch" });

const BatchStatus = z.enum(["in_progress", "completed", "cancelled", "failed"]).meta({
  description: "`failed`: none of the files could be read",
});

export const FileBatch = z
  .object({
    id: z.string(),
    vector_store_id: z.string(),
    status: BatchStatus,
    file_counts: FileCounts,
    created_at: Time,
  })
  .meta({ id: "FileBatch" });

export const OpenAiFileBatch = z
  .object({
    id: z.string(),
    object: z.literal("vector_store.files_batch"),
    created_at: UnixTime,
    vector_store_id: z.string(),
    status: BatchStatus,
    file_counts: FileCounts,
  })
  .meta({ id: "OpenAiFileBatch" });
