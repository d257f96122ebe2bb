import { Hono } from "hono";
import { DomainError } from "../core/errors.ts";
import { openApiDocument, type Dialect } from "../http/openapi.ts";
import type { App } from "../http/tenant.ts";
import { limited } from "./limited.ts";

/** The reference pages: an OpenAPI document for each dialect, and a viewer that comes from our own assets. */
export function reference(dialects: Record<string, Dialect>): Hono<App> {
  const documents = new Map<string, string>();
  return new Hono<App>()
    .get("/", limited, (c) => c.redirect("/docs"))
    .get("/docs", limited, (c) => c.html(page(Object.keys(dialects)), 200, { "content-security-policy": POLICY }))
    .get("/docs/viewer.js", limited, (c) => c.env.ASSETS.fetch(new URL("/rapidoc-min.js", c.req.url)))
    .get("/openapi/:file{[a-z]+\\.json}", limited, (c) => {
      const name = c.req.param("file").replace(".json", "");
      const dialect = Object.hasOwn(dialects, name) ? dialects[name] : undefined;
      if (!dialect) throw new DomainError("not_found", `there is no API called ${name}`);
      if (!documents.has(name)) documents.set(name, JSON.stringify(openApiDocument(dialect)));
      return c.body(documents.get(name)!, 200, { "content-type": "application/json" });
    });
}

const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:";

const page = (names: string[]) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <link rel="icon" href="data:," />
    <title>Parley API</title>
    <script type="module" src="/docs/viewer.js"></script>
  </head>
  <body>
    <rapi-doc
      spec-url="/openapi/${names[0]}.json"
      render-style="read"
      load-fonts="false"
      show-header="false"
      allow-spec-url-load="false"
      allow-spec-file-load="false"
      theme="light"
    ></rapi-doc>
  </body>
</html>
`;
