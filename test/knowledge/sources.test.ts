import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { Store } from "../helpers/knowledge.ts";
import { newProject } from "../helpers/project.ts";
import { redirect, Website } from "../helpers/website.ts";

const PAGE = "<html><body><h1>Delivery</h1><p>Abroad it takes ten days.</p></body></html>";

const storeOf = async () => Store.create(await newProject());

const add = async (store: Store, body: object, path = `${store.path}/files`) => {
  const { status, json } = await store.caller.post(path, body);
  expect(status).toBe(200);
  return json;
};

describe("a file by its address", () => {
  it("is fetched in the background, read by what it is, and named after its place", async () => {
    const site = new Website({ "/help/delivery": PAGE, "/": "Returns are free.", "/%D1%87%D0%B5%D0%BA": "Receipts." });
    const store = await storeOf();
    const added = await add(store, { url: site.urlOf("/help/delivery?lang=en#abroad"), attributes: { lang: "en" } });
    expect(added).toMatchObject({
      filename: "delivery",
      status: "pending",
      bytes: 0,
      url: site.urlOf("/help/delivery?lang=en"),
      attributes: { lang: "en" },
    });
    expect(await store.settled(added.id)).toMatchObject({ status: "processed", bytes: PAGE.length });
    const [hit] = await store.search("How long does it take abroad?");
    expect(hit).toMatchObject({ file_id: added.id, headings: ["Delivery"] });
    expect(await (await store.caller.fetch("GET", `/files/${added.id}/content`)).text()).toBe(PAGE);
    expect((await add(store, { url: site.urlOf("/") })).filename).toBe(site.host);
    expect((await add(store, { url: site.urlOf("/%D1%87%D0%B5%D0%BA") })).filename).toBe("чек");
    expect((await add(store, { url: site.urlOf("/x"), filename: "Mine.md" })).filename).toBe("Mine.md");
    expect(site.requests[0]!.headers.get("accept")).toContain("text/html");
  });

  it("says in OpenAI's shape too why it has failed", async () => {
    const site = new Website({});
    const store = await storeOf();
    const { id } = await add(store, { url: site.urlOf("/none") }, `/v1${store.path}/files`);
    const { error } = await store.settled(id);
    expect(error).toBe(
      `${site.host} does not give the document: it answered with 404, which says that there is nothing.`,
    );
    expect((await store.caller.get(`/v1${store.path}/files/${id}`)).json).toMatchObject({
      status: "failed",
      last_error: { code: "invalid_file", message: error },
    });
  });

  it("has failed with a sentence where it is too large, empty, forbidden or no document", async () => {
    const site = new Website({
      "/large": () => new Response(new Uint8Array(25_000_001)),
      "/empty": () => new Response(""),
      "/login": () => new Response("log in", { status: 401 }),
      "/picture": new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0]),
    });
    const store = await storeOf();
    const reason = async (path: string) => {
      const { status, error } = await store.settled((await add(store, { url: site.urlOf(path) })).id);
      return [status, error];
    };
    expect(await reason("/large")).toEqual([
      "error",
      `What ${site.host} sent is too large: at most 25 MB can be read.`,
    ]);
    expect(await reason("/empty")).toEqual(["error", `${site.host} sent an empty document.`]);
    expect(await reason("/login")).toEqual(["error", expect.stringContaining("asks for a login")]);
    expect(await reason("/picture")).toEqual(["error", expect.stringContaining("picture")]);
  });

  it("is asked for three times where its server fails or cannot be reached, and says meanwhile why", async () => {
    const site = new Website({
      "/down": () => Promise.reject(new TypeError("connection refused")),
      "/late": () => new Response("busy", { status: 503 }),
    });
    const store = await storeOf();
    const { id } = await add(store, { url: site.urlOf("/down") });
    const why = `${site.host} cannot be reached.`;
    await eventually(async () => expect(await store.file(id)).toMatchObject({ status: "pending", error: why }));
    await store.readNow(id);
    await store.readNow(id);
    expect(await store.file(id)).toMatchObject({ status: "error", error: why });
    const late = await add(store, { url: site.urlOf("/late") });
    await eventually(async () =>
      expect(await store.file(late.id)).toMatchObject({ error: `${site.host} answered with the error 503.` }),
    );
    site.pages["/late"] = "Here at last.";
    await store.readNow(late.id);
    expect(await store.file(late.id)).toMatchObject({ status: "processed", error: null });
  });

  it("never leads inside: refused when it is given, and when a redirect goes there", async () => {
    const store = await storeOf();
    for (const url of ["http://169.254.169.254/latest", "http://localhost/", "file:///etc/passwd", "nonsense", ""]) {
      const { status, json } = await store.caller.post(`${store.path}/files`, { url });
      expect([url, status, json.issues?.[0].path]).toEqual([url, 422, "url"]);
    }
    expect((await store.caller.get(`${store.path}/files`)).json.data).toEqual([]);
    for (const inner of ["http://10.0.0.1/", "http://[::1]/", "http://metadata.google.internal/", "ftp://a.example/"]) {
      const site = new Website({ "/": redirect("/on"), "/on": redirect(inner) });
      const { status, error } = await store.settled((await add(store, { url: site.urlOf("/") })).id);
      expect([status, error]).toEqual(["error", expect.stringMatching(/^The address must not be called: .+ must/)]);
      expect(site.requests).toHaveLength(2);
    }
  });

  it("is there once: added again, or processed again, it is fetched anew, and found as it was until then", async () => {
    const site = new Website({ "/prices": "A book costs ten euros." });
    const store = await storeOf();
    const { id } = await add(store, { url: site.urlOf("/prices"), attributes: { year: 1 } });
    await store.settled(id);
    site.pages["/prices"] = "A book costs twelve euros.";
    const again = await add(store, { url: site.urlOf("/prices#top") });
    expect(again).toMatchObject({ id, status: "pending", attributes: { year: 1 } });
    expect(await store.settled(id)).toMatchObject({ status: "processed", bytes: 26 });
    const texts = async () => (await store.search("book costs")).map(({ content: [first] }) => first!.text);
    expect(await texts()).toEqual(["A book costs twelve euros."]);
    delete site.pages["/prices"];
    await store.caller.post(`${store.path}/files/${id}/retry`, {});
    expect(await store.settled(id)).toMatchObject({ status: "error", error: expect.stringContaining("404") });
    expect(await texts()).toEqual(["A book costs twelve euros."]);
  });

  it("leaves no bytes behind when it is deleted while it is fetched", async () => {
    const site = new Website({ "/": () => new Response("not yet", { status: 503 }) });
    const store = await storeOf();
    const { id } = await add(store, { url: site.urlOf("/") });
    await eventually(async () => expect((await store.file(id)).error).toContain("503"));
    const files = { areErased: false };
    site.pages["/"] = async () => {
      while (!files.areErased) await scheduler.wait(2);
      return new Response("Too late.");
    };
    const reading = store.readNow(id);
    await eventually(async () => expect(site.requests).toHaveLength(2));
    await store.caller.delete(`${store.path}/files/${id}`);
    const count = async (table: string) =>
      env.DB.prepare(`select count(*) n from ${table} where id = ?`).bind(id).first("n");
    await eventually(async () => expect(await count("files")).toBe(0));
    files.areErased = true;
    await reading;
    const blobs = async () => (await env.FILES.list()).objects.filter(({ key }) => key.includes(id));
    expect(await blobs()).toEqual([]);
  });
});
