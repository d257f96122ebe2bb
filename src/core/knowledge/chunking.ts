import type { Chunking } from "../../db/schema.ts";

export type { Chunking } from "../../db/schema.ts";

/** How a document is cut where nobody says otherwise. */
export const DEFAULT_CHUNKING: Chunking = { maxTokens: 400, overlapTokens: 80 };
