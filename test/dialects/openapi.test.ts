import { describe, expect, it } from "vitest";
import * as z from "zod";
import { dialects } from "../../src/app.ts";
import { callWorker } from "../helpers/project.ts";

type Json = { [key: string]: Json };
type Operation = {
  summary: string;
  parameters?: { name: string; in: string; required: boolean; schema: object }[];
  requestBody?: { content: { "application/json": { schema: object } } };
  responses: Record<string, { content?: Record<string, { schema: Json }> }>;
};

const fetchText = async (path: string) => {
  const response = await callWorker(new Request(`http://test${path}`));
  return { status: response.status, headers: response.headers, text: await response.text() };
};

const document = async (name: string) => JSON.parse((await fetchText(`/openapi/${name}.json`)).text);

/** Every `$ref` in a document. */
function refsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "$ref" && typeof inner === "string" ? [inner] : refsIn(inner),
  );
}

const resolve = (root: unknown, ref: string) =>
  ref
    .slice(2)
    .split("/")
    .reduce<unknown>((value, key) => (value as Json | undefined)?.[key], root);

describe.each(Object.entries(dialects))("the OpenAPI document of %s", (name, { prefix, api }) => {
  it("is OpenAPI 3.1 in JSON, for everyone to read", async () => {
    const { status, headers, text } = await fetchText(`/openapi/${name}.json`);
    expect([status, headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(JSON.parse(text)).toMatchObject({
      openapi: expect.stringMatching(/^3\.1\.\d$/),
      info: { title: expect.any(String), version: expect.any(String) },
      security: [{ key: [] }],
      components: { securitySchemes: { key: { type: "http", scheme: "bearer" } } },
    });
  });

  it("has every route, and no other", async () => {
    const { paths } = await document(name);
    const listed = Object.entries(paths as Record<string, object>).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    const declared = api.routes.map(({ method, path }) => `${method} ${prefix}${path.replace(/:(\w+)/g, "{$1}")}`);
    expect(listed.toSorted()).toEqual(declared.toSorted());
  });

  it("refers only to what it holds", async () => {
    const root = await document(name);
    const refs = [...new Set(refsIn(root))];
    expect(refs.length).toBeGreaterThan(0);
    expect(refs.filter((ref) => !ref.startsWith("#/components/schemas/") || !resolve(root, ref))).toEqual([]);
    expect(JSON.stringify(root)).not.toContain("$defs");
  });

  it("shows bodies that the server accepts", () => {
    const bodies = api.routes.flatMap(({ spec: { json } }) =>
      json instanceof z.ZodUnion ? json.options : (json ?? []),
    );
    const shown = (bodies as z.ZodType[]).filter((body) => body.meta()?.["example"]);
    expect(shown.length).toBeGreaterThan(0);
    for (const body of shown) expect(body.safeParse(body.meta()!["example"])).toMatchObject({ success: true });
    for (const { spec } of api.routes.filter(({ spec: { streams } }) => streams))
      for (const event of spec.ok!.meta()!.examples as object[]) expect(spec.ok!.parse(event)).toEqual(event);
  });

  it("describes each route: its parameters, its body, its answer and its errors", async () => {
    const { paths } = await document(name);
    for (const { method, path, spec } of api.routes) {
      const operation = paths[prefix + path.replace(/:(\w+)/g, "{$1}")][method] as Operation;
      const inPath = [...path.matchAll(/:(\w+)/g)].map(([, parameter]) => parameter);
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
      const { "4XX": error, "5XX": failure, ...answers } = operation.responses;
      const [[status, answer]] = Object.entries(answers) as [[string, Operation["responses"][string]]];
      expect({
        path,
        parameters: declared.map(({ name: parameter }) => parameter).toSorted((a, b) => a.localeCompare(b)),
      }).toEqual({
        path,
        parameters: inPath.toSorted((a, b) => a!.localeCompare(b!)),
      });
      expect(declared.every(({ required }) => required)).toBe(true);
      expect({ path, body: operation.requestBody !== undefined }).toEqual({
        path,
        body: (spec.json ?? spec.form) !== undefined,
      });
      expect(status).toMatch(/^2\d\d$/);
      expect(Object.keys(answer.content ?? {})).toEqual(
        spec.ok ? [spec.streams ? "text/event-stream" : "application/json"] : [],
      );
      for (const each of [error, failure]) {
        const schema = path.startsWith("/v1/") ? "OpenAiError" : "Error";
        expect(each?.content?.["application/json"]?.schema).toEqual({ $ref: `#/components/schemas/${schema}` });
      }
      expect(operation.summary.length).toBeGreaterThan(3);
    }
  });
});

describe("the reference", () => {
  it("is a page that loads nothing from another host", async () => {
    const { status, headers, text } = await fetchText("/docs");
    expect(status).toBe(200);
    expect(headers.get("content-type")).toMatch(/^text\/html/);
    expect(headers.get("content-security-policy")).toContain("default-src 'self'");
    expect(text).not.toMatch(/(?:src|href|url)\s*=\s*["']?(?:https?:)?\/\//i);
    const loaded = [...text.matchAll(/(?:src|spec-url)="([^"]+)"/g)].map(([, url]) => url!);
    expect(loaded.length).toBeGreaterThan(1);
    for (const url of loaded) expect({ url, status: (await fetchText(url)).status }).toEqual({ url, status: 200 });
  });

  it("has its viewer from us", async () => {
    const { headers, text } = await fetchText("/docs/viewer.js");
    expect(headers.get("content-type")).toMatch(/javascript/);
    expect(text).toContain("rapi-doc");
  });

  it.each(["nobody", "constructor", "__proto__"])("has no document of %s", async (name) => {
    const { status, text } = await fetchText(`/openapi/${name}.json`);
    expect([status, JSON.parse(text).statusCode]).toEqual([404, 404]);
  });
});
