import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createOutbound, OutboundError } from "../../src/lib/outbound.ts";
import { openAdminContext } from "../../src/runtime/context.ts";

type Answer = (request: Request) => Response | Promise<Response>;

/** A network in which each address answers as it is told; `seen` is what has left. */
function network(answers: Record<string, Answer>) {
  const seen: Request[] = [];
  const fetcher = async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init);
    seen.push(request);
    return answers[request.url]!(request);
  };
  const outbound = createOutbound({ mode: "strict", allow: [], ownUrl: null }, fetcher);
  return { outbound, seen };
}

const redirects =
  (location: string, status = 302) =>
  () =>
    new Response("moved", { status, headers: { location } });
const says = (text: string) => () => new Response(text);
const failure = (kind: string, message: string) => expect.objectContaining({ kind, message });

describe("the way out", () => {
  it("brings back status, headers, body and where they came from", async () => {
    const { outbound, seen } = network({ "https://a.example/x": () => Response.json({ a: 1 }, { status: 201 }) });
    const answer = await outbound("https://a.example/x", { method: "PUT", headers: { "x-a": "1" }, body: "hi" });
    expect(answer).toMatchObject({ status: 201, url: "https://a.example/x" });
    expect(JSON.parse(new TextDecoder().decode(answer.body))).toEqual({ a: 1 });
    expect([seen[0]!.method, seen[0]!.headers.get("x-a"), await seen[0]!.text()]).toEqual(["PUT", "1", "hi"]);
  });

  it.each(["http://169.254.169.254/", "http://2130706433/", "http://localhost/", "file:///etc/passwd"])(
    "never sends anything to %s",
    async (url) => {
      const { outbound, seen } = network({});
      await expect(outbound(url)).rejects.toMatchObject({ kind: "refused" });
      expect(seen).toEqual([]);
    },
  );

  it.each(["http://127.0.0.1/", "http://[::ffff:7f00:1]/", "//metadata.google.internal/", "ftp://a.example/"])(
    "does not follow a redirect to %s",
    async (location) => {
      const { outbound, seen } = network({ "https://a.example/": redirects(location) });
      await expect(outbound("https://a.example/")).rejects.toMatchObject({ kind: "refused" });
      expect(seen).toHaveLength(1);
    },
  );

  it("follows three redirects and no fourth", async () => {
    const { outbound, seen } = network({
      "https://a.example/4": redirects("3"),
      "https://a.example/3": redirects("/2"),
      "https://a.example/2": redirects("//a.example/1"),
      "https://a.example/1": redirects("https://b.example/"),
      "https://b.example/": says("there"),
    });
    expect((await outbound("https://a.example/3")).url).toBe("https://b.example/");
    await expect(outbound("https://a.example/4")).rejects.toEqual(failure("failed", "a.example redirects too often"));
    expect(seen.at(-1)!.url).toBe("https://a.example/1");
  });

  it("answers the redirect itself to those who follow none", async () => {
    const { outbound } = network({ "https://a.example/": redirects("https://b.example/", 307) });
    expect(await outbound("https://a.example/", { redirects: 0 })).toMatchObject({ status: 307 });
  });

  it("tells another origin no secret, and keeps them on the same one", async () => {
    const { outbound, seen } = network({
      "https://a.example/": redirects("https://a.example/same"),
      "https://a.example/same": redirects("https://a.example:8443/"),
      "https://a.example:8443/": says("there"),
    });
    const headers = {
      authorization: "Bearer k",
      cookie: "c=1",
      "x-api-key": "k",
      "x-hook-signature": "s",
      accept: "a/b",
    };
    await outbound("https://a.example/", { headers });
    const names = (request: Request) => Object.keys(headers).filter((name) => request.headers.has(name));
    expect(names(seen[1]!)).toEqual(Object.keys(headers));
    expect(names(seen[2]!)).toEqual(["accept"]);
  });

  it.each([
    [301, "POST", "GET", ""],
    [302, "POST", "GET", ""],
    [303, "PUT", "GET", ""],
    [307, "POST", "POST", "body"],
    [308, "PUT", "PUT", "body"],
  ])("after a %i to a %s sends a %s", async (status, method, expected, body) => {
    const { outbound, seen } = network({
      "https://a.example/": redirects("/there", status),
      "https://a.example/there": says("there"),
    });
    await outbound("https://a.example/", { method, body: "body" });
    expect([seen[1]!.method, await seen[1]!.text()]).toEqual([expected, body]);
  });

  it("refuses an answer that is too large, or cuts it off", async () => {
    const endless = () =>
      new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1000)) }));
    const { outbound } = network({ "https://a.example/": endless });
    await expect(outbound("https://a.example/", { maxBytes: 2500 })).rejects.toEqual(
      failure("failed", "a.example answered with too many bytes"),
    );
    expect((await outbound("https://a.example/", { maxBytes: 2500, cut: true })).body).toHaveLength(2500);
  });

  it.each([
    ["never answers", () => new Promise<Response>(() => undefined)],
    ["never ends", () => new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(1)) }))],
  ] as [string, Answer][])("gives up on who %s", async (_what, answer) => {
    const { outbound, seen } = network({ "https://a.example/": answer });
    await expect(outbound("https://a.example/", { timeoutMs: 20 })).rejects.toEqual(
      failure("failed", "a.example did not answer within 0.02 seconds"),
    );
    expect(seen[0]!.signal.aborted).toBe(true);
  });

  it("says nothing of what the runtime says of a broken connection", async () => {
    const broken = () => Promise.reject(new TypeError("internal error; reference = abc"));
    const { outbound } = network({ "https://a.example/": broken });
    await expect(outbound("https://a.example/")).rejects.toEqual(failure("failed", "a.example cannot be reached"));
  });

  it("reaches the core as an error of the domain", async () => {
    const { outbound } = openAdminContext(env, { actor: { type: "root" }, defer: () => undefined });
    await expect(outbound("http://127.0.0.1:1/")).rejects.toMatchObject({ name: "DomainError", code: "invalid" });
    await expect(outbound("http://does-not-exist.invalid/")).rejects.toMatchObject({ code: "upstream_failed" });
    expect(new OutboundError("failed", "x")).toBeInstanceOf(Error);
  });
});
