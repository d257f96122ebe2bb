import type { StoredFile } from "../../../core/knowledge/stored-files.ts";
import { type Wire, unix } from "./parts.ts";

export const storedFileView = (file: StoredFile): Wire<"StoredFile"> => ({
  id: file.id,
  object: "file",
  bytes: file.bytes,
  created_at: unix(file.createdAt),
  filename: file.filename,
  purpose: file.purpose,
  status: "processed",
});
