import { invalid } from "../errors.ts";

type Value = string | number | boolean;

/** Which documents a search may look into, by their attributes. */
export type AttributeFilter =
  | { type: "eq" | "ne" | "gt" | "gte" | "lt" | "lte"; key: string; value: Value }
  | { type: "in" | "nin"; key: string; value: (string | number)[] }
  | { type: "and" | "or"; filters: AttributeFilter[] };

export type Condition = { sql: string; bindings: (string | number)[] };

/** D1 takes a hundred parameters in a statement; the search itself needs a few. */
const MOST_BINDINGS = 80;

const OPERATORS = { eq: "=", ne: "<>", gt: ">", gte: ">=", lt: "<", lte: "<=" } as const;

/** The filter as one more condition on `d`, the documents; keys and values are bound, never written into the text. */
export function filterCondition(filter: AttributeFilter | null): Condition {
  if (!filter) return { sql: "", bindings: [] };
  const { sql, bindings } = conditionOf(filter);
  if (bindings.length > MOST_BINDINGS) throw invalid("filters", "has too many conditions");
  return { sql: `and ${sql}`, bindings };
}

function conditionOf(filter: AttributeFilter): Condition {
  switch (filter.type) {
    case "and":
    case "or":
      return joined(filter.filters.map(conditionOf), filter.type);
    case "in":
    case "nin": {
      const operator = filter.type === "in" ? "in" : "not in";
      const sql = `coalesce((${ATTRIBUTE}) ${operator} (select value from json_each(?)), ${filter.type === "nin"})`;
      return { sql, bindings: [filter.key, JSON.stringify(filter.value)] };
    }
    default:
      return compared(filter);
  }
}

/** The value under a key, or null; found by comparing keys, so that a key may hold any characters. */
const ATTRIBUTE = "select value from json_each(d.attributes) where key = ?";

/** Numbers compare with numbers and texts with texts; a document without the key differs from every value. */
function compared({ type, key, value }: AttributeFilter & { key: string; value: Value }): Condition {
  const bound = typeof value === "boolean" ? Number(value) : value;
  const kinds =
    typeof value === "string" ? "'text'" : typeof value === "boolean" ? "'true', 'false'" : "'integer', 'real'";
  const operator = OPERATORS[type as keyof typeof OPERATORS];
  const sql = `coalesce((select value ${operator} ? from json_each(d.attributes) where key = ? and type in (${kinds})), ${type === "ne"})`;
  return { sql, bindings: [bound, key] };
}

const joined = (conditions: Condition[], operator: "and" | "or"): Condition => ({
  sql: `(${conditions.map(({ sql }) => sql).join(` ${operator} `) || "true"})`,
  bindings: conditions.flatMap(({ bindings }) => bindings),
});
