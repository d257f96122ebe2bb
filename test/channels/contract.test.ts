import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { channels } from "../../src/channels/index.ts";
import { runJob } from "../../src/jobs/index.ts";
import { eventually } from "../helpers/eventually.ts";
import { callWorker, newProject, type Caller } from "../helpers/project.ts";
import { contextOf } from "../helpers/receiver.ts";
import { callsTool, FakeModel, fakeVendors, says } from "../helpers/upstream.ts";
import { samples } from "./samples.ts";
import { number, type FakeVendor, type Fields, type Said, type Sample } from "./vendors/fake-vendor.ts";

const NO_UPDATES = [
  "",
  "null",
  "[]",
  "[null]",
  "{}",
  "1",
  '"x"',
  '{"',
  "a=1&a=2",
  "%",
  "\u0000",
  `${"[".repeat(70)}${"]".repeat(70)}`,
];

/** A vendor's call with each of its fields in turn being something else. */
function variationsOf(body: string): string[] {
  const isJson = body.startsWith("{");
  const call: unknown = isJson ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body));
  const found: string[] = [];
  const vary = (node: unknown, replace: (other: unknown) => unknown): void => {
    for (const other of [null, {}, [], [null], "x", 1]) {
      const changed = replace(other);
      found.push(isJson ? JSON.stringify(changed) : new URLSearchParams(changed as Record<string, string>).toString());
    }
    if (typeof node !== "object" || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      vary(value, (other) => replace(Array.isArray(node) ? node.with(Number(key), other) : { ...node, [key]: other }));
    }
  };
  if (typeof call === "object" && call !== null) {
    for (const [key, value] of Object.entries(call)) vary(value, (other) => ({ ...call, [key]: other }));
  }
  return found;
}

const CALLS_AT_ONCE = 40;

const AWAY = [
  () => {
    throw new TypeError("Network connection lost.");
  },
  () => new Response("<html>Bad Gateway</html>", { status: 502 }),
  () => new Response("<html>Welcome to our hotel</html>", { headers: { "content-type": "text/html" } }),
];

/** What a voice assistant says where the bot says nothing. */
const OURS = /^(Здравствуйте|Мне нужно ещё|Сейчас я не могу|Я передал|$)/;

/** A bot that is reached through a vendor, and somebody who writes to it there. */
class Conversation {
  readonly chat: string;
  readonly user = String(number());
  readonly sample: Sample;
  readonly fake: FakeVendor;
  readonly account: Fields;
  readonly project: Caller & { id: string };
  readonly integration: string;
  readonly chatId: string;

  constructor(
    given: Omit<
      Conversation,
      "chat" | "user" | "said" | "deliver" | "writes" | "waitOut" | "texts" | "messages" | "thread"
    >,
  ) {
    this.sample = given.sample;
    this.fake = given.fake;
    this.account = given.account;
    this.project = given.project;
    this.integration = given.integration;
    this.chatId = given.chatId;
    this.chat = this.sample.chat();
  }

  said = (text: string, at = new Date()): Said => ({
    chat: this.chat,
    user: this.user,
    text,
    id: String(number()),
    at,
  });

  /** The vendor calls; the answer's status. */
  async deliver(body: string, signed = true, isHeard = signed): Promise<number> {
    const { headers = {}, query = "" } = signed ? await this.sample.sign(body, this.account, this.fake.webhook) : {};
    const response = await callWorker(
      new Request(`https://parley.test/integrations/${this.integration}/webhook?${query}`, {
        method: "POST",
        body,
        headers: { "content-type": this.sample.contentType ?? "application/json", ...headers },
      }),
    );
    const heard = await response.text();
    if (response.ok && isHeard) this.#hear(heard, body);
    return response.status;
  }

  /** Where a call is answered with words, they are as good as sent. */
  #hear(heard: string, body: string): void {
    const { hears } = this.sample;
    if (!hears || !body.includes(this.chat)) return;
    const { text, buttons } = hears(heard);
    if (!OURS.test(text)) this.fake.send(this.chat, text, buttons);
  }

  writes = (text: string, at?: Date) => this.deliver(this.sample.says(this.said(text, at), this.account));

  get texts(): string[] {
    return this.fake.sent.map(({ text }) => text);
  }

  /** As long as the vendor has asked for, at once. */
  async waitOut(): Promise<void> {
    const [{ id: projectId }, { id: threadId }] = [this.project, await this.thread()];
    const due = "update channel_sends set due_at = 0 where project_id = ? and thread_id = ?";
    await env.DB.prepare(due).bind(projectId, threadId).run();
    await runJob(contextOf(this.project), { kind: "send-messages", projectId, threadId });
  }

  async thread() {
    const [found] = (await this.project.get(`/chats/${this.chatId}/threads`)).json;
    return (await this.project.get(`/threads/${found.id}`)).json;
  }

  async messages() {
    return (await this.project.get(`/chats/${this.chatId}/threads/${(await this.thread()).id}/messages`)).json;
  }
}

async function open(sample: Sample, model: FakeModel, tools: object = {}): Promise<Conversation> {
  const project = await newProject();
  const { fake, auth_data: account } = sample.open();
  const { json: bot } = await project.post("/bots", { name: "Bot" });
  await project.post(`/bots/${bot.id}/settings`, { ai: { model: { id: model.id }, tools } });
  const { json } = await project.post("/integrations", { name: "V", vendor: sample.vendor, auth_data: account });
  const settings = { debounce_ms: 0 };
  const { json: chat } = await project.post(`/integrations/${json.id}/chats`, { bot_id: bot.id, name: "V", settings });
  await eventually(() => expect(fake.webhook !== null).toBe(sample.setsUp));
  await eventually(() => expect(sample.isReady?.(fake) ?? true).toBe(true));
  return new Conversation({ sample, fake, account, project, integration: json.id, chatId: chat.id });
}

it("every vendor with a channel has its samples", () => {
  const writing = Object.entries(channels).filter(([, { capabilities }]) => capabilities.maxTextLength > 0);
  expect(Object.keys(samples)).toEqual(writing.map(([vendor]) => vendor));
});

describe.each(Object.values(samples))("$vendor", (sample) => {
  it("is told where we are, and when we go", async () => {
    const conversation = await open(sample, new FakeModel(says("ok")));
    const { fake, project, integration } = conversation;
    const url = `https://parley.test/integrations/${integration}/webhook`;
    expect(fake.webhook?.url).toBe(sample.setsUp ? url : undefined);
    await project.delete(`/integrations/${integration}`);
    await eventually(() => expect(fake.webhook === null).toBe(sample.tearsDown || !sample.setsUp));
  });

  it("brings what somebody writes, and takes the answer back to them", async () => {
    const conversation = await open(sample, new FakeModel(says("Hello there")));
    expect(await conversation.writes("hi & <you>")).toBe(200);
    await eventually(() =>
      expect(conversation.fake.sent).toEqual([{ to: conversation.chat, text: "Hello there", buttons: [] }]),
    );
    await eventually(async () =>
      expect(await conversation.messages()).toMatchObject([
        { role: "user", content: "hi & <you>" },
        { role: "assistant", content: "Hello there", delivery: { status: "sent" } },
      ]),
    );
    const thread = await conversation.thread();
    expect(thread.channel.external_id).toBe(conversation.chat);
    const window = channels[sample.vendor as keyof typeof channels]!.capabilities.replyWindowMs;
    const until = thread.channel.can_reply_until;
    expect(until === null ? undefined : Math.round((Date.parse(until) - Date.now()) / 60_000)).toBe(
      window && window / 60_000,
    );
  });

  it("refuses a call that the vendor did not make, and stores nothing of it", async () => {
    const conversation = await open(sample, new FakeModel(says("ok")));
    const account = { ...conversation.account, secret: "wrong", app_secret: "wrong", channel_secret: "wrong" };
    const body = sample.says(conversation.said("hi"), account);
    const isForged = sample.vendor === "vk" ? body : sample.says(conversation.said("hi"), conversation.account);
    expect(await conversation.deliver(isForged, false)).toBe(401);
    const query = env.DB.prepare("select count(*) as count from inbound_events where project_id = ?");
    expect(await query.bind(conversation.project.id).first("count")).toBe(0);
  });

  it("lets no call of whatever shape be a failure of ours, signed or not", async () => {
    const conversation = await open(sample, new FakeModel(says("ok")));
    const body = sample.says(conversation.said("hi"), conversation.account);
    const calls = [...NO_UPDATES, ...variationsOf(body)].flatMap((call) =>
      [true, false].map((signed) => ({ call, signed })),
    );
    for (let from = 0; from < calls.length; from += CALLS_AT_ONCE) {
      const answered = calls.slice(from, from + CALLS_AT_ONCE).map(async ({ call, signed }) => {
        const status = await conversation.deliver(call, signed, false);
        return status < 500 ? [] : [`${status}: ${call}`];
      });
      expect.soft((await Promise.all(answered)).flat()).toEqual([]);
    }
  });

  it("takes an event once, and lets pass what is not for us", async () => {
    const conversation = await open(sample, new FakeModel(says("ok")));
    const body = sample.says(conversation.said("hi"), conversation.account);
    const ignored = sample.ignored(conversation.said("not for us"), conversation.account);
    const answers = await Promise.all([body, body, ...ignored, body].map((call) => conversation.deliver(call)));
    expect(new Set(answers)).toEqual(new Set([200]));
    await conversation.writes("bye");
    await eventually(() => expect(conversation.texts).toEqual(["ok", "ok"]));
    const contents = (await conversation.messages()).map(({ content }: { content: string }) => content);
    expect(contents).toEqual(["hi", "ok", "bye", "ok"]);
  });

  it.skipIf(sample.hears)("takes a long answer in pieces, in order", async () => {
    const words = Array.from({ length: 2000 }, (_, index) => `word${index}`);
    const conversation = await open(sample, new FakeModel(says(words.join(" "))));
    await conversation.writes("tell me");
    await eventually(async () => expect((await conversation.messages())[1].delivery.status).toBe("sent"));
    expect(conversation.texts.join(" ").split(/\s+/)).toEqual(words);
    const limit = channels[sample.vendor as keyof typeof channels]!.capabilities.maxTextLength;
    expect(conversation.texts.filter(({ length }) => length > limit)).toEqual([]);
  });

  it.skipIf(sample.hears)("is waited for when it is too much, and then has the answer once", async () => {
    const conversation = await open(sample, new FakeModel(says("Hello")));
    conversation.fake.limited = 1;
    await conversation.writes("hi");
    await eventually(async () => expect((await conversation.messages())[1].delivery.error).toBeDefined());
    await conversation.waitOut();
    expect(conversation.texts).toEqual(["Hello"]);
    await eventually(async () => expect((await conversation.messages())[1].delivery).toEqual({ status: "sent" }));
  });

  it.skipIf(sample.hears ?? sample.vendor === "amocrm")("says who cannot be reached", async () => {
    const conversation = await open(sample, new FakeModel(says("Hello")));
    conversation.fake.unreachable = true;
    await conversation.writes("hi");
    await eventually(async () => expect((await conversation.messages())[1].delivery.status).toBe("failed"));
    expect((await conversation.thread()).channel.reachable).toBe(false);
  });

  it("asks for approval, by buttons or in words, and goes on with the answer", async () => {
    const model = new FakeModel(callsTool("handoff_to_operator", { reason: "angry" }), says("A human will write."));
    const conversation = await open(sample, model, { handoff_to_operator: "user_approve" });
    await conversation.writes("a human!");
    await eventually(() => expect(conversation.texts).toHaveLength(1));
    expect(conversation.texts[0]).toContain("handoff to operator");
    const [button] = conversation.fake.sent[0]!.buttons;
    const { presses } = sample;
    if (presses) await conversation.deliver(presses(conversation.said(""), button!, conversation.account));
    else await conversation.writes("Yes");
    await eventually(() => expect(conversation.texts.slice(1)).toEqual(["A human will write."]));
    expect((await conversation.thread()).mode).toBe("manual");
  });

  it("says whom the credentials stand for, and when they do not any more", async () => {
    const { project, integration, fake } = await open(sample, new FakeModel(says("ok")));
    const path = `/integrations/${integration}`;
    expect((await project.get(`${path}/profile`)).json).toMatchObject({
      id: expect.any(String),
      name: expect.stringContaining(sample.name ?? "Shop"),
    });
    fake.revoked = true;
    expect((await project.get(`${path}/profile`)).status).toBe(422);
    expect((await project.get(path)).json).toMatchObject({ status: "error", error: expect.any(String) });
    fake.revoked = false;
    expect((await project.get(`${path}/profile`)).status).toBe(200);
    expect((await project.get(path)).json.status).toBe("active");
    fake.revoked = true;
    expect((await project.get(`${path}/profile`)).status).toBe(422);
    expect((await project.post(path, { status: "active" })).json).not.toHaveProperty("error");
  });

  it("says of the credentials nothing that it does not know, while the vendor is not there or not itself", async () => {
    const { project, integration } = await open(sample, new FakeModel(says("ok")));
    const path = `/integrations/${integration}`;
    const origin = sample.origin ?? `http://${sample.vendor}.test`;
    const theirs = fakeVendors.get(origin)!;
    for (const away of AWAY) {
      fakeVendors.set(origin, away);
      const { status, json } = await project.get(`${path}/profile`).finally(() => fakeVendors.set(origin, theirs));
      expect([status, json]).toMatchObject([502, { error: expect.any(String), message: expect.any(String) }]);
      expect((await project.get(path)).json.status).toBe("active");
    }
    expect((await project.get(`${path}/profile`)).status).toBe(200);
  });
});
