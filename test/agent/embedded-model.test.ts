import type { LanguageModelV4CallOptions, LanguageModelV4Message, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { describe, expect, it } from "vitest";
import { embeddedModel } from "../../src/agent/embedded-model.ts";

const SHOP = `You are a friendly sales assistant of Bloom, a flower shop in Lisbon. Always answer politely.

# Delivery
- We deliver in Lisbon within 2 hours. Delivery costs 5 euros.
- Orders above 50 euros are delivered for free.
* On Sundays we do not deliver.

# Opening hours
Monday to Saturday, 9:00–19:00.

Do you accept cards? We take Visa and MB Way.
Наша доставка по городу стоит 300 рублей. Цены на розы начинаются от 150 рублей.
As nossas rosas custam 3 euros cada. Aceitamos devoluções em 7 dias.`;

const KNOWLEDGE = `Use these passages and name their numbers.
[1] Care guide
Cut the stems every two days. Keep tulips in cold water.
[2] Loyalty card
Every tenth bouquet is free.`;

const NOTE = "I am Parley's offline model";

const system = (content: string): LanguageModelV4Message => ({ role: "system", content });
const user = (text: string): LanguageModelV4Message => ({ role: "user", content: [{ type: "text", text }] });
const assistant = (text: string): LanguageModelV4Message => ({ role: "assistant", content: [{ type: "text", text }] });

const handoffResult = (
  output: { type: "json"; value: null } | { type: "execution-denied" },
): LanguageModelV4Message => ({
  role: "tool",
  content: [{ type: "tool-result", toolCallId: "1", toolName: "handoff_to_operator", output }],
});

const model = embeddedModel({ modelId: "reply", wordDelayMs: 0 });

async function reply(prompt: LanguageModelV4Message[]): Promise<string> {
  const { content } = await model.doGenerate({ prompt });
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}

/** The quotes of an answer to a question to the shop's bot. */
async function quotes(question: string): Promise<string[]> {
  const text = await reply([system(SHOP), system(KNOWLEDGE), user(question)]);
  return [...text.matchAll(/“(.*)”/g)].map(([, quote = ""]) => quote);
}

async function streamed(options: LanguageModelV4CallOptions, streaming = model): Promise<LanguageModelV4StreamPart[]> {
  const { stream } = await streaming.doStream(options);
  const parts: LanguageModelV4StreamPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

describe("quoting", () => {
  it.each([
    ["When are you open?", ["Monday to Saturday, 9:00–19:00."]],
    ["Do you deliver on Sundays?", ["On Sundays we do not deliver."]],
    ["Do you accept cards?", ["We take Visa and MB Way."]],
    ["How do I care for tulips?", ["Keep tulips in cold water."]],
    ["Сколько стоит доставка?", ["Наша доставка по городу стоит 300 рублей."]],
    ["Какая цена на розу?", ["Цены на розы начинаются от 150 рублей."]],
    ["Quanto custa uma rosa?", ["As nossas rosas custam 3 euros cada."]],
    ["voces aceitam devolucao", ["Aceitamos devoluções em 7 dias."]],
  ])("answers %j with what it was told", async (question, expected) => {
    expect(await quotes(question)).toEqual(expected);
  });

  it("quotes code with what announces it alone, and rows of tables without their padding", async () => {
    const manual = `# Take over\n\nTo take over a conversation, call:\n\ncurl $URL/mode -H "$AUTH" -d '{"mode":"manual"}'
curl -N $URL/stream -d '{"content":"How do I take over a conversation?"}'\n
| mode      | who answers             |\n| --------- | ----------------------- |\n| \`blocked\` | Nobody; nothing goes out. |`;
    const asked = (question: string) => reply([system(manual), user(question)]);
    const call = `“To take over a conversation, call: curl $URL/mode -H "$AUTH" -d '{"mode":"manual"}'”`;
    expect((await asked("How do I take over a conversation?")).split("\n\n")[0]).toBe(
      `Here is what I was told about that:\n${call}`,
    );
    expect(await asked("Who answers when it is blocked?")).toContain("“`blocked` | Nobody; nothing goes out.”");
  });

  it("quotes at most three passages, in their own order", async () => {
    expect(await quotes("How much is delivery?")).toEqual([
      "We deliver in Lisbon within 2 hours.",
      "Delivery costs 5 euros.",
      "Orders above 50 euros are delivered for free.",
    ]);
  });

  it("quotes what the bot is to be only when asked for just that", async () => {
    expect(await quotes("Do you have an assistant for weddings?")).toEqual([]);
    expect(await quotes("Are you a sales assistant?")).toEqual([expect.stringContaining("You are a friendly")]);
  });

  it("quotes notes about the person, but not how to keep them", async () => {
    const memory = system(
      "You keep notes. Call update_notes with the name.\n<working_memory_data>\n- First name: Ana\n- Location:\n</working_memory_data>",
    );
    expect(await reply([memory, user("What is my name?")])).toContain("“First name: Ana”");
  });

  it.each([
    ["Who won the world cup in 2018?", "My instructions say nothing about that."],
    ["Какая сегодня погода?", "В моих инструкциях об этом ничего не сказано."],
    ["Qual é a previsão do tempo?", "As minhas instruções não dizem nada sobre isso."],
  ])("says in the language of %j that it was told nothing about it", async (question, expected) => {
    expect(await reply([system(SHOP), user(question)])).toContain(expected);
  });

  it("says that it has no instruction yet", async () => {
    expect(await reply([user("How much is delivery?")])).toContain("Nobody has told me anything yet.");
  });

  it.each([
    ["hi", "Hello!"],
    ["Good morning!", "Hello!"],
    ["Привет", "Здравствуйте!"],
    ["Olá, tudo bem?", "Olá!"],
  ])("greets back at %j and quotes nothing", async (greeting, expected) => {
    const text = await reply([system(SHOP), user(greeting)]);
    expect(text.startsWith(expected)).toBe(true);
    expect(text).not.toContain("“");
  });
});

it("says once in a conversation that it is the offline model, whatever the language", async () => {
  const first = await reply([system(SHOP), user("hi")]);
  expect(first).toContain(NOTE);
  expect(await reply([system(SHOP), user("hi"), assistant(first), user("When are you open?")])).not.toContain(NOTE);
  expect(await reply([system(SHOP), user("hi"), assistant(first), user("Привет")])).not.toContain("Parley");
});

it("makes a title of the first words", async () => {
  const prompt = [system("Write a title for this conversation."), user("How much is delivery to Porto on a Sunday?")];
  expect(await reply(prompt)).toBe("How much is delivery to Porto");
  expect(await reply([system("Write a title."), user("x".repeat(100))])).toHaveLength(80);
});

describe("streaming", () => {
  it("streams word by word what it would say at once", async () => {
    const prompt = [system(SHOP), user("When are you open?")];
    const parts = await streamed({ prompt });
    const words = parts.flatMap((part) => (part.type === "text-delta" ? [part.delta] : []));
    expect(words.slice(0, 3)).toEqual(["Here ", "is ", "what "]);
    expect(words.join("")).toBe(await reply(prompt));
    const others = parts.map(({ type }) => type).filter((type) => type !== "text-delta");
    expect(others).toEqual(["stream-start", "text-start", "text-end", "finish"]);
    expect(parts.at(-1)).toMatchObject({
      finishReason: { unified: "stop" },
      usage: {
        inputTokens: { total: expect.any(Number) },
        outputTokens: { total: Math.ceil(words.join("").length / 4) },
      },
    });
  });

  it("stops at the limit of tokens", async () => {
    const parts = await streamed({ prompt: [system(SHOP), user("How much is delivery?")], maxOutputTokens: 5 });
    expect(parts.flatMap((part) => (part.type === "text-delta" ? [part.delta] : [])).join("")).toHaveLength(20);
    expect(parts.at(-1)).toMatchObject({ finishReason: { unified: "length" }, usage: { outputTokens: { total: 5 } } });
  });

  it("ends with the reason of an abort, also while it waits for the next word", async () => {
    const slow = embeddedModel({ modelId: "reply", wordDelayMs: 60_000 });
    const abort = new AbortController();
    const { stream } = await slow.doStream({ prompt: [user("hi")], abortSignal: abort.signal });
    const reader = stream.getReader();
    for (const type of ["stream-start", "text-start", "text-delta"])
      expect((await reader.read()).value).toMatchObject({ type });
    const next = reader.read();
    abort.abort(new Error("stopped"));
    await expect(next).rejects.toThrow("stopped");
  });

  it("says nothing when it is aborted before", async () => {
    const options = { prompt: [user("hi")], abortSignal: AbortSignal.abort(new Error("stopped")) };
    await expect(streamed(options)).rejects.toThrow("stopped");
    await expect(model.doGenerate(options)).rejects.toThrow("stopped");
  });
});

describe("handing over", () => {
  const tools: LanguageModelV4CallOptions["tools"] = [
    { type: "function", name: "handoff_to_operator", inputSchema: { type: "object" } },
  ];
  const done = handoffResult({ type: "json", value: null });
  const callsIn = async (prompt: LanguageModelV4Message[], offered = tools) =>
    (await streamed({ prompt, tools: offered })).filter(({ type }) => type === "tool-call");

  it.each([
    "I want to talk to a human",
    "operator please",
    "Can I speak to someone?",
    "Позовите, пожалуйста, оператора!",
    "хочу поговорить с живым человеком",
    "Quero falar com um atendente",
  ])("calls the tool when asked for a person: %s", async (question) => {
    const parts = await streamed({ prompt: [system(SHOP), user(question)], tools });
    expect(parts.map(({ type }) => type)).toEqual(["stream-start", "tool-call", "finish"]);
    expect(parts[1]).toMatchObject({ toolName: "handoff_to_operator", input: expect.stringContaining(`"reason":`) });
    expect(parts[2]).toMatchObject({ finishReason: { unified: "tool-calls" } });
  });

  it.each(["What is the price per person?", "Do people live there?", "Сколько стоит на человека?", "human rights"])(
    "does not call the tool at a mere mention of people: %s",
    async (question) => {
      expect(await callsIn([user(question)])).toEqual([]);
    },
  );

  it("says goodbye after the tool's result", async () => {
    expect(await reply([user("operator please"), done])).toBe("I am handing you over to a person.");
    expect(await reply([user("Позовите оператора"), done])).toBe("Передаю вас человеку.");
  });

  it("does not insist when the handoff was refused", async () => {
    const prompt = [user("operator please"), handoffResult({ type: "execution-denied" })];
    expect(await callsIn(prompt)).toEqual([]);
    expect(await reply(prompt)).not.toContain("handing you over");
  });

  it("calls the tool again when asked again", async () => {
    expect(await callsIn([user("operator please"), done, user("operator please!")])).toHaveLength(1);
  });

  it("answers as usual when the tool is not offered", async () => {
    expect(await callsIn([user("operator please")], [])).toEqual([]);
  });
});
