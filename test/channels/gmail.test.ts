import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import worker from "../../src/worker.ts";
import { eventually } from "../helpers/eventually.ts";
import { newProject } from "../helpers/project.ts";
import { FakeModel, says } from "../helpers/upstream.ts";
import { Mailbox, unworded } from "./vendors/google.ts";

const SCOPE = "openid email https://www.googleapis.com/auth/gmail.modify";

async function sweep(): Promise<void> {
  const execution = createExecutionContext();
  await worker.scheduled(createScheduledController(), env, execution);
  await waitOnExecutionContext(execution);
}

async function open(model: FakeModel, auth: object = {}) {
  const [project, mailbox] = [await newProject(), new Mailbox()];
  mailbox.receive({ id: "old", threadId: "old", text: "before we came" });
  const auth_data = { access_token: mailbox.token, scope: SCOPE, ...auth };
  const { json: bot } = await project.post("/bots", { name: "Bot" });
  await project.post(`/bots/${bot.id}/settings`, { ai: { model: { id: model.id } } });
  const { json: made } = await project.post("/integrations", { name: "G", vendor: "google", auth_data });
  const settings = { debounce_ms: 0 };
  const { json: chat } = await project.post(`/integrations/${made.id}/chats`, { bot_id: bot.id, name: "G", settings });
  await eventually(() => expect(mailbox.fake.calls).toContain("profile"));
  await eventually(async () => {
    const row = env.DB.prepare("select set_up from integrations where id = ?").bind(made.id);
    expect(await row.first("set_up")).toBe("done");
  });
  const messages = async () => {
    const { json: threads } = await project.get(`/chats/${chat.id}/threads`);
    return (await project.get(`/chats/${chat.id}/threads/${threads[0].id}/messages`)).json;
  };
  return { project, mailbox, integration: made.id, chatId: chat.id, messages };
}

const FROM = { From: "Ann Lee <ann@example.org>", "Message-ID": "<1@example.org>", Subject: "Order" };

it("reads what came since it was set up, minute by minute, and answers in the conversation it belongs to", async () => {
  const { mailbox, messages, project, chatId } = await open(new FakeModel(says("Здравствуйте, Анна!")));
  const headers = {
    ...FROM,
    Subject: "Возврат заказа, который я так и не получила до сих пор",
    References: "<0@example.org>",
  };
  const quote = "\r\n\r\nOn Mon, 23 Nov 2026 at 10:00, Shop <shop@example.com> wrote:\r\n> earlier\r\n> words\r\n";
  mailbox.receive({ id: "m1", threadId: "t1", headers, text: `Где мои деньги?${quote}` });
  await Promise.all([sweep(), sweep()]);
  await eventually(() => expect(mailbox.fake.sent).toHaveLength(1));
  expect(mailbox.fake.sent[0]).toMatchObject({ to: "t1", text: "Здравствуйте, Анна!" });
  const sent = mailbox.mails.at(-1)!.mail;
  expect(unworded(String(sent.headers["Subject"]))).toBe(`Re: ${headers.Subject}`);
  expect(sent.headers).toMatchObject({
    To: "Ann Lee <ann@example.org>",
    "In-Reply-To": "<1@example.org>",
    References: "<0@example.org> <1@example.org>",
    "Auto-Submitted": "auto-replied",
  });
  await eventually(async () => expect((await messages())[1].delivery.status).toBe("sent"));
  expect((await messages()).map(({ content }: { content: string }) => content)).toEqual([
    `${headers.Subject}\n\nГде мои деньги?`,
    "Здравствуйте, Анна!",
  ]);
  const [thread] = (await project.get(`/chats/${chatId}/threads`)).json;
  expect((await project.get(`/threads/${thread.id}`)).json.person).toMatchObject({
    external_id: "ann@example.org",
    name: "Ann Lee",
  });
  await sweep();
  expect(mailbox.fake.sent).toHaveLength(1);
});

it("loses nothing when more has come than is read at once, or the place where it was is forgotten", async () => {
  const { mailbox, integration } = await open(new FakeModel(says("ok")));
  for (let count = 0; count < 54; count++) {
    const headers = { ...FROM, "Message-ID": `<${count}@news.example.org>`, "List-Id": "<news.example.org>" };
    mailbox.receive({ id: `m${count}`, threadId: "news", headers, text: "buy" });
  }
  mailbox.receive({ id: "m-last", threadId: "t1", headers: FROM, text: "hi" });
  const remembered = () => env.DB.prepare("select secrets from integrations where id = ?").bind(integration).first();
  const before = await remembered();
  await sweep();
  await eventually(async () => expect(await remembered()).not.toEqual(before));
  expect(mailbox.fake.calls.filter((path) => path.startsWith("messages/m"))).toHaveLength(50);
  await sweep();
  await eventually(() => expect(mailbox.fake.sent).toHaveLength(1));
  mailbox.oldest = mailbox.historyId + 1;
  const later = { ...FROM, "Message-ID": "<2@example.org>" };
  mailbox.receive({ id: "late", threadId: "t2", headers: later, text: "hi" });
  await sweep();
  await eventually(() => expect(mailbox.fake.sent.map(({ to }) => to)).toEqual(["t1", "t2"]));
});

it("has a topic of Pub/Sub told what comes, and renews that in good time", async () => {
  const { mailbox } = await open(new FakeModel(says("ok")), { pubsub_topic: "projects/p/topics/mail" });
  expect(mailbox.watches).toBe(1);
  await sweep();
  await eventually(() => expect(mailbox.watches).toBe(2));
});

it("is not read without an access that says so, and is set up with the access that does", async () => {
  const { fake } = new Mailbox();
  const project = await newProject();
  const auth_data = { scope: SCOPE, client_id: "c", client_secret: "s" };
  const { json } = await project.post("/integrations", { name: "G", vendor: "google", auth_data });
  await eventually(async () =>
    expect((await project.get(`/integrations/${json.id}`)).json).toMatchObject({
      status: "active",
      error: "Google: access is yet to be allowed",
    }),
  );
  expect(fake.calls).toEqual([]);
});

it("knows when its access is lost", async () => {
  const { mailbox, project, integration } = await open(new FakeModel(says("ok")));
  mailbox.fake.revoked = true;
  await sweep();
  await eventually(async () =>
    expect((await project.get(`/integrations/${integration}`)).json).toMatchObject({ status: "error" }),
  );
});
