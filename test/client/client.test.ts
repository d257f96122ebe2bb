import { describe, expect, it, vi } from "vitest";
import { ConnectionError, Worken, WorkenError, type Bot, type ThreadEvent } from "../../src/client/index.ts";
import { newChat, newProject, ROOT_KEY } from "../helpers/project.ts";
import { Receiver } from "../helpers/receiver.ts";
import { callsTool, FakeModel, says } from "../helpers/upstream.ts";
import { breaking, clientOf, direct, losing, newThread, scripted } from "./network.ts";

const hello = { messages: [{ role: "user" as const, content: "Hello" }] };

type Part = Record<string, unknown>;
const isMethod = (value: unknown) => typeof value === "function";

/** The names of all methods, as in `bots.settings.get`. */
const methodsOf = (part: object, place = ""): string[] =>
  Object.entries(part as Part).flatMap(([name, value]) =>
    isMethod(value) ? [place + name] : methodsOf(value as object, `${place}${name}.`),
  );

/** The same client, which takes down what is called. */
const watched = <T extends object>(part: T, called: Set<string>, place = ""): T =>
  new Proxy(part, {
    get(target, name: string) {
      const value = (target as Part)[name];
      if (!isMethod(value)) return watched(value as object, called, `${place}${name}.`);
      called.add(place + name);
      return value;
    },
  });

describe("the client", () => {
  it("has a method for everything, and each does what it says", { timeout: 20_000 }, async () => {
    const called = new Set<string>();
    const root = watched(clientOf(ROOT_KEY), called);

    const project = await root.projects.create({ name: "Shop", organization_id: "tests" });
    const key = await root.projects.apiKeys.create(project.id, { name: "Main" });
    expect(await root.projects.setLimits(project.id, { requests_per_minute: null })).toMatchObject({ id: project.id });
    const { projects, billing, bots, integrations, chats, threads, schedules, vectorStores, files, webhookEndpoints } =
      watched(clientOf(key.key), called);
    expect(await projects.list()).toEqual([project]);
    const { id: spare } = await projects.apiKeys.create(project.id, { name: "Spare" });
    expect(await projects.apiKeys.list(project.id)).toMatchObject([{ name: "Main" }, { id: spare }]);
    expect(await projects.apiKeys.delete(project.id, spare)).toEqual({ id: spare, deleted: true });

    const gift = { type: "bonus" as const, amount: 5, description: "Welcome" };
    expect(await root.billing.adjust(project.id, gift)).toMatchObject({ bonus: 5, transaction: gift });
    expect(await billing.account()).toMatchObject({ tariff: "default", bonus: 5 });
    expect(await billing.balance()).toEqual({ credits: 1_000_000, bonus: 5 });
    expect(await billing.transactions({ limit: 1 })).toMatchObject({ data: [gift], total: 2 });
    expect(await billing.usage({ group: "bot" })).toEqual({ data: [], next_cursor: null });
    expect(await billing.modelCalls()).toEqual({ data: [], next_cursor: null });
    const [offer] = await billing.offers();
    const { invoice } = await billing.invoices.create({ offer_id: offer!.id });
    expect(await billing.invoices.list()).toEqual([invoice]);
    expect(await root.billing.invoices.pay(project.id, invoice.id)).toMatchObject({ id: invoice.id, status: "paid" });

    const model = new FakeModel(callsTool("handoff_to_operator", { reason: "asked" }), says("Goodbye."));
    const bot = await bots.create({ name: "Bot" });
    const ai = { model: { id: model.id }, tools: { handoff_to_operator: "operator_approve" as const } };
    expect(await bots.settings.update(bot.id, { ai })).toMatchObject({ ai });
    expect(await bots.settings.get(bot.id)).toMatchObject({ ai });
    expect(await bots.update(bot.id, { name: "Shop" })).toMatchObject({ name: "Shop" });
    expect(await bots.setStatus(bot.id, "disabled")).toMatchObject({ status: "disabled" });
    expect(await bots.setStatus(bot.id, "active")).toEqual(await bots.get(bot.id));
    const copy = await bots.clone(bot.id);
    expect((await bots.list()).map(({ id }) => id)).toEqual([bot.id, copy.id]);
    expect(await bots.delete(copy.id)).toEqual({ id: copy.id, deleted: true });

    const website = await integrations.create({ name: "Web", vendor: "worken", auth_data: {} });
    expect(await integrations.get(website.id)).toEqual(website);
    expect(await integrations.update(website.id, { name: "Website" })).toMatchObject({ name: "Website" });
    expect(await integrations.list()).toMatchObject([{ name: "Website" }]);
    const chat = await integrations.chats.create(website.id, { bot_id: bot.id, name: "Web" });
    expect(await integrations.chats.update(website.id, chat.id, { name: "Shop" })).toMatchObject({ name: "Shop" });
    expect(await integrations.chats.setStatus(website.id, chat.id, "disabled")).toMatchObject({ status: "disabled" });
    expect(await integrations.chats.setStatus(website.id, chat.id, "active")).toEqual(await chats.get(chat.id));
    expect(await integrations.chats.list(website.id)).toEqual(await chats.list());

    expect(await integrations.profile(website.id)).toMatchObject({ id: website.id });
    const auth_data = { client_id: "id", client_secret: "shh" };
    const github = await integrations.create({ name: "Code", vendor: "github", auth_data });
    expect(await integrations.oauth.start(github.id)).toEqual({ url: expect.stringContaining("client_id=id") });
    await integrations.delete(github.id);

    const asking = await chats.threads.stream(chat.id, "t:1", hello);
    expect(await asking.message()).toMatchObject({ content: "", status: "complete" });
    const { data: approvals } = await threads.approvals.list("t:1");
    expect(approvals).toMatchObject([{ tool_name: "handoff_to_operator", args: { reason: "asked" } }]);
    const decided = await threads.approvals.decide("t:1", approvals[0]!.id, { approved: false, reason: "no" });
    expect(decided).toMatchObject({ status: "rejected", reason: "no" });
    const last = async () => (await chats.threads.messages.list(chat.id, "t:1")).at(-1);
    await vi.waitFor(async () => expect(await last()).toMatchObject({ content: "Goodbye.", status: "complete" }));
    expect(await chats.threads.resume(chat.id, "t:1")).toBeNull();
    expect(await chats.threads.stop(chat.id, "t:1")).toEqual({ stopped: false });
    expect(await threads.setMode("t:1", "operator")).toEqual({ mode: "operator" });
    expect(await chats.threads.setMode(chat.id, "t:1", "manual")).toEqual({ mode: "manual" });
    const sent = await threads.send("t:1", { text: "I am here." });
    expect(await last()).toEqual(sent);
    expect(await threads.memory("t:1")).toEqual({ content: null });
    expect(await threads.get("t:1")).toMatchObject({ id: "t:1", stats: { user_messages: 1 } });
    expect(await threads.list({ search: "here" })).toMatchObject({ data: [{ id: "t:1" }], next_cursor: null });
    expect(await threads.tickets.create({ thread_id: "t:1" })).toHaveProperty("ticket");
    const [thread] = await chats.threads.list(chat.id);
    for await (const event of threads.events("t:1", { lastEventId: "0.0" })) {
      expect(event).toMatchObject({ thread_id: thread!.id, type: "message_created", role: "user" });
      break;
    }

    const planned = await threads.schedules.create("t:1", { task: "Say the news.", cron: "0 9 * * *" });
    expect(await schedules.update(planned.id, { text: "Say hello." })).toMatchObject({ text: "Say hello." });
    expect(await threads.schedules.list("t:1")).toEqual(await schedules.list());
    expect(await schedules.runs(planned.id)).toEqual({ data: [], next_cursor: null });
    expect(await schedules.cancel(planned.id)).toEqual({ id: planned.id, deleted: true });
    expect(await schedules.get(planned.id)).toMatchObject({ status: "cancelled" });
    const scheduledAt = new Date(Date.now() + 60_000).toISOString();
    const later = await chats.threads.stream(chat.id, "t:1", { ...hello, scheduledAt });
    expect(later.scheduleId).toBe((await schedules.list()).data[0]!.id);

    const store = await vectorStores.create({ name: "Help" });
    expect(await vectorStores.update(store.id, { name: "Handbook" })).toMatchObject({ name: "Handbook" });
    expect(await vectorStores.list()).toMatchObject({ data: [await vectorStores.get(store.id)], has_more: false });
    const content = "A cormorant dries its wings.";
    const text = await vectorStores.files.add(store.id, { filename: "birds.txt", content });
    const attributes = { chapter: 2 };
    const data = new Blob(["A heron waits."], { type: "text/plain" });
    const blob = { data, filename: "herons.txt" };
    const upload = await vectorStores.files.upload(store.id, blob, { attributes });
    expect(upload).toMatchObject({ filename: "herons.txt", attributes });
    for (const { id } of [text, upload]) {
      expect(await vectorStores.files.settled(store.id, id)).toMatchObject({ status: "processed" });
    }
    const filenames: string[] = [];
    for await (const { filename } of vectorStores.files.list(store.id, { limit: 1 })) filenames.push(filename);
    expect(filenames).toEqual(["herons.txt", "birds.txt"]);
    expect(await vectorStores.files.content(store.id, text.id)).toMatchObject({ data: [{ text: content }] });
    expect((await vectorStores.search(store.id, { query: "cormorant" })).data[0]).toMatchObject({ file_id: text.id });
    expect(await vectorStores.files.update(store.id, text.id, { attributes })).toMatchObject({ attributes });
    expect(await vectorStores.files.retry(store.id, text.id)).toMatchObject({ id: text.id });
    expect(await vectorStores.files.get(store.id, text.id)).toMatchObject({ filename: "birds.txt" });
    const stored = await files.upload(new File([content], "cormorants.txt"));
    expect(await files.list({ limit: 1 })).toMatchObject({ data: [await files.get(stored.id)] });
    expect(await (await files.content(stored.id)).text()).toBe(content);
    const batch = await vectorStores.batches.create(store.id, { file_ids: [stored.id] });
    expect(await vectorStores.batches.get(store.id, batch.id)).toMatchObject({ id: batch.id });
    expect(await vectorStores.batches.files(store.id, batch.id)).toMatchObject({
      data: [{ filename: "cormorants.txt" }],
    });
    expect(await vectorStores.batches.cancel(store.id, batch.id)).toMatchObject({ id: batch.id });
    expect(await vectorStores.files.delete(store.id, text.id)).toMatchObject({ id: text.id, deleted: true });
    expect(await files.delete(stored.id)).toMatchObject({ id: stored.id, deleted: true });
    expect(await vectorStores.delete(store.id)).toMatchObject({ id: store.id, deleted: true });

    const receiver = new Receiver();
    const endpoint = await webhookEndpoints.create({ url: receiver.url, secret: "s" });
    expect(await webhookEndpoints.test(endpoint.id)).toMatchObject({ status: "succeeded", status_code: 200 });
    const [delivery] = await webhookEndpoints.deliveries.list(endpoint.id, { status: "delivered" });
    const { event_id } = delivery!;
    expect(await webhookEndpoints.attempts.list(endpoint.id)).toMatchObject([{ event_id }]);
    expect(await webhookEndpoints.deliveries.get(endpoint.id, event_id)).toMatchObject({ event: { id: event_id } });
    expect(await webhookEndpoints.deliveries.redeliver(endpoint.id, event_id)).toMatchObject({ status: "pending" });
    expect(await webhookEndpoints.update(endpoint.id, { status: "disabled" })).toMatchObject({ status: "disabled" });
    expect(await webhookEndpoints.list()).toEqual([await webhookEndpoints.get(endpoint.id)]);
    expect(await webhookEndpoints.delete(endpoint.id)).toEqual({ id: endpoint.id, deleted: true });

    expect(await chats.threads.delete(chat.id, "t:1")).toEqual({ id: "t:1", deleted: true });
    expect(await integrations.chats.delete(website.id, chat.id)).toEqual({ id: chat.id, deleted: true });
    expect(await integrations.delete(website.id)).toEqual({ id: website.id, deleted: true });
    expect([...called].toSorted()).toEqual(methodsOf(clientOf("sk-x")).toSorted());
  });

  it("gives a list page by page, or all of it", async () => {
    const { bots, threads } = clientOf((await newProject()).key);
    for (const name of ["One", "Two", "Three"]) await bots.create({ name });
    expect((await bots.list({ limit: 2 })).map(({ name }) => name)).toEqual(["One", "Two"]);
    const all: Bot[] = [];
    for await (const bot of bots.list({ limit: 2 })) all.push(bot);
    expect(all.map(({ name }) => name)).toEqual(["One", "Two", "Three"]);
    expect(await threads.list()).toEqual({ data: [], next_cursor: null });
  });

  it("follows the cursor where it is part of the page", async () => {
    const chat = await newChat(new FakeModel(says("Yes.")));
    const worken = clientOf(chat.project.key);
    for (const id of ["a", "b", "c"]) await (await worken.chats.threads.stream(chat.id, id, hello)).text();
    const found: string[] = [];
    for await (const { id } of worken.threads.list({ chat_id: chat.id, limit: 2 })) found.push(id);
    expect(found).toEqual(["c", "b", "a"]);
  });
});

describe("an error", () => {
  it("says what the server says", async () => {
    const { key } = await newProject();
    const { bots } = clientOf(key);
    const missing = await bots.get("nobody").catch((error: unknown) => error);
    expect(missing).toBeInstanceOf(WorkenError);
    expect(missing).toMatchObject({
      status: 404,
      error: "Not Found",
      message: "bot nobody does not exist",
      issues: [],
      requestId: expect.stringMatching(/./) as string,
    });
    await expect(bots.create({ name: "" })).rejects.toMatchObject({ status: 422, issues: [{ path: "name" }] });
    await expect(clientOf("sk-0").bots.list()).rejects.toMatchObject({ status: 401, error: "Unauthorized" });
  });

  it("says when it is worth trying again, and waits if that is soon", async () => {
    const refusal = (seconds: string) => () =>
      Response.json({ message: "too many", request_id: "r" }, { status: 429, headers: { "retry-after": seconds } });
    const { worken, asked } = scripted(refusal("0.01"), () => Response.json([]), refusal("3600"));
    expect(await worken.bots.list()).toEqual([]);
    await expect(worken.bots.list()).rejects.toMatchObject({ status: 429, retryAfter: 3600 });
    expect(asked).toHaveLength(3);
  });

  it("of the network is a ConnectionError, after three tries", async () => {
    const { worken, asked } = scripted();
    const error = await worken.bots.list().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ status: 0, cause: expect.any(Error) as Error });
    expect(asked).toHaveLength(3);
  });

  it("comes when the server takes too long, or the caller does not want to wait", async () => {
    const silent = (_: string, { signal }: RequestInit) =>
      new Promise<Response>((_resolve, reject) =>
        signal!.addEventListener("abort", () => reject(signal!.reason as Error)),
      );
    const worken = new Worken({ apiKey: "sk-x", fetch: silent, timeout: 10 });
    await expect(worken.integrations.delete("i")).rejects.toThrow("no answer within 10 ms");
    const leaving = new AbortController();
    const listing = worken.bots.list({}, { signal: leaving.signal });
    leaving.abort(new Error("never mind"));
    await expect(listing).rejects.toThrow("never mind");
  });

  it("hides nothing of a proxy that answers in the server's place", async () => {
    const { worken, asked } = scripted(
      () => new Response("<h1>Bad Gateway</h1>", { status: 502 }),
      () => Response.json({ id: "b" }),
      () => new Response("<h1>Gone</h1>", { status: 410 }),
    );
    expect(await worken.bots.create({ name: "Bot" })).toEqual({ id: "b" });
    await expect(worken.bots.get("b")).rejects.toMatchObject({ status: 410, requestId: undefined });
    const [first, second] = asked.map(({ headers }) => headers.get("idempotency-key"));
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(second).toBe(first);
  });
});

describe("a request", () => {
  it("is done once, though its answer is lost", { timeout: 20_000 }, async () => {
    const { key } = await newProject();
    const bot = await clientOf(key, losing("POST", 2)).bots.create({ name: "Bot" });
    expect(await clientOf(key, losing("GET", 2)).bots.list()).toEqual([bot]);
  });

  it("can be given a key by its caller", async () => {
    const { bots } = clientOf((await newProject()).key);
    const [first, second] = [1, 2].map(() => bots.create({ name: "Bot" }, { idempotencyKey: "mine" }));
    expect(await first).toEqual(await second);
  });

  it("carries the client's own headers", async () => {
    const seen: (string | null)[] = [];
    const fetch: typeof direct = (input, init) => {
      seen.push(new Headers(init.headers).get("x-request-id"));
      return direct(input, init);
    };
    const { key: apiKey } = await newProject();
    const options = { apiKey, baseUrl: "http://test", headers: { "x-request-id": "mine", authorization: "no" } };
    expect(await new Worken({ ...options, fetch }).bots.list()).toEqual([]);
    expect(seen).toEqual(["mine"]);
  });

  it("is made to no other place than meant, whatever an id contains", async () => {
    const { worken, asked } = scripted(() => Response.json({}));
    for (const id of ["", ".", ".."]) expect(() => worken.bots.get(id)).toThrow(TypeError);
    await worken.bots.get("../projects?x");
    expect(asked.map(({ url }) => url)).toEqual(["http://test/bots/..%2Fprojects%3Fx"]);
  });
});

describe("live events", () => {
  it("go on where they were when the connection is lost", { timeout: 20_000 }, async () => {
    const { worken, thread, chatId } = await newThread(new FakeModel(says("Yes.")));
    await (await worken.chats.threads.stream(chatId, thread.id, hello)).text();
    await thread.setMode("manual");
    const leaving = new AbortController();
    const { threads } = clientOf(thread.chat.project.key, breaking([100, 400, 0]));
    const told: ThreadEvent[] = [];
    for await (const event of threads.events(undefined, { signal: leaving.signal, lastEventId: "0.0" })) {
      told.push(event);
      if (event.type === "mode_changed") leaving.abort();
    }
    const types = ["message_created", "pending_count", "message_created", "pending_count", "mode_changed"];
    expect(told.map(({ type }) => type)).toEqual(types);
  });

  it("of a thread that is not there are an error", async () => {
    const { threads } = clientOf((await newProject()).key);
    await expect(threads.events("t").next()).rejects.toMatchObject({ status: 404 });
  });
});
