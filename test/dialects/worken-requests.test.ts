import { describe, expect, it } from "vitest";
import { worken } from "../../src/dialects/worken/index.ts";
import { Caller, callWorker, newProject, root } from "../helpers/project.ts";

const paths = [...new Set(worken.api.routes.map(({ path }) => path))];
const methodsOf = (path: string) =>
  worken.api.routes.filter((route) => route.path === path).map(({ method }) => method.toUpperCase());

/** No route is called like that, so that each matches the one pattern it comes from. */
const concrete = (path: string) => path.replace(/:\w+/g, "x-1");

describe("a path", () => {
  it.each(["/nope", "/bots/x/y/z", "/bots/", "//bots", "/Bots", "/v1/bots", "/.env", "/threads/a/b/c/d/e"])(
    "that there is not, %s, is 404 with or without a key",
    async (path) => {
      for (const caller of [new Caller(""), root]) {
        const { status, json, headers } = await caller.get(path);
        expect([status, json]).toEqual([
          404,
          {
            error: "Not Found",
            message: expect.stringMatching(/\S/),
            statusCode: 404,
            request_id: headers.get("x-request-id"),
          },
        ]);
      }
    },
  );

  it.each(paths)("that has no such method, %s, says which it has", async (path) => {
    const has = methodsOf(path);
    const absent = ["PATCH", "PUT", "DELETE", "POST", "GET"].find((method) => !has.includes(method))!;
    const { status, json, headers } = await root.call(absent, concrete(path));
    const inOpenAi = { error: { type: "invalid_request_error" } };
    expect(status).toBe(405);
    expect(json).toMatchObject(path.startsWith("/v1/") ? inOpenAi : { error: "Method Not Allowed", statusCode: 405 });
    expect(headers.get("allow")!.split(", ")).toEqual(expect.arrayContaining(has));
    expect(headers.get("allow")!.split(", ")).not.toContain(absent);
  });

  it.each(["%00", "%F0%9F%92%A9", "%ff", "%", "..%2f..", "'; drop table bots; --", "x".repeat(300), "-1", "null"])(
    "with an id that nobody gave, %s, is 404",
    async (id) => {
      const project = await newProject();
      for (const path of [`/bots/${id}`, `/integrations/${id}/chats`, `/chats/${id}`]) {
        expect((await project.get(path)).status).toBe(404);
      }
    },
  );
});

describe("a request's id", () => {
  it.each(["abc-1", "a.b:c_d", "x".repeat(128)])("is the caller's own: %s", async (id) => {
    const ok = await (await newProject()).get("/bots", { "x-request-id": id });
    expect([ok.status, ok.headers.get("x-request-id")]).toEqual([200, id]);
    const failed = await new Caller("").get("/bots", { "x-request-id": id });
    expect([failed.headers.get("x-request-id"), failed.json.request_id]).toEqual([id, id]);
  });

  it.each(["a b", "<script>", "x".repeat(129), '"', "{}"])("is ours where the caller's is odd: %s", async (id) => {
    const { headers, json } = await new Caller("").get("/bots", { "x-request-id": id });
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(json.request_id).toBe(headers.get("x-request-id"));
  });

  it("is another one every time", async () => {
    const ids = await Promise.all([1, 2, 3].map(async () => (await root.get("/nope")).headers.get("x-request-id")));
    expect(new Set(ids).size).toBe(3);
  });
});

describe("a browser on another site", () => {
  const preflight = (path: string, method: string, headers: string) =>
    callWorker(
      new Request(`http://test${path}`, {
        method: "OPTIONS",
        headers: {
          origin: "https://shop.example",
          "access-control-request-method": method,
          "access-control-request-headers": headers,
        },
      }),
    );
  const list = (response: { headers: Headers }, name: string) =>
    response.headers.get(name)!.toLowerCase().split(/,\s*/);

  it.each(["GET", "POST", "PUT", "DELETE"])("may send %s, with whatever headers a client adds", async (method) => {
    const asked = "authorization,content-type,idempotency-key,last-event-id,openai-beta,x-stainless-lang";
    const response = await preflight("/bots", method, asked);
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(list(response, "access-control-allow-methods")).toContain(method.toLowerCase());
    expect(list(response, "access-control-allow-headers")).toEqual(expect.arrayContaining(asked.split(",")));
    expect(Number(response.headers.get("access-control-max-age"))).toBeGreaterThan(0);
  });

  it("may ask anywhere, also where there is nothing", async () => {
    for (const path of ["/chats/x/threads/y/stream", "/nope"]) {
      expect((await preflight(path, "POST", "authorization")).status).toBe(204);
    }
  });

  it("reads every answer, and what its headers say, errors too", async () => {
    const project = await newProject();
    const origin = { origin: "https://shop.example" };
    for (const answer of [
      await project.get("/bots", origin),
      await new Caller("").get("/bots", origin),
      await project.get("/nope", origin),
      await project.post("/bots", "{", origin),
    ]) {
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
      expect(list(answer, "access-control-expose-headers")).toEqual(
        expect.arrayContaining([
          "link",
          "retry-after",
          "x-request-id",
          "x-thread-id",
          "x-message-id",
          "x-vercel-ai-ui-message-stream",
          "idempotent-replayed",
        ]),
      );
    }
  });
});

describe("a JSON body", () => {
  it.each([
    "application/json; charset=utf-8",
    "application/vnd.api+json",
    "text/plain",
    "application/x-www-form-urlencoded",
  ])("is read as %s", async (type) => {
    const { status, json } = await (await newProject()).post("/bots", { name: "Bot" }, { "content-type": type });
    expect([status, json.name]).toEqual([200, "Bot"]);
  });

  it.each(["application/xml", "text/html", "application/octet-stream", "image/png"])(
    "is not read as %s",
    async (type) => {
      const { status } = await (await newProject()).post("/bots", { name: "Bot" }, { "content-type": type });
      expect(status).toBe(415);
    },
  );

  it("may be a million bytes long and 64 levels deep, and not one more", async () => {
    const project = await newProject();
    const padded = (bytes: number) => `{"name":"Bot"}`.padEnd(bytes, " ");
    const nested = (levels: number) => `{"name":"Bot","x":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
    const statuses = async (bodies: string[]) =>
      Promise.all(bodies.map(async (body) => (await project.post("/bots", body)).status));
    expect(await statuses([padded(1_000_000), padded(1_000_001)])).toEqual([200, 413]);
    expect(await statuses([nested(64), nested(65)])).toEqual([200, 400]);
    expect(await statuses([`{"name":"${"[{".repeat(50)}"}`, `{"name":"\\"${"[".repeat(100)}"}`])).toEqual([200, 200]);
  });

  it("is counted as it comes where its length is not said", async () => {
    const project = await newProject();
    const chunk = new TextEncoder().encode(" ".repeat(100_000));
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => (++sent > 20 ? controller.close() : controller.enqueue(chunk)),
    });
    const headers = { authorization: `Bearer ${project.key}`, "content-type": "application/json" };
    const response = await callWorker(new Request("http://test/bots", { method: "POST", headers, body }));
    expect(response.status).toBe(413);
    await response.body?.cancel();
  });

  it("keeps every character, and nothing of its object's own", async () => {
    const project = await newProject();
    const name = "Ünïcödé 🤖 \u202e \\ \" ' <b>";
    expect((await project.post("/bots", { name })).json.name).toBe(name.trim());
    const { status, json } = await project.post("/bots", '{"name":"Bot","__proto__":{"description":"no"},"id":"mine"}');
    expect([status, json.description]).toEqual([200, null]);
    expect(json.id).not.toBe("mine");
  });
});
