import * as z from "zod";
import type { Api, Route } from "./route.ts";

/** An HTTP API as this server speaks it: where it is mounted, its routes, and how it says errors. */
export type Dialect = { title: string; prefix: string; api: Api; errorBodyOf: (path: string) => z.ZodType };

type JsonObject = { [key: string]: unknown };

/** The OpenAPI 3.1 document of a dialect, made of the schemas that check its requests. */
export function openApiDocument({ title, prefix, api, errorBodyOf }: Dialect): JsonObject {
  const schemas = new Schemas();
  const paths: Record<string, JsonObject> = {};
  for (const route of api.routes) {
    const path = prefix + route.path.replace(/:(\w+)/g, "{$1}");
    (paths[path] ??= {})[route.method] = operation(route, schemas, errorBodyOf(route.path));
  }
  return {
    openapi: "3.1.0",
    info: { title, version: "1" },
    security: [{ key: [] }],
    paths,
    components: { schemas: schemas.named, securitySchemes: { key: { type: "http", scheme: "bearer" } } },
  };
}

function operation({ path, spec }: Route, schemas: Schemas, errorBody: z.ZodType): JsonObject {
  const { summary, description, params, query, json, form, ok, status = 200, streams } = spec;
  const mediaType = streams ? "text/event-stream" : "application/json";
  const answer = ok
    ? {
        description: "OK",
        content: { [mediaType]: { schema: schemas.of(ok, "output"), ...(streams && framesOf(ok)) } },
      }
    : { description: "Done" };
  const error = { description: "Error", content: { "application/json": { schema: schemas.of(errorBody, "output") } } };
  const bodyOf = (schema: z.ZodType | undefined) =>
    schema && {
      [schema === form ? "multipart/form-data" : "application/json"]: { schema: schemas.of(schema, "input") },
    };
  const parameters = [...parametersOf(params, "path"), ...parametersOf(query, "query")];
  return {
    summary,
    ...(description ? { description } : {}),
    tags: [path.split("/")[1]],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(json || form
      ? {
          requestBody: { required: !json?.safeParse(undefined).success, content: { ...bodyOf(json), ...bodyOf(form) } },
        }
      : {}),
    responses: { [ok ? status : 204]: answer, "4XX": error, "5XX": error },
  };
}

/** How a stream of the schema's examples looks. */
const framesOf = (event: z.ZodType) => {
  const frames = ((event.meta()?.examples ?? []) as object[]).map((data) => `data: ${JSON.stringify(data)}\n\n`);
  return { examples: { events: { summary: "Events", value: frames.join("") } } };
};

function parametersOf(schema: z.ZodType | undefined, place: "path" | "query"): JsonObject[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    schema: property,
  }));
}

/** Schemas with an id are written once, under `components`. */
class Schemas {
  readonly named: JsonObject = {};

  of(schema: z.ZodType, io: "input" | "output"): unknown {
    const { $schema: _, $defs = {}, ...own } = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as JsonObject;
    for (const [id, definition] of Object.entries($defs as JsonObject)) this.named[id] = relocated(definition);
    const { id } = schema.meta() ?? {};
    if (!id) return relocated(own);
    this.named[id] = relocated(own);
    return { $ref: `#/components/schemas/${id}` };
  }
}

/** Points references to where an OpenAPI document keeps its schemas. */
function relocated(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relocated);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === "$ref" && typeof inner === "string"
        ? inner.replace("#/$defs/", "#/components/schemas/")
        : relocated(inner),
    ]),
  );
}
