import { path, type CallOptions, type Connection } from "./connection.ts";
import type { FileDeleted, FileList, FileQuery, StoredFile } from "./types.ts";

/** A `File` has a name of its own. */
export type Upload = File | { data: Blob; filename: string };

/** Uploaded files, to be put into any number of vector stores. */
export const files = (connection: Connection) => ({
  /** Newest first. */
  list: (query?: FileQuery, options?: CallOptions) => connection.list<FileList>("/files", query, options),
  upload: (file: Upload, options?: CallOptions) => connection.post<StoredFile>("/files", formOf(file), options),
  get: (fileId: string, options?: CallOptions) => connection.get<StoredFile>(path`/files/${fileId}`, options),
  async content(fileId: string, options?: CallOptions): Promise<Blob> {
    const response = await connection.open({ ...options, method: "GET", path: path`/files/${fileId}/content` });
    return response.blob();
  },
  delete: (fileId: string, options?: CallOptions) => connection.delete<FileDeleted>(path`/files/${fileId}`, options),
});

export function formOf(file: Upload, fields: Record<string, string> = {}): FormData {
  const form = new FormData();
  const { data, filename } = "data" in file ? file : { data: file, filename: file.name };
  form.append("file", data, filename);
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}
