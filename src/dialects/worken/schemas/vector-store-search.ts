import * as z from "zod";
import { AttributeValue, FileAttributes } from "./vector-store-files.ts";

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

/** What is found has one order, by words and meaning together, whichever of OpenAI's rankers is named. */
const RankingOptions = z.strictObject({
  ranker: z.enum(["none", "auto", "default-2024-11-15"]).optional(),
  score_threshold: z.number().min(0).max(1).optional(),
});

export const SearchVectorStore = z
  .object({
    query: z.union([Query, z.array(Query).min(1).max(5)]),
    max_num_results: z.int().min(1).max(50).default(10),
    filters: SearchFilter.nullish(),
    ranking_options: RankingOptions.nullish(),
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
