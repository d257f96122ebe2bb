import * as z from "zod";
import { Upload } from "./files.ts";
import { ItemQuery, listOf, Time, UnixTime } from "./parts.ts";

export const AttributeValue = z.union([z.string().max(512), z.number(), z.boolean()]);

export const FileAttributes = z
  .record(z.string().min(1).max(64), AttributeValue)
  .refine((attributes) => Object.keys(attributes).length <= 16, "has more than 16 keys");

export const ChunkingStrategy = z
  .discriminatedUnion("type", [
    z.object({ type: z.literal("auto") }),
    z.object({
      type: z.literal("static"),
      static: z
        .object({
          max_chunk_size_tokens: z.int().min(100).max(4096),
          chunk_overlap_tokens: z.int().min(0),
        })
        .refine(
          ({ max_chunk_size_tokens, chunk_overlap_tokens }) => chunk_overlap_tokens <= max_chunk_size_tokens / 2,
          "chunk_overlap_tokens must not exceed half of max_chunk_size_tokens",
        ),
    }),
  ])
  .meta({ id: "ChunkingStrategy" });

export const VectorStoreFile = z
  .object({
    id: z.string(),
    filename: z.string(),
    status: z.enum(["processed", "pending", "error"]),
    created_at: Time,
    bytes: z.int(),
    url: z.string().nullable().meta({ description: "Where it is fetched from" }),
    attributes: FileAttributes,
    error: z.string().nullable().meta({ description: "Why it cannot be read, or why it is not ready yet" }),
  })
  .meta({ id: "VectorStoreFile" });

export const OpenAiVectorStoreFile = z
  .object({
    id: z.string(),
    object: z.literal("vector_store.file"),
    created_at: UnixTime,
    vector_store_id: z.string(),
    usage_bytes: z.int(),
    status: z.enum(["in_progress", "completed", "failed", "cancelled"]),
    last_error: z
      .object({ code: z.enum(["server_error", "unsupported_file", "invalid_file"]), message: z.string() })
      .nullable(),
    chunking_strategy: z.object({
      type: z.literal("static"),
      static: z.object({ max_chunk_size_tokens: z.int(), chunk_overlap_tokens: z.int() }),
    }),
    attributes: FileAttributes,
    filename: z.string(),
  })
  .meta({ id: "OpenAiVectorStoreFile" });

export const FileOptions = { attributes: FileAttributes.nullish(), chunking_strategy: ChunkingStrategy.nullish() };

const Filename = z.string().trim().min(1).max(255);

/** A file that was uploaded before, a text that is given here and now, or what lies at an address. */
export const AddVectorStoreFile = z
  .union([
    z.object({ file_id: z.string().min(1).max(128), ...FileOptions }),
    z.object({ filename: Filename, content: z.string().min(1), ...FileOptions }),
    z.object({ url: z.string().min(1).max(2000), filename: Filename.optional(), ...FileOptions }),
  ])
  .meta({ id: "AddVectorStoreFile" });

const jsonField = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (typeof value === "string" ? parsedOr(value) : value), schema).optional();

/** What is no JSON stays a text, for the schema to refuse. */
function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

export const UploadVectorStoreFile = z
  .object({
    file: Upload,
    filename: Filename.optional(),
    attributes: jsonField(FileAttributes),
    chunking_strategy: jsonField(ChunkingStrategy),
  })
  .meta({ id: "UploadVectorStoreFile" });

export const UpdateVectorStoreFile = z
  .object({ attributes: FileAttributes.nullable() })
  .meta({ id: "UpdateVectorStoreFile" });

export const RetryVectorStoreFile = z
  .object({ chunking_strategy: ChunkingStrategy.nullish() })
  .meta({ id: "RetryVectorStoreFile" });

export const VectorStoreFileQuery = ItemQuery.extend({
  filter: z.enum(["in_progress", "completed", "failed", "cancelled"]).optional(),
});

export const VectorStoreFileList = listOf(VectorStoreFile).meta({ id: "VectorStoreFileList" });
export const OpenAiVectorStoreFileList = listOf(OpenAiVectorStoreFile).meta({ id: "OpenAiVectorStoreFileList" });
export const VectorStoreFileDeleted = z
  .object({ id: z.string(), object: z.literal("vector_store.file.deleted"), deleted: z.literal(true) })
  .meta({ id: "VectorStoreFileDeleted" });

export const VectorStoreFileContent = z
  .object({
    object: z.literal("vector_store.file_content.page"),
    data: z.array(z.object({ type: z.literal("text"), text: z.string() })),
    has_more: z.boolean(),
    next_page: z.string().nullable(),
  })
  .meta({ id: "VectorStoreFileContent" });
