import * as z from "zod";

/** Vector stores and files: in this API's own shapes, and in those that OpenAI's client expects. */

const Time = z.string().meta({ format: "date-time" });
const UnixTime = z.int().meta({ description: "Seconds since 1970" });
const Name = z.string().trim().min(1).max(256);

/** Lists are walked by the ids of their items. */
export const ItemQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  order: z.enum(["asc", "desc"]).default("desc"),
  after: z.string().min(1).max(128).optional(),
  before: z.string().min(1).max(128).optional(),
});

const listOf = <T extends z.ZodType>(item: T) =>
  z.object({
    object: z.literal("list"),
    data: z.array(item),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  });

const Metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((metadata) => Object.keys(metadata).length <= 16, "has more than 16 keys");

const AttributeValue = z.union([z.string().max(512), z.number(), z.boolean()]);

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

const ExpiresAfter = z.object({ anchor: z.literal("last_active_at"), days: z.int().min(1).max(365) });

export const EmbeddingModelName = z
  .string()
  .max(200)
  .regex(/^[a-z0-9-]+\/\S+$/, "must be provider/name, for example openai/text-embedding-3-small");

/** An error where OpenAI's shapes are asked for. */
export const OpenAiError = z
  .object({
    error: z.object({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string() }),
    request_id: z.string(),
  })
  .meta({ id: "OpenAiError" });

// Stores

const FileCounts = z.object({
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
    name: Name.nullish(),
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
    name: Name.nullish(),
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

// Files of a store

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

const FileOptions = { attributes: FileAttributes.nullish(), chunking_strategy: ChunkingStrategy.nullish() };
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

const Upload = z
  .custom<File>((value) => value instanceof File, "must be a file")
  .meta({ type: "string", format: "binary" });

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

// Batches of files

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

// Search

const Key = z.string().min(1).max(64);
const Comparison = z.object({
  type: z.enum(["eq", "ne", "gt", "gte", "lt", "lte"]),
  key: Key,
  value: AttributeValue,
});
const Membership = z.object({
  type: z.enum(["in", "nin"]),
  key: Key,
  value: z.array(z.union([z.string().max(512), z.number()])).max(1000),
});

type Filter = z.output<typeof Comparison> | z.output<typeof Membership> | { type: "and" | "or"; filters: Filter[] };

export const SearchFilter: z.ZodType<Filter, Filter> = z
  .union([
    Comparison,
    Membership,
    z.object({
      type: z.enum(["and", "or"]),
      filters: z
        .array(z.lazy(() => SearchFilter))
        .min(1)
        .max(20),
    }),
  ])
  .meta({ id: "SearchFilter" });

const Query = z.string().trim().min(1).max(4096);

export const SearchVectorStore = z
  .object({
    query: z.union([Query, z.array(Query).min(1).max(5)]),
    max_num_results: z.int().min(1).max(50).default(10),
    filters: SearchFilter.nullish(),
    ranking_options: z.object({ score_threshold: z.number().min(0).max(1).optional() }).nullish(),
    rewrite_query: z.boolean().optional(),
  })
  .meta({ id: "SearchVectorStore" });

export const SearchResults = z
  .object({
    object: z.literal("vector_store.search_results.page"),
    search_query: z.array(z.string()),
    data: z.array(
      z.object({
        file_id: z.string(),
        filename: z.string(),
        score: z.number(),
        attributes: FileAttributes,
        content: z.array(z.object({ type: z.literal("text"), text: z.string() })),
        headings: z.array(z.string()),
        place: z.string().nullable(),
      }),
    ),
    has_more: z.boolean(),
    next_page: z.string().nullable(),
  })
  .meta({ id: "SearchResults" });

// Uploaded files

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
