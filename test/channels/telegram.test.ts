import {
  abortAllDurableObjects,
  createExecutionContext,
  createScheduledController,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import worker from "../../src/worker.ts";
import { eventually } from "../helpers/eventually.ts";
import { callWorker, newProject } from "../helpers/project.ts";
import { SseReader } from "../helpers/sse.ts";
import { buttonsOf, FakeTelegram, newTelegramChat, type TelegramChat } from "../helpers/telegram.ts";
import { callsTool, FakeModel, HeldAnswer, says } from "../helpers/upstream.ts";

const contents = async (chat: TelegramChat) => (await chat.messages()).map(({ content }) => content);
const deliveries = async (chat: TelegramChat) => (await chat.messages()).map(({ delivery }) => delivery?.status);

/** Rings again for everything whose bell was lost. */
async function sweep(): Promise<void> {
  const execution = createExecutionContext();
  await worker.scheduled(createScheduledController(), env, execution);
  await waitOnExecutionContext(execution);
}

describe("the webhook", () => {
  it("is set when the integration is made, with a secret and what we want to hear, and removed with it", async () => {
    const chat = await newTelegramChat();
    expect(chat.telegram.webhook).toEqual({
      url: `https://parley.test/integrations/${chat.integrationId}/webhook`,
      secret_token: expect.stringMatching(/^[0-9a-f]{64}$/),
      allowed_updates: ["message", "edited_message", "callback_query", "my_chat_member"],
    });
    await chat.project.delete(`/integrations/${chat.integrationId}`);
    await eventually(() => expect(chat.telegram.webhook).toBeNull());
  });

  it("moves to another bot with another token", async () => {
    const [chat, other] = [await newTelegramChat(), new FakeTelegram()];
    await chat.project.post(`/integrations/${chat.integrationId}`, { auth_data: { token: other.token } });
    await eventually(() => expect([chat.telegram.webhook, other.webhook?.url]).toEqual([null, expect.any(String)]));
  });

  it("refuses who does not know the secret, and stores nothing of it", async () => {
    const chat = await newTelegramChat(new FakeModel(says("no")));
    for (const secret of ["", "wrong"]) {
      const update = chat.update({ message: chat.message({ text: "hi" }) });
      expect(await chat.telegram.deliver(update, { "x-telegram-bot-api-secret-token": secret })).toBe(401);
    }
    expect(
      await env.DB.prepare("select * from inbound_events where project_id = ?").bind(chat.project.id).all(),
    ).toMatchObject({ results: [] });
  });

  it("says what is wrong with a call that nobody could have sent", async () => {
    const chat = await newTelegramChat();
    const call = (path: string, body: string) =>
      callWorker(
        new Request(`http://test/integrations/${path}/webhook`, {
          method: "POST",
          body,
          headers: { "x-telegram-bot-api-secret-token": chat.telegram.webhook!.secret_token! },
        }),
      );
    expect((await call(crypto.randomUUID(), "{}")).status).toBe(404);
    expect((await call(chat.integrationId, "{")).status).toBe(400);
    expect((await call(chat.integrationId, '{"update_id":1,"message":{"text":7}}')).status).toBe(200);
  });

  it("takes an update of any kind that is not for us, and does nothing", async () => {
    const chat = await newTelegramChat(new FakeModel(says("Hello")));
    const bot = { ...chat.user, is_bot: true };
    for (const update of [
      { channel_post: chat.message({ text: "news" }) },
      { message: chat.message({ text: "beep", from: bot }) },
      { message: chat.message({ new_chat_members: [chat.user] }) },
      { poll: { id: "1" } },
      { callback_query: { id: "1", from: chat.user, data: "other" } },
    ]) {
      expect(await chat.telegram.deliver(chat.update(update))).toBe(200);
    }
    await chat.says("hi");
    await eventually(() => expect(chat.got).toEqual(["Hello"]));
    expect(await contents(chat)).toEqual(["hi", "Hello"]);
  });

  it("does not answer while the integration is disabled", async () => {
    const chat = await newTelegramChat(new FakeModel(says("Hello")));
    await chat.project.post(`/integrations/${chat.integrationId}`, { status: "disabled" });
    await chat.says("are you there?");
    await chat.project.post(`/integrations/${chat.integrationId}`, { status: "active" });
    await chat.says("hi");
    await eventually(() => expect(chat.got).toEqual(["Hello"]));
    expect(await contents(chat)).toEqual(["hi", "Hello"]);
  });
});

describe("a conversation", () => {
  it("answers who writes, in a thread that says who and how far the answer has come", async () => {
    const chat = await newTelegramChat(new FakeModel(says("Hello **Ann**")));
    await chat.says("/start ref42");
    await eventually(() => expect(chat.got).toEqual(["Hello <b>Ann</b>"]));
    const { json } = await chat.project.get(`/threads/${await chat.threadId()}`);
    expect(json.person).toMatchObject({ name: "Ann Lee", external_id: String(chat.user.id) });
    expect(json.channel).toEqual({
      integration_id: chat.integrationId,
      external_id: String(chat.chatId),
      reachable: true,
      can_reply_until: null,
    });
    await eventually(async () =>
      expect(await chat.messages()).toMatchObject([
        { role: "user", content: "/start ref42" },
        { role: "assistant", content: "Hello **Ann**", delivery: { status: "sent" } },
      ]),
    );
  });

  it("takes an update once, however often and at once it comes", async () => {
    const model = new FakeModel(says("Hello"));
    const chat = await newTelegramChat(model);
    const update = chat.update({ message: chat.message({ text: "hi" }) });
    const answers = await Promise.all(Array.from({ length: 5 }, () => chat.telegram.deliver(update)));
    expect(answers).toEqual([200, 200, 200, 200, 200]);
    await eventually(() => expect(chat.got).toEqual(["Hello"]));
    await chat.telegram.deliver(update);
    await chat.says("and now?");
    await eventually(() => expect(chat.got).toEqual(["Hello", "Hello"]));
    expect(await contents(chat)).toEqual(["hi", "Hello", "and now?", "Hello"]);
  });

  it("answers a burst of messages once, knowing all of them", async () => {
    const model = new FakeModel(says("Which size?"));
    const chat = await newTelegramChat(model, {}, {});
    for (const text of ["I want", "a red", "shirt"]) await chat.says(text);
    await eventually(() => expect(chat.got).toEqual(["Which size?"]));
    expect(model.requests).toHaveLength(1);
    expect(model.requests[0]!.messages.map(({ content }) => content).slice(-3)).toEqual(["I want", "a red", "shirt"]);
  });

  it("keeps the order of what one person says, and people apart", async () => {
    const model = new FakeModel(says("ok"));
    const chat = await newTelegramChat(model);
    const other = chat.neighbour();
    for (let index = 0; index < 6; index++) await Promise.all([chat.says(`a${index}`), other.says(`b${index}`)]);
    await eventually(async () => expect([chat.got, other.got].map((got) => got.length)).toEqual([6, 6]));
    const threads = await chat.threads();
    const said = await Promise.all(
      threads.map(async ({ id }) => {
        const { json } = await chat.project.get(`/chats/${chat.id}/threads/${id}/messages`);
        return json.flatMap(({ role, content }: { role: string; content: string }) =>
          role === "user" ? [content] : [],
        );
      }),
    );
    expect(said.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual(
      ["a", "b"].map((who) => [0, 1, 2, 3, 4, 5].map((index) => who + index)),
    );
  });

  it("shows that the bot is writing for as long as it is", async () => {
    const held = new HeldAnswer();
    const chat = await newTelegramChat(new FakeModel(held.answer));
    await chat.says("hi");
    await eventually(() => expect(chat.telegram.countOf("sendChatAction")).toBe(1));
    expect(chat.telegram.calls.find(({ method }) => method === "sendChatAction")!.fields).toEqual({
      chat_id: String(chat.chatId),
      action: "typing",
    });
    held.say("Hello");
    held.end();
    await eventually(() => expect(chat.got).toEqual(["Hello"]));
  });

  it("changes a message that was edited, and answers from then on what it says", async () => {
    const model = new FakeModel(says("ok"));
    const chat = await newTelegramChat(model);
    const message = chat.message({ text: "I live in Rome" });
    await chat.telegram.deliver(chat.update({ message }));
    await eventually(() => expect(chat.got).toHaveLength(1));
    await chat.telegram.deliver(chat.update({ edited_message: { ...message, text: "I live in Paris" } }));
    await eventually(async () => expect(await contents(chat)).toEqual(["I live in Paris", "ok"]));
    await chat.says("where?");
    await eventually(() => expect(chat.got).toHaveLength(2));
    expect(JSON.stringify(model.requests[1]!.messages)).toContain("I live in Paris");
  });

  it("drops what is older than a day", async () => {
    const chat = await newTelegramChat(new FakeModel(says("ok")));
    const date = Math.floor(Date.now() / 1000) - 25 * 3600;
    await chat.telegram.deliver(chat.update({ message: chat.message({ text: "old", date }) }));
    await chat.says("new");
    await eventually(() => expect(chat.got).toHaveLength(1));
    expect(await contents(chat)).toEqual(["new", "ok"]);
  });

  it("stores what is written while the bot is off, and does not answer it", async () => {
    const model = new FakeModel(says("ok"));
    const chat = await newTelegramChat(model);
    await chat.project.post(`/bots/${chat.botId}/status`, { status: "disabled" });
    await chat.says("hello?");
    await eventually(async () => expect(await contents(chat)).toEqual(["hello?"]));
    expect(model.requests).toEqual([]);
  });

  it("goes to the chat that is bound to it, else to the first that is bound to none", async () => {
    const chat = await newTelegramChat(new FakeModel(says("ok")));
    const group = chat.neighbour();
    const { json: bound } = await chat.project.post(`/integrations/${chat.integrationId}/chats`, {
      bot_id: chat.botId,
      name: "Group",
      settings: { external_chat_id: group.chatId, debounce_ms: 0 },
    });
    await Promise.all([chat.says("private"), group.says("in the group")]);
    await eventually(() => expect([chat.got, group.got]).toEqual([["ok"], ["ok"]]));
    const chats = (await chat.project.get("/threads")).json.data.map(({ chat_id }: { chat_id: string }) => chat_id);
    expect(new Set(chats)).toEqual(new Set([chat.id, bound.id]));
  });

  it("answers in the topic of a forum in which it was asked", async () => {
    const chat = await newTelegramChat(new FakeModel(says("ok")));
    const topic = { message_thread_id: 5, is_topic_message: true };
    await chat.telegram.deliver(chat.update({ message: chat.message({ text: "hi", ...topic }) }));
    await eventually(() =>
      expect(chat.telegram.sent).toMatchObject([{ chat_id: String(chat.chatId), message_thread_id: 5 }]),
    );
  });

  it("is deleted with all that came with it", async () => {
    const chat = await newTelegramChat(new FakeModel(says("ok")));
    chat.telegram.files.set("files/f1", "bytes");
    await chat.telegram.deliver(
      chat.update({ message: chat.message({ photo: [{ file_id: "f1" }], caption: "look" }) }),
    );
    await eventually(() => expect(chat.got).toHaveLength(1));
    const thread = await chat.threadId();
    await chat.project.post(`/chats/${chat.id}/threads/${thread}/delete`);
    expect((await env.FILES.list({ prefix: `${chat.project.id}/threads/` })).objects).toEqual([]);
    await chat.says("again");
    await eventually(async () => expect(await contents(chat)).toEqual(["again", "ok"]));
  });
});

describe("files", () => {
  it.each([
    ["a photo", { photo: [{ file_id: "small" }, { file_id: "f", file_size: 5 }], caption: "look" }, "image/jpeg"],
    ["a document", { document: { file_id: "f", file_name: "a.pdf", mime_type: "application/pdf" } }, "application/pdf"],
    ["a voice message", { voice: { file_id: "f", mime_type: "audio/ogg" } }, "audio/ogg"],
  ])("%s is kept with its message, and can be downloaded", async (_, content, mediaType) => {
    const model = new FakeModel(says("Nice"));
    const chat = await newTelegramChat(model);
    chat.telegram.files.set("files/f", "bytes");
    await chat.telegram.deliver(chat.update({ message: chat.message(content) }));
    await eventually(() => expect(chat.got).toEqual(["Nice"]));
    const [message] = await chat.messages();
    expect(message).toMatchObject({
      content: "caption" in content ? content.caption : "",
      files: [{ media_type: mediaType, size_bytes: 5 }],
    });
    expect(JSON.stringify(model.requests[0]!.messages)).toContain(message.files[0].name);
    const path = `/threads/${await chat.threadId()}/files/${message.files[0].id}`;
    const response = await chat.project.fetch("GET", path);
    expect([response.status, response.headers.get("content-disposition"), await response.text()]).toEqual([
      200,
      "attachment",
      "bytes",
    ]);
    expect((await (await newProject()).get(path)).status).toBe(404);
  });

  it("that cannot be fetched are named in the message", async () => {
    const chat = await newTelegramChat(new FakeModel(says("Hm")));
    const document = { file_id: "huge", file_name: "film.mkv" };
    await chat.telegram.deliver(chat.update({ message: chat.message({ document }) }));
    await eventually(() => expect(chat.got).toEqual(["Hm"]));
    expect(await contents(chat)).toEqual(["[film.mkv]", "Hm"]);
  });
});

describe("approvals", () => {
  const tools = { handoff_to_operator: "user_approve" };
  const asking = async (...answers: ConstructorParameters<typeof FakeModel>) => {
    const chat = await newTelegramChat(
      new FakeModel(callsTool("handoff_to_operator", { reason: "angry" }), ...answers),
      { tools },
    );
    await chat.says("a human, please");
    await eventually(() => expect(chat.got).toHaveLength(1));
    const [question] = chat.telegram.sent;
    return { chat, question, buttons: buttonsOf(question!["reply_markup"]) };
  };

  it("are asked with buttons, and the answer goes on with what was pressed", async () => {
    const { chat, question, buttons } = await asking(says("A human will write."));
    expect(question!["text"]).toContain("handoff to operator");
    await chat.presses(buttons[0]!.callback_data);
    await eventually(() => expect(chat.got.slice(1)).toEqual(["A human will write."]));
    expect((await chat.threads())[0]!.mode).toBe("manual");
    expect(chat.telegram.countOf("answerCallbackQuery")).toBe(1);
    expect(chat.telegram.countOf("editMessageReplyMarkup")).toBe(1);
  });

  it("can be rejected, and are decided once", async () => {
    const { chat, buttons } = await asking(says("As you wish."));
    await chat.presses(buttons[1]!.callback_data);
    await chat.presses(buttons[0]!.callback_data);
    await eventually(() => expect(chat.telegram.countOf("answerCallbackQuery")).toBe(2));
    await eventually(() => expect(chat.got.slice(1)).toEqual(["As you wish."]));
    expect((await chat.threads())[0]!.mode).toBe("auto");
    expect(chat.telegram.calls.findLast(({ method }) => method === "answerCallbackQuery")!.fields["text"]).toContain(
      "closed",
    );
  });

  it("that an operator must give are not asked of the person, nor taken from one", async () => {
    const model = new FakeModel(callsTool("handoff_to_operator", { reason: "x" }), says("ok"));
    const chat = await newTelegramChat(model, { tools: { handoff_to_operator: "operator_approve" } });
    await chat.says("hi");
    const path = `/threads/${await chat.threadId()}/approvals`;
    const approval = await eventually(async () => {
      const [found] = (await chat.project.get(path)).json.data;
      expect(found.status).toBe("pending");
      return found;
    });
    await chat.presses(`ap:${approval.id}:1`);
    await eventually(() => expect(chat.telegram.countOf("answerCallbackQuery")).toBe(1));
    expect((await chat.project.get(path)).json.data[0].status).toBe("pending");
    expect(chat.got).toEqual([]);
    await chat.project.post(`${path}/${approval.id}`, { approved: false });
    await eventually(() => expect(chat.got).toEqual(["ok"]));
  });
});

describe("sending", () => {
  it("cuts what is too long at its blocks, in order", async () => {
    const text = Array.from({ length: 30 }, (_, index) => `## Part ${index}\n\n${"word ".repeat(100)}`).join("\n\n");
    const chat = await newTelegramChat(new FakeModel(says(text)));
    await chat.says("tell me");
    await eventually(async () => expect((await deliveries(chat))[1]).toBe("sent"));
    expect(chat.got.length).toBeGreaterThan(3);
    expect(chat.got.join(" ").match(/Part \d+/g)).toEqual(Array.from({ length: 30 }, (_, index) => `Part ${index}`));
  });

  it("says that the bot's API cannot be reached, and nothing of its address, which holds the token", async () => {
    const chat = await newTelegramChat(new FakeModel(says("Hello")));
    const { token } = chat.telegram;
    const broken = () => Promise.reject(new TypeError(`fetch of http://telegram.test/bot${token}/sendMessage failed`));
    chat.telegram.failures.push({ method: "sendMessage", respond: broken });
    await chat.says("hi");
    const shown = await eventually(async () => {
      const messages = await chat.messages();
      expect(messages[1]!.delivery).toEqual({ status: "waiting", error: "the vendor cannot be reached" });
      return messages;
    });
    const { json: integration } = await chat.project.get(`/integrations/${chat.integrationId}`);
    expect(JSON.stringify([shown, integration])).not.toContain(token);
  });

  it("goes on after the pieces that the vendor has, when one fails", async () => {
    const text = Array.from({ length: 3 }, (_, index) => `${index} ${"word ".repeat(700)}`).join("\n\n");
    const chat = await newTelegramChat(new FakeModel(says(text)));
    chat.telegram.failures.push({
      method: "sendMessage",
      respond: () => {
        chat.telegram.failOnce("sendMessage", 500, "Internal Server Error");
        return Response.json({ ok: true, result: { message_id: 1 } });
      },
    });
    await chat.says("tell me");
    await eventually(() => expect(chat.got.map((piece) => piece[0])).toEqual(["0", "1", "2"]));
  });

  it("says it plainly where Telegram cannot read the markup", async () => {
    const chat = await newTelegramChat(new FakeModel(says("**bold**")));
    chat.telegram.failOnce("sendMessage", 400, "Bad Request: can't parse entities: unsupported");
    await chat.says("hi");
    await eventually(() => expect(chat.telegram.sent).toMatchObject([{ text: "bold" }]));
    expect(chat.telegram.sent[0]).not.toHaveProperty("parse_mode");
  });

  it("waits as long as Telegram says, and says so on the message", async () => {
    const chat = await newTelegramChat(new FakeModel(says("Hello")));
    chat.telegram.failOnce("sendMessage", 429, "Too Many Requests: retry after 1", { retry_after: 1 });
    await chat.says("hi");
    await eventually(async () =>
      expect((await chat.messages())[1]).toMatchObject({
        delivery: { status: "waiting", error: expect.stringContaining("retry after 1") },
      }),
    );
    const refusedAt = Date.now();
    await eventually(() => expect(chat.got).toEqual(["Hello"]));
    expect(Date.now() - refusedAt).toBeGreaterThan(500);
    await eventually(async () => expect((await chat.messages())[1].delivery).toEqual({ status: "sent" }));
  });

  it("follows a group that has become a supergroup", async () => {
    const chat = await newTelegramChat(new FakeModel(says("Hello")));
    chat.telegram.failOnce("sendMessage", 400, "Bad Request: group chat was upgraded", { migrate_to_chat_id: -1007 });
    await chat.says("hi");
    await eventually(() => expect(chat.telegram.sent).toMatchObject([{ chat_id: "-1007", text: "Hello" }]));
  });

  it("knows who has blocked the bot, until they write again", async () => {
    const chat = await newTelegramChat(new FakeModel(says("Hello")));
    chat.telegram.blockedBy.add(String(chat.chatId));
    await chat.says("hi");
    await eventually(async () => expect((await chat.messages())[1]).toMatchObject({ delivery: { status: "failed" } }));
    const thread = `/threads/${await chat.threadId()}`;
    expect((await chat.project.get(thread)).json.channel.reachable).toBe(false);
    chat.telegram.blockedBy.clear();
    await chat.says("I am back");
    await eventually(() => expect(chat.got).toEqual(["Hello"]));
    expect((await chat.project.get(thread)).json.channel.reachable).toBe(true);
    const left = { chat: { id: chat.chatId }, from: chat.user, new_chat_member: { status: "kicked" } };
    await chat.telegram.deliver(chat.update({ my_chat_member: left }));
    await eventually(async () => expect((await chat.project.get(thread)).json.channel.reachable).toBe(false));
  });

  it("tells once that the token is not accepted any more, and sends what waited with a new one", async () => {
    const chat = await newTelegramChat(new FakeModel(says("Hello")));
    const events = new SseReader(await chat.project.fetch("GET", "/threads/events"));
    chat.telegram.revoked = true;
    await Promise.all([chat.says("hi"), chat.neighbour().says("hi")]);
    const integration = `/integrations/${chat.integrationId}`;
    await eventually(async () =>
      expect((await chat.project.get(integration)).json).toMatchObject({
        status: "error",
        error: "Telegram: Unauthorized",
      }),
    );
    const told: unknown[] = [];
    while (!told.includes("integration.auth_lost")) told.push((await events.json())["type"]);
    await events.cancel();
    expect((await chat.project.get(`${integration}/profile`)).status).toBe(422);
    chat.telegram.revoked = false;
    await chat.project.post(integration, { auth_data: { token: chat.telegram.token } });
    await eventually(() => expect(chat.telegram.texts).toEqual(["Hello", "Hello"]));
    expect((await chat.project.get(integration)).json).toMatchObject({ status: "active" });
    expect(told.filter((type) => type === "integration.auth_lost")).toHaveLength(1);
  });

  it("sends what an operator writes", async () => {
    const chat = await newTelegramChat(new FakeModel(says("Hello")));
    await chat.says("hi");
    await eventually(() => expect(chat.got).toEqual(["Hello"]));
    await chat.setMode("manual");
    const { json } = await chat.project.post(`/threads/${await chat.threadId()}/send`, { text: "I am *Bob* & human" });
    expect(json.delivery).toEqual({ status: "waiting" });
    await eventually(() => expect(chat.got).toEqual(["Hello", "I am <i>Bob</i> &amp; human"]));
  });
});

describe("a takeover", () => {
  it("leaves an answer unsent that was being written", async () => {
    const held = new HeldAnswer();
    const chat = await newTelegramChat(new FakeModel(held.answer));
    await chat.says("hi");
    held.say("I am a bot");
    await eventually(async () => expect(await contents(chat)).toEqual(["hi", "I am a bot"]));
    await chat.setMode("manual");
    await chat.project.post(`/threads/${await chat.threadId()}/send`, { text: "I am human" });
    await eventually(() => expect(chat.got).toEqual(["I am human"]));
    expect((await chat.messages())[1]).not.toHaveProperty("delivery");
  });

  it("leaves an answer unsent that waited for the vendor", async () => {
    const chat = await newTelegramChat(new FakeModel(says("I am a bot")));
    chat.telegram.failOnce("sendMessage", 429, "Too Many Requests", { retry_after: 1 });
    await chat.says("hi");
    await eventually(async () => expect((await chat.messages())[1]).toHaveProperty("delivery.error"));
    await chat.setMode("manual");
    await chat.project.post(`/threads/${await chat.threadId()}/send`, { text: "I am human" });
    await eventually(() => expect(chat.got).toEqual(["I am human"]));
    expect(await deliveries(chat)).toEqual([undefined, "cancelled", "sent"]);
  });

  it("by the bot itself still lets it say goodbye", async () => {
    const model = new FakeModel(callsTool("handoff_to_operator", { reason: "x" }), says("A human will write."));
    const chat = await newTelegramChat(model, { tools: { handoff_to_operator: "auto" } });
    await chat.says("a human!");
    await eventually(() => expect(chat.got).toEqual(["A human will write."]));
    expect((await chat.threads())[0]!.mode).toBe("manual");
  });
});

describe("when things break", () => {
  it("an answer that a crash cut off begins again, and arrives once", async () => {
    const held = new HeldAnswer();
    const chat = await newTelegramChat(new FakeModel(held.answer, says("Hello again")));
    await chat.says("hi");
    held.say("Hel");
    await eventually(async () => expect(await contents(chat)).toEqual(["hi", "Hel"]));
    await abortAllDurableObjects();
    await eventually(async () => expect(await contents(chat)).toEqual(["hi", "Hello again"]));
    await eventually(() => expect(chat.got).toEqual(["Hello again"]));
  });

  it("a lost bell is rung again by the sweep, on the way in and out", async () => {
    const chat = await newTelegramChat(new FakeModel(says("Hello")));
    const send = vi.spyOn(env.JOBS, "send").mockRejectedValue(new Error("queue is down"));
    expect(await chat.telegram.deliver(chat.update({ message: chat.message({ text: "hi" }) }))).toBe(200);
    send.mockRestore();
    expect(await chat.threads()).toEqual([]);
    await sweep();
    await eventually(() => expect(chat.got).toEqual(["Hello"]));
  });

  it("a doubled bell sends nothing twice", async () => {
    const chat = await newTelegramChat(new FakeModel(says("Hello")));
    await chat.says("hi");
    const threadId = await chat.threadId();
    const job = { kind: "send-messages" as const, projectId: chat.project.id, threadId };
    await Promise.all(Array.from({ length: 10 }, () => env.JOBS.send(job)));
    await eventually(async () => expect((await deliveries(chat))[1]).toBe("sent"));
    await chat.says("bye");
    await eventually(() => expect(chat.got.length).toBeGreaterThanOrEqual(2));
    expect(chat.got).toEqual(["Hello", "Hello"]);
  });
});
