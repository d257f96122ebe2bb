import { describe, expect, it } from "vitest";
import { dialects } from "../../src/app.ts";
import { callWorker } from "../helpers/project.ts";

type Row = { dialect: string; method: string; path: string };

/** Every route of every dialect, in the order in which they are asked. */
const routes: Row[] = Object.entries(dialects).flatMap(([dialect, { prefix, api }]) =>
  api.routes.map(({ method, path }) => ({ dialect, method, path: prefix + path })),
);

/** What the application itself answers, before any dialect. */
const OWN = [
  "/",
  "/healthz",
  "/docs",
  "/docs/viewer.js",
  "/openapi/:file",
  "/integrations/:id/webhook",
  "/integrations/oauth/callback",
  "/pay/:id",
  "/payments/webhook",
];

const isParameter = (part: string) => part.startsWith(":");

/** Whether there is a path that both patterns match. */
function overlap(a: string, b: string): boolean {
  const [left, right] = [a.split("/"), b.split("/")];
  return (
    left.length === right.length &&
    left.every((part, index) => isParameter(part) || isParameter(right[index]!) || part === right[index])
  );
}

/** Where the two differ first, the earlier one has the literal. */
function isMoreSpecific(earlier: string, later: string): boolean {
  const right = later.split("/");
  const [part] = earlier.split("/").filter((own, index) => isParameter(own) !== isParameter(right[index]!));
  return part !== undefined && !isParameter(part);
}

const pairs = routes.flatMap((earlier, index) => routes.slice(index + 1).map((later) => ({ earlier, later })));
const say = ({ earlier, later }: (typeof pairs)[number]) =>
  `${earlier.method} ${earlier.dialect} ${earlier.path} hides ${later.dialect} ${later.path}`;

describe("the routes of all dialects", () => {
  it("are there", () => {
    expect(routes.map(({ method, path }) => `${method} ${path}`)).toEqual(
      expect.arrayContaining(["get /bots", "post /chats/:chat_id/threads/:thread_id/stream", "get /threads/events"]),
    );
  });

  it("do not take each other's paths: only within a dialect may a literal come before a parameter", () => {
    const collisions = pairs
      .filter(({ earlier, later }) => earlier.method === later.method && overlap(earlier.path, later.path))
      .filter(({ earlier, later }) => earlier.dialect !== later.dialect || !isMoreSpecific(earlier.path, later.path));
    expect(collisions.map(say)).toEqual([]);
  });

  it("leave the application's own paths alone", () => {
    const taken = routes.filter(({ path }) => OWN.some((own) => overlap(own, path)));
    expect(taken).toEqual([]);
  });

  it("begin with a slash, end without one, and name no parameter twice", () => {
    const odd = routes.filter(({ path }) => {
      const parameters = path.split("/").filter(isParameter);
      return !/^(\/[^/\s]+)+$/.test(path) || new Set(parameters).size < parameters.length;
    });
    expect(odd).toEqual([]);
  });

  it("have a schema for every parameter in their paths", () => {
    const undeclared = Object.values(dialects).flatMap(({ api }) =>
      api.routes.filter(({ path, spec }) => path.includes("/:") && !spec.params).map(({ path }) => path),
    );
    expect(undeclared).toEqual([]);
  });
});

describe("the application's own paths", () => {
  it.each(["/healthz", "/docs", "/docs/viewer.js", "/openapi/worken.json"])("%s needs no key", async (path) => {
    const response = await callWorker(new Request(`http://test${path}`));
    expect(response.status).toBe(200);
    await response.body?.cancel();
  });
});
