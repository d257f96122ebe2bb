import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { newChat, newProject } from "../helpers/project.ts";
import { deliver, ok, answers, Receiver, register } from "../helpers/receiver.ts";

const URL = "https://hooks.example.com/worken";
const put = (project: Awaited<ReturnType<typeof newProject>>, id: string, body: object) =>
  project.call("PUT", `/webhook-endpoints/${id}`, body);

describe("webhook endpoints", () => {
  it("are created, listed, changed and deleted", async () => {
    const project = await newProject();
    const { json: created } = await project.post("/webhook-endpoints", { url: URL, secret: "s" });
    expect(created).toEqual({ id: expect.any(String), url: URL, status: "active", created_at: expect.any(String) });
    expect((await project.get("/webhook-endpoints")).json).toEqual([created]);
    expect((await put(project, created.id, { status: "disabled" })).json).toEqual({ ...created, status: "disabled" });
    expect((await put(project, created.id, {})).json).toEqual({ ...created, status: "disabled" });
    expect((await put(project, created.id, { status: "active", secret: "t" })).json).toEqual(created);
    const other = "https://other.example.com";
    expect((await put(project, created.id, { url: other })).json).toEqual({ ...created, url: other });
    expect((await project.delete(`/webhook-endpoints/${created.id}`)).json).toEqual({ id: created.id, deleted: true });
    expect((await project.get("/webhook-endpoints")).json).toEqual([]);
    expect((await project.get(`/webhook-endpoints/${created.id}`)).status).toBe(404);
  });

  it("keep their secret to themselves, in answers and in the database", async () => {
    const project = await newProject();
    const created = await project.post("/webhook-endpoints", { url: URL, secret: "very-secret-1" });
    const changed = await put(project, created.json.id, { secret: "very-secret-2" });
    const row = await env.DB.prepare("select * from webhook_endpoints where id = ?").bind(created.json.id).first();
    expect(JSON.stringify([created.json, changed.json, row])).not.toContain("very-secret");
  });

  it.each([
    [{ secret: "s" }, "url"],
    [{ url: URL }, "secret"],
    [{ url: URL, secret: "" }, "secret"],
    [{ url: "not a url", secret: "s" }, "url"],
    [{ url: "ftp://example.com", secret: "s" }, "url"],
    [{ url: "http://127.0.0.1:9000", secret: "s" }, "url"],
    [{ url: "http://0x7f.1", secret: "s" }, "url"],
    [{ url: "http://169.254.169.254/latest", secret: "s" }, "url"],
    [{ url: "http://[::ffff:10.0.0.1]/", secret: "s" }, "url"],
    [{ url: "http://localhost:9000", secret: "s" }, "url"],
    [{ url: "https://a:b@example.com", secret: "s" }, "url"],
    [{ url: "https://example.com:22", secret: "s" }, "url"],
  ])("are refused with the field that is wrong: %j", async (body, field) => {
    const project = await newProject();
    const { status, json } = await project.post("/webhook-endpoints", body);
    expect([status, json.issues[0].path]).toEqual([422, field]);
    expect((await project.get("/webhook-endpoints")).json).toEqual([]);
  });

  it("are refused a private address and an empty secret when they are changed, too", async () => {
    const project = await newProject();
    const id = await register(project, new Receiver());
    for (const body of [{ url: "http://10.0.0.1" }, { secret: "" }, { status: "error" }]) {
      expect((await put(project, id, body)).status).toBe(422);
    }
  });

  it("are created once for one Idempotency-Key", async () => {
    const project = await newProject();
    const create = () => project.post("/webhook-endpoints", { url: URL, secret: "s" }, { "idempotency-key": "k" });
    expect((await create()).json).toEqual((await create()).json);
    expect((await project.get("/webhook-endpoints")).json).toHaveLength(1);
  });

  it("are fifty at most", async () => {
    const project = await newProject();
    await Promise.all(Array.from({ length: 50 }, () => project.post("/webhook-endpoints", { url: URL, secret: "s" })));
    expect((await project.post("/webhook-endpoints", { url: URL, secret: "s" })).status).toBe(409);
    const { json, headers } = await project.get("/webhook-endpoints?limit=30");
    expect(json).toHaveLength(30);
    const next = /<([^>]+)>/.exec(headers.get("link")!)![1]!;
    expect((await project.get(next)).json).toHaveLength(20);
  });

  it("are hidden from every other project, with all that belongs to them", async () => {
    const [mine, theirs] = [await newChat(), await newProject()];
    const receiver = new Receiver();
    const id = await register(mine.project, receiver);
    await mine.thread().ask("hi");
    const [delivery] = (await mine.project.get(`/webhook-endpoints/${id}/deliveries`)).json;
    const path = `/webhook-endpoints/${id}`;
    for (const [method, at] of [
      ["GET", path],
      ["PUT", path],
      ["DELETE", path],
      ["GET", `${path}/attempts`],
      ["GET", `${path}/deliveries`],
      ["GET", `${path}/deliveries/${delivery.event_id}`],
      ["POST", `${path}/deliveries/${delivery.event_id}/redeliver`],
      ["POST", `${path}/test`],
    ] as const) {
      expect((await theirs.call(method, at, method === "PUT" ? { status: "disabled" } : undefined)).status).toBe(404);
    }
    const own = await register(theirs, new Receiver());
    const foreign = `/webhook-endpoints/${own}/deliveries/${delivery.event_id}`;
    expect((await theirs.get(foreign)).status).toBe(404);
    expect((await theirs.post(`${foreign}/redeliver`)).status).toBe(404);
    expect((await mine.project.get(path)).json.status).toBe("active");
    expect((await mine.project.get(`${path}/deliveries`)).json).toHaveLength(3);
  });
});

describe("what became of events", () => {
  it("is listed newest first, in pages, with each attempt", async () => {
    const chat = await newChat();
    const { project } = chat;
    const receiver = new Receiver(answers(503), ok);
    const id = await register(project, receiver);
    await chat.thread().ask("hi");
    await deliver(project, id);
    await deliver(project, id, 10_000);
    const { json: attempts } = await project.get(`/webhook-endpoints/${id}/attempts`);
    expect(attempts).toHaveLength(4);
    const first = receiver.deliveries[0]!;
    expect(attempts.filter((attempt: { event_id: string }) => attempt.event_id === first.id)).toEqual([
      expect.objectContaining({ attempt: 2, status: "succeeded", status_code: 200, error: null, response: "thanks" }),
      expect.objectContaining({
        attempt: 1,
        status: "failed",
        status_code: 503,
        error: "the receiver answered 503",
        response: "status 503",
      }),
    ]);
    const page = await project.get(`/webhook-endpoints/${id}/attempts?limit=3`);
    const next = await project.get(/<([^>]+)>/.exec(page.headers.get("link")!)![1]!);
    expect([...page.json, ...next.json]).toEqual(attempts);
    const deliveries = await project.get(`/webhook-endpoints/${id}/deliveries?limit=2&status=delivered`);
    const rest = await project.get(/<([^>]+)>/.exec(deliveries.headers.get("link")!)![1]!);
    const listed = [...deliveries.json, ...rest.json].map(({ event_id }) => event_id as string);
    expect(new Set(listed)).toEqual(new Set(receiver.deliveries.map((delivery) => delivery.id)));
    const detail = await project.get(`/webhook-endpoints/${id}/deliveries/${first.id}`);
    expect(detail.json).toMatchObject({ status: "delivered", attempts: 2, next_attempt_at: null, event: first.event });
  });

  it("is tried out with an event that only shows whether it arrives", async () => {
    const project = await newProject();
    const receiver = new Receiver(ok, answers(500));
    const id = await register(project, receiver);
    expect((await project.post(`/webhook-endpoints/${id}/test`)).json).toMatchObject({
      event_type: "webhook.test",
      status: "succeeded",
      status_code: 200,
    });
    expect(receiver.events[0]).toMatchObject({ type: "webhook.test", data: { webhook_endpoint_id: id } });
    expect((await project.post(`/webhook-endpoints/${id}/test`)).json).toMatchObject({ status: "failed" });
    await deliver(project, id, 60_000);
    expect(receiver.deliveries).toHaveLength(2);
    await put(project, id, { status: "disabled" });
    expect((await project.post(`/webhook-endpoints/${id}/test`)).status).toBe(409);
  });
});
