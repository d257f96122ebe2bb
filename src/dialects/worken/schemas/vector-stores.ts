import * as z from "zod";
import { listOf, Time, UnixTime } from "./parts.ts";
import { ChunkingStrategy } from "./vector-store-files.ts";

const StoreName = z.string().trim().min(1).max(256);

const Metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((metadata) => Object.keys(metadata).length <= 16, "has more than 16 keys");

const ExpiresAfter = z.object({ anchor: z.literal("last_active_at"), days: z.int().min(1).max(365) });

export const EmbeddingModelName = z
  .string()
  .max(200)
  .regex(/^[a-z0-9-]+\/\S+$/, "must be provider/name, for example openai/text-embedding-3-small");

/** How far the files of a store are. */
export const FileCounts = z.object({
  in_progress: z.int(),
  completed: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  total: z.int(),
});

export const VectorStore = z
  .object({
    id: z.string(),
    name: z.string(),
    file_count: z.int(),
    file_counts: FileCounts,
    status: z.enum(["ready", "indexing", "error"]),
    created_at: Time,
    embedding_model: z.string(),
    metadata: Metadata,
    expires_at: Time.nullable(),
  })
  .meta({ id: "VectorStore" });

export const OpenAiVectorStore = z
  .object({
    id: z.string(),
    object: z.literal("vector_store"),
    created_at: UnixTime,
    name: z.string(),
    description: z.string().nullable(),
    usage_bytes: z.int(),
    file_counts: FileCounts,
    status: z.enum(["expired", "in_progress", "completed"]),
    expires_after: ExpiresAfter.nullable(),
    expires_at: UnixTime.nullable(),
    last_active_at: UnixTime,
    metadata: Metadata,
    embedding_model: z.string(),
  })
  .meta({ id: "OpenAiVectorStore" });

export const CreateVectorStore = z
  .object({
    name: StoreName.nullish(),
    description: z.string().max(2000).nullish(),
    file_ids: z.array(z.string().max(128)).max(500).nullish(),
    expires_after: ExpiresAfter.nullish(),
    chunking_strategy: ChunkingStrategy.nullish(),
    metadata: Metadata.nullish(),
    embedding_model: EmbeddingModelName.optional(),
  })
  .meta({ id: "CreateVectorStore" });

export const UpdateVectorStore = z
  .object({
    name: StoreName.nullish(),
    description: z.string().max(2000).nullish(),
    expires_after: ExpiresAfter.nullish(),
    metadata: Metadata.nullish(),
    /** All vectors are made anew; searches use the present ones until that is done. */
    embedding_model: EmbeddingModelName.optional(),
  })
  .meta({ id: "UpdateVectorStore" });

export const VectorStoreList = listOf(VectorStore).meta({ id: "VectorStoreList" });
export const OpenAiVectorStoreList = listOf(OpenAiVectorStore).meta({ id: "OpenAiVectorStoreList" });
export const VectorStoreDeleted = z
  .object({ id: z.string(), object: z.literal("vector_store.deleted"), deleted: z.literal(true) })
  .meta({ id: "VectorStoreDeleted" });
