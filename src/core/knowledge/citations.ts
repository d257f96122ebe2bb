import type { Citation, MessagePart } from "../messages.ts";

export type { Citation } from "../messages.ts";

export const citationsIn = (parts: MessagePart[]): Citation[] =>
  parts.flatMap((part) => {
    if (part.type !== "source") return [];
    const { type: _type, ...citation } = part;
    return [citation];
  });

export type CitationData = {
  number: number;
  vector_store_id: string;
  file_id: string;
  filename: string;
  headings: string[];
  place: string | null;
  text: string;
  score: number;
};

/** In the shape in which messages and streams show it. */
export const citationData = ({ storeId, documentId, ...citation }: Citation): CitationData => ({
  number: citation.number,
  vector_store_id: storeId,
  file_id: documentId,
  filename: citation.filename,
  headings: citation.headings,
  place: citation.place,
  text: citation.text,
  score: citation.score,
});
