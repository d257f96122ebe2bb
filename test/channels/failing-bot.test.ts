import { expect, it } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { adjust, setCredits } from "../helpers/money.ts";
import { Receiver, register, told } from "../helpers/receiver.ts";
import { newTelegramChat, type TelegramChat } from "../helpers/telegram.ts";
import { FakeModel, fails, says } from "../helpers/upstream.ts";

const stateOf = async (chat: TelegramChat) => {
  const { status, error } = (await chat.project.get(`/chats/${chat.id}`)).json;
  return { status, error };
};
const turnsTo = (chat: TelegramChat, status: string, error?: string) =>
  eventually(async () =>
    expect(await stateOf(chat)).toEqual({ status, error: error && expect.stringContaining(error) }),
  );
const answers = async (chat: TelegramChat) =>
  (await chat.messages()).filter(({ role }) => role === "assistant").map(({ status }) => status);

it("says on its chat that the credits are gone, tells it once, and is well again with the first answer", async () => {
  const model = new FakeModel(says("Hello"));
  const chat = await newTelegramChat(model);
  const receiver = new Receiver();
  const endpoint = await register(chat.project, receiver);
  await setCredits(chat.project, 0);
  await chat.says("anybody?");
  await turnsTo(chat, "error", "no credits");
  await chat.says("still nobody?");
  await eventually(async () => expect(await answers(chat)).toEqual(["failed", "failed"]));
  expect([model.requests, chat.got]).toEqual([[], []]);
  await adjust(chat.project, "topup", 1000);
  await chat.says("and now?");
  await eventually(() => expect(chat.got).toEqual(["Hello"]));
  await turnsTo(chat, "active");
  await told(chat.project, endpoint);
  const changes = receiver.events.filter(({ type }) => type === "chat.status.changed").map(({ data }) => data);
  expect(changes).toEqual([
    { chat_id: chat.id, status: "error", error: "the project has no credits left" },
    { chat_id: chat.id, status: "active", error: null },
  ]);
  const asked = model.requests[0]!.messages.map(({ content }) => content).join();
  expect(asked).toMatch(/anybody\?.*still nobody\?.*and now\?/);
});

it("says that its model refuses our key, and goes on trying for everybody who writes", async () => {
  const chat = await newTelegramChat(new FakeModel(fails(401, {}, { message: "Incorrect API key" }), says("Hello")));
  await chat.says("hi");
  await turnsTo(chat, "error", "Incorrect API key");
  await chat.neighbour().says("hi");
  await turnsTo(chat, "active");
  await eventually(() => expect(chat.telegram.texts).toEqual(["Hello"]));
});

it("is not in error for one person who has spent what they may", async () => {
  const budgets = { person: { credits: 0.01, period: "day" } };
  const chat = await newTelegramChat(new FakeModel(says("Hello")), { budgets });
  await chat.says("hi");
  await eventually(() => expect(chat.got).toEqual(["Hello"]));
  await chat.says("more");
  await eventually(async () => expect(await answers(chat)).toEqual(["complete", "failed"]));
  expect(await stateOf(chat)).toEqual({ status: "active", error: undefined });
});

it("stays off where it was switched off, and forgets the error where it is switched on", async () => {
  const chat = await newTelegramChat(new FakeModel(fails(401)));
  const switchTo = (status: string) =>
    chat.project.post(`/integrations/${chat.integrationId}/chats/${chat.id}/status`, { status });
  await chat.says("hi");
  await turnsTo(chat, "error", "no");
  await switchTo("disabled");
  expect(await stateOf(chat)).toEqual({ status: "disabled", error: undefined });
  await chat.says("hi");
  await eventually(async () => expect(await chat.messages()).toHaveLength(3));
  expect(await stateOf(chat)).toEqual({ status: "disabled", error: undefined });
  await switchTo("active");
  expect(await stateOf(chat)).toEqual({ status: "active", error: undefined });
});
