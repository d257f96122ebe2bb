import { path, type CallOptions, type Connection } from "./connection.ts";
import { formOf, type Upload } from "./files.ts";
import { pause } from "./patience.ts";
import type {
  AddVectorStoreFile,
  CreateFileBatch,
  CreateVectorStore,
  FileBatch,
  ItemQuery,
  SearchResults,
  SearchVectorStore,
  UpdateVectorStore,
  UpdateVectorStoreFile,
  VectorStore,
  VectorStoreDeleted,
  VectorStoreFile,
  VectorStoreFileContent,
  VectorStoreFileDeleted,
  VectorStoreFileList,
  VectorStoreFileQuery,
  VectorStoreList,
} from "./types.ts";

const POLL_MS = 500;

/** The documents that bots answer from. */
export const vectorStores = (connection: Connection) => ({
  /** Newest first. */
  list: (query?: ItemQuery, options?: CallOptions) =>
    connection.list<VectorStoreList>("/vector_stores", query, options),
  create: (store: CreateVectorStore & { name: string }, options?: CallOptions) =>
    connection.post<VectorStore>("/vector_stores", store, options),
  get: (storeId: string, options?: CallOptions) =>
    connection.get<VectorStore>(path`/vector_stores/${storeId}`, options),
  update: (storeId: string, changes: UpdateVectorStore, options?: CallOptions) =>
    connection.post<VectorStore>(path`/vector_stores/${storeId}`, changes, options),
  delete: (storeId: string, options?: CallOptions) =>
    connection.delete<VectorStoreDeleted>(path`/vector_stores/${storeId}`, options),
  search: (storeId: string, search: SearchVectorStore, options?: CallOptions) =>
    connection.post<SearchResults>(path`/vector_stores/${storeId}/search`, search, options),
  files: files(connection),
  batches: batches(connection),
});

function files(connection: Connection) {
  const get = (storeId: string, fileId: string, options?: CallOptions) =>
    connection.get<VectorStoreFile>(path`/vector_stores/${storeId}/files/${fileId}`, options);
  return {
    /** Newest first. */
    list: (storeId: string, query?: VectorStoreFileQuery, options?: CallOptions) =>
      connection.list<VectorStoreFileList>(path`/vector_stores/${storeId}/files`, query, options),
    /** A text, what lies at an address, or a file that was uploaded before. */
    add: (storeId: string, file: AddVectorStoreFile, options?: CallOptions) =>
      connection.post<VectorStoreFile>(path`/vector_stores/${storeId}/files`, file, options),
    upload: (
      storeId: string,
      file: Upload,
      { attributes }: { attributes?: VectorStoreFile["attributes"] } = {},
      options?: CallOptions,
    ) => {
      const form = formOf(file, attributes && { attributes: JSON.stringify(attributes) });
      return connection.post<VectorStoreFile>(path`/vector_stores/${storeId}/files`, form, options);
    },
    get,
    /** The file once it has been read, or cannot be. */
    async settled(storeId: string, fileId: string, options?: CallOptions): Promise<VectorStoreFile> {
      for (;;) {
        const file = await get(storeId, fileId, options);
        if (file.status !== "pending") return file;
        await pause(POLL_MS, options?.signal);
      }
    },
    update: (storeId: string, fileId: string, changes: UpdateVectorStoreFile, options?: CallOptions) =>
      connection.post<VectorStoreFile>(path`/vector_stores/${storeId}/files/${fileId}`, changes, options),
    /** Reads it anew. */
    retry: (storeId: string, fileId: string, options?: CallOptions) =>
      connection.post<VectorStoreFile>(path`/vector_stores/${storeId}/files/${fileId}/retry`, {}, options),
    /** The text that was read from it. */
    content: (storeId: string, fileId: string, options?: CallOptions) =>
      connection.get<VectorStoreFileContent>(path`/vector_stores/${storeId}/files/${fileId}/content`, options),
    delete: (storeId: string, fileId: string, options?: CallOptions) =>
      connection.delete<VectorStoreFileDeleted>(path`/vector_stores/${storeId}/files/${fileId}`, options),
  };
}

const batches = (connection: Connection) => ({
  create: (storeId: string, batch: CreateFileBatch, options?: CallOptions) =>
    connection.post<FileBatch>(path`/vector_stores/${storeId}/file_batches`, batch, options),
  get: (storeId: string, batchId: string, options?: CallOptions) =>
    connection.get<FileBatch>(path`/vector_stores/${storeId}/file_batches/${batchId}`, options),
  cancel: (storeId: string, batchId: string, options?: CallOptions) =>
    connection.post<FileBatch>(path`/vector_stores/${storeId}/file_batches/${batchId}/cancel`, undefined, options),
  files: (storeId: string, batchId: string, query?: VectorStoreFileQuery, options?: CallOptions) =>
    connection.list<VectorStoreFileList>(path`/vector_stores/${storeId}/file_batches/${batchId}/files`, query, options),
});
