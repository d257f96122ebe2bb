import { describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { callWorker, newProject, type Caller } from "../helpers/project.ts";
import { callsTool, FakeModel, fails, HeldAnswer, says } from "../helpers/upstream.ts";
import { samples } from "./samples.ts";
import { number, type Fields, type Sample } from "./vendors/fake-vendor.ts";

/** Somebody who talks to a skill, and hears what each of their calls is answered with. */
class Voice {
  readonly person: string;
  readonly sample: Sample;
  readonly account: Fields;
  readonly project: Caller & { id: string };
  readonly integration: string;
  readonly chatId: string;

  constructor(given: Pick<Voice, "sample" | "account" | "project" | "integration" | "chatId">) {
    this.sample = given.sample;
    this.account = given.account;
    this.project = given.project;
    this.integration = given.integration;
    this.chatId = given.chatId;
    this.person = this.sample.chat();
  }

  async call(body: string, secret = String(this.account["webhook_secret"])) {
    const url = `https://parley.test/integrations/${this.integration}/webhook?secret=${secret}`;
    const response = await callWorker(new Request(url, { method: "POST", body }));
    return { status: response.status, body: await response.text() };
  }

  async says(text: string): Promise<{ text: string; buttons: string[] }> {
    const said = { chat: this.person, user: this.person, text, id: String(number()), at: new Date() };
    return this.sample.hears!((await this.call(this.sample.says(said, this.account))).body);
  }

  async threads() {
    return (await this.project.get(`/chats/${this.chatId}/threads`)).json;
  }

  async messages() {
    return (await this.project.get(`/chats/${this.chatId}/threads/${(await this.threads())[0].id}/messages`)).json;
  }
}

async function open(sample: Sample, model: FakeModel, ai: object = {}, settings: object = {}): Promise<Voice> {
  const project = await newProject();
  const { auth_data: account } = sample.open();
  const { json: bot } = await project.post("/bots", { name: "Bot" });
  await project.post(`/bots/${bot.id}/settings`, { ai: { model: { id: model.id }, ...ai } });
  const body = { name: "V", vendor: sample.vendor, auth_data: account, settings };
  const { json } = await project.post("/integrations", body);
  const { json: chat } = await project.post(`/integrations/${json.id}/chats`, { bot_id: bot.id, name: "V" });
  return new Voice({ sample, account, project, integration: json.id, chatId: chat.id });
}

describe.each([samples.yandex, samples.sber])("a voice assistant of $vendor", (sample) => {
  it("greets who opens the skill without asking the model, in the words of the integration", async () => {
    const model = new FakeModel(says("no"));
    const voice = await open(sample, model, {}, { greeting_text: "Добро пожаловать!" });
    expect(await voice.says("")).toEqual({ text: "Добро пожаловать!", buttons: [] });
    expect([model.requests, await voice.threads()]).toEqual([[], []]);
  });

  it("is asked to come back for what takes too long, and hears it then, once", async () => {
    const held = new HeldAnswer();
    const voice = await open(sample, new FakeModel(held.answer, says("Second.")));
    // A model that is silent for too long has failed.
    const slowly = setInterval(() => held.say("very "), 400);
    const begun = Date.now();
    const first = await voice.says("tell me");
    clearInterval(slowly);
    expect(Date.now() - begun).toBeLessThan(sample.vendor === "yandex" ? 3500 : 6500);
    expect(first).toEqual({ text: expect.stringContaining("ещё немного времени"), buttons: ["Готово?"] });
    held.say("slow");
    held.end();
    await eventually(async () => expect((await voice.messages())[1].status).toBe("complete"));
    expect((await voice.says("Готово?")).text).toMatch(/^(very )+slow$/);
    expect((await voice.says("and more?")).text).toBe("Second.");
    const [, answer] = await voice.messages();
    expect(answer.delivery).toEqual({ status: "sent" });
    expect((await voice.messages()).map(({ content }: { content: string }) => content)).toEqual([
      "tell me",
      expect.stringMatching(/^(very )+slow$/),
      "and more?",
      "Second.",
    ]);
  }, 20_000);

  it("hears a long answer in parts, each as long as may be, in order", async () => {
    const words = Array.from({ length: 600 }, (_, index) => `word${index}`);
    const voice = await open(sample, new FakeModel(says(words.join(" "))));
    const heard = [await voice.says("tell me")];
    while (heard.at(-1)!.buttons.includes("Дальше")) heard.push(await voice.says("Дальше"));
    expect(heard.length).toBeGreaterThan(4);
    expect(heard.flatMap(({ text }) => text.split(/\s+/))).toEqual(words);
  });

  it("is told that nothing can be answered now, and by the chat's status why", async () => {
    const voice = await open(sample, new FakeModel(fails(401), says("Hello")));
    expect((await voice.says("hi")).text).toContain("не могу ответить");
    expect((await voice.project.get(`/chats/${voice.chatId}`)).json.status).toBe("error");
    expect((await voice.says("hi again")).text).toBe("Hello");
  });

  it("hears what an operator wrote meanwhile", async () => {
    const voice = await open(sample, new FakeModel(says("Hello")));
    await voice.says("hi");
    const [{ id }] = await voice.threads();
    await voice.project.post(`/chats/${voice.chatId}/threads/${id}/mode`, { mode: "manual" });
    expect((await voice.says("a human, please")).text).toContain("оператору");
    await voice.project.post(`/threads/${id}/send`, { text: "I am Bob" });
    expect((await voice.says("есть ответ?")).text).toBe("I am Bob");
  });

  it("hears links as buttons, and is asked for approval in words", async () => {
    const model = new FakeModel(
      says("See [our page](https://a.example/b) or **call**."),
      callsTool("handoff_to_operator", { reason: "angry" }),
      says("A human comes."),
    );
    const voice = await open(sample, model, { tools: { handoff_to_operator: "user_approve" } });
    expect(await voice.says("hi")).toEqual({ text: "See our page or call.", buttons: ["our page"] });
    const question = await voice.says("a human!");
    expect(question).toEqual({ text: expect.stringContaining("handoff to operator"), buttons: ["Да", "Нет"] });
    expect((await voice.says("Да")).text).toBe("A human comes.");
  });

  it("does not talk to another skill, nor to who does not know the secret, and says nothing while it is off", async () => {
    const voice = await open(sample, new FakeModel(says("Hello")));
    const said = { chat: voice.person, user: "1", text: "hi", id: "1", at: new Date() };
    const other = sample.says(said, { ...voice.account, skill_id: "other", project_id: "other" });
    expect((await voice.call(other)).status).toBe(401);
    expect((await voice.call(sample.says(said, voice.account), "wrong")).status).toBe(401);
    await voice.project.post(`/integrations/${voice.integration}`, { status: "disabled" });
    expect((await voice.says("hi")).text).toContain("не могу ответить");
    expect(await voice.threads()).toEqual([]);
  });
});
