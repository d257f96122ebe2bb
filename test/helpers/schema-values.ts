import * as z from "zod";
import type { Ids } from "./populate.ts";
import { kindOf, type RouteRow } from "./routes.ts";

/** As much of JSON Schema as zod writes. */
type Node = {
  $ref?: string;
  $defs?: Record<string, Node>;
  type?: string;
  const?: unknown;
  enum?: unknown[];
  examples?: unknown[];
  anyOf?: Node[];
  oneOf?: Node[];
  allOf?: Node[];
  properties?: Record<string, Node>;
  additionalProperties?: Node | boolean;
  items?: Node;
  format?: string;
  pattern?: string;
  minimum?: number;
  minLength?: number;
};

export type Path = (string | number)[];

/** What a string is, where its schema says less than its check does: by the field's name, else the first that its pattern allows. */
const BY_NAME: Record<string, string> = {
  scheduledAt: "2020-01-01T00:00:00Z",
  url: "https://hooks.receiver.example/in",
};
/** Bodies whose fields exclude each other, by the schema's id. */
const BY_SCHEMA: Record<string, object[]> = {
  CreateSchedule: [
    {
      text: "Are you still there?",
      scheduledAt: new Date(Date.now() + 3_600_000).toISOString(),
      cancel_if_reply: true,
    },
    { task: "Say hello.", cron: "0 9 * * 1", time_zone: "Europe/Berlin", max_executions: 10, missed: "skip" },
  ],
};
const CANDIDATES = [
  "text",
  "embedded/reply",
  "2020-01-01T00:00:00Z",
  "0 9 * * *",
  "a@example.com",
  "10:00",
  "+1234567",
];

/**
 * Bodies that a schema accepts, with every field that it knows and the caller's own ids in them; one for each shape of a
 * union. Throws a sentence where the schema alone does not tell what it accepts.
 */
export function examplesOf(schema: z.ZodType, ids: Ids): unknown[] {
  const whole = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Node;
  const example = new Examples(whole, ids);
  const known = BY_SCHEMA[schema.meta()?.id ?? ""];
  if (known) return known;
  const shapes = example.resolve(whole).anyOf ?? example.resolve(whole).oneOf ?? [whole];
  return shapes.map((shape) => {
    const value = example.of(shape, "");
    const { success, error } = schema.safeParse(value);
    if (success) return value;
    throw new Error(
      `no example fits this schema; give its fields \`examples\` by .meta(), or a line in test/helpers/schema-values.ts: ${error.message}`,
    );
  });
}

class Examples {
  readonly #definitions: Record<string, Node>;
  readonly #ids: Ids;

  constructor(whole: Node, ids: Ids) {
    this.#definitions = whole.$defs ?? {};
    this.#ids = ids;
  }

  resolve = (node: Node): Node => (node.$ref ? (this.#definitions[node.$ref.replace("#/$defs/", "")] ?? {}) : node);

  of(given: Node, name: string): unknown {
    const node = this.resolve(given);
    if (node.examples) return node.examples[0];
    if (node.const !== undefined) return node.const;
    if (node.enum) return node.enum[0];
    const [shape] = node.anyOf ?? node.oneOf ?? [];
    if (shape) return this.of(shape, name);
    if (node.allOf) return Object.assign({}, ...node.allOf.map((part) => this.of(part, name)));
    switch (node.type) {
      case "object":
        return Object.fromEntries(
          Object.entries(node.properties ?? {}).map(([key, inner]) => [key, this.of(inner, key)]),
        );
      case "array":
        return [this.of(node.items ?? {}, name)];
      case "integer":
      case "number":
        return Math.max(node.minimum ?? 0, 0) || 1;
      case "boolean":
        return true;
      case "string":
        return this.#text(node, name);
      default:
        return {};
    }
  }

  #text({ format, pattern, minLength = 0 }: Node, name: string): string {
    const kind = kindOf(name);
    if (kind && kind in this.#ids) return this.#ids[kind]!;
    if (BY_NAME[name]) return BY_NAME[name];
    if (format === "uri") return "https://example.com/a.png";
    const fits = CANDIDATES.find((candidate) => !pattern || new RegExp(pattern).test(candidate)) ?? "text";
    return fits.padEnd(minLength, "x");
  }
}

type Body = { body?: string | FormData };

/** A body that a route accepts, if it wants one. */
export function bodyOf({ spec }: RouteRow, ids: Ids): Body {
  if (spec.json) return { body: JSON.stringify(examplesOf(spec.json, ids)[0]) };
  return spec.form ? { body: formOf() } : {};
}

/** Of what is sent as a form, only the file must be there. */
export function formOf(file = new File(["some text"], "text.txt")): FormData {
  const form = new FormData();
  form.set("file", file);
  return form;
}

/** The places of all fields in a value, down to those of the first item of each list. */
export function fieldsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? value.slice(0, 1).map((item, index) => [index, item])
    : Object.entries(value);
  return entries.flatMap(([key, inner]) => [[...at, key], ...fieldsOf(inner, [...at, key])]);
}

export const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], value);

/** A copy of a value with another one in one place. */
export function replaceAt(value: unknown, [key, ...rest]: Path, replacement: unknown): unknown {
  if (key === undefined) return replacement;
  if (Array.isArray(value)) return value.map((item, at) => (at === key ? replaceAt(item, rest, replacement) : item));
  const object = value as Record<string, unknown>;
  return { ...object, [key]: replaceAt(object[key], rest, replacement) };
}
