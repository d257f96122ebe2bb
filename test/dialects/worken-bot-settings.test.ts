import { describe, expect, it } from "vitest";
import { newProject } from "../helpers/project.ts";

const DEFAULTS = {
  ai: {
    instruction: "",
    model: {
      id: "embedded/reply",
      temperature: 1,
      max_tokens: 1024,
      top_p: 1,
      frequency_penalty: 0,
      presence_penalty: 0,
    },
    memory: { lastMessages: 10, semanticRecall: false, workingMemory: { enabled: false }, generateTitle: false },
    formatting: { removeEmojis: false, removeMarkdown: false },
    tools: {},
  },
};

async function newBot() {
  const project = await newProject();
  const { json: bot } = await project.post("/bots", { name: "Sales Bot" });
  const path = `/bots/${bot.id}`;
  const set = (ai: unknown) => project.post(`${path}/settings`, { ai });
  return { project, path, set, settings: async () => (await project.get(`${path}/settings`)).json.ai };
}

describe("a bot's settings", () => {
  it("begin with the defaults", async () => {
    const { project, path } = await newBot();
    const { status, json } = await project.get(`${path}/settings`);
    expect([status, json]).toEqual([200, DEFAULTS]);
  });

  it("are merged at every depth, and the answer is all of them", async () => {
    const { set, settings } = await newBot();
    await set({ model: { temperature: 0.2, max_tokens: 50 }, memory: { workingMemory: { enabled: true } } });
    const { status, json } = await set({
      instruction: "Focus on product benefits.",
      model: { id: "openai/gpt-4o", temperature: 0.7 },
      memory: { lastMessages: 3 },
      formatting: { removeEmojis: true },
    });
    const expected = {
      ...DEFAULTS.ai,
      instruction: "Focus on product benefits.",
      model: { ...DEFAULTS.ai.model, id: "openai/gpt-4o", temperature: 0.7, max_tokens: 50 },
      memory: { ...DEFAULTS.ai.memory, lastMessages: 3, workingMemory: { enabled: true } },
      formatting: { removeEmojis: true, removeMarkdown: false },
    };
    expect([status, json.ai]).toEqual([200, expected]);
    expect(await settings()).toEqual(expected);
  });

  it("keep what each of several updates in the same moment has changed", async () => {
    const { set, settings } = await newBot();
    const updates = [
      { instruction: "Sell." },
      { model: { temperature: 0 } },
      { model: { top_p: 0.5 } },
      { memory: { lastMessages: 3 } },
      { formatting: { removeEmojis: true } },
      { tools: { search: "auto" } },
    ];
    const answers = await Promise.all(updates.map(set));
    expect(answers.map(({ status }) => status)).toEqual(updates.map(() => 200));
    expect(await settings()).toMatchObject({
      instruction: "Sell.",
      model: { temperature: 0, top_p: 0.5 },
      memory: { lastMessages: 3 },
      formatting: { removeEmojis: true },
      tools: { search: "auto" },
    });
  });

  it("have their map of tools replaced whole", async () => {
    const { set, settings } = await newBot();
    await set({ tools: { handoff_to_operator: "auto", search: "user_approve" } });
    await set({ instruction: "tools stay" });
    expect((await settings()).tools).toEqual({ handoff_to_operator: "auto", search: "user_approve" });
    await set({ tools: { search: "operator_approve" } });
    expect((await settings()).tools).toEqual({ search: "operator_approve" });
    await set({ tools: {} });
    expect((await settings()).tools).toEqual({});
  });

  it("have lists replaced whole", async () => {
    const { set, settings } = await newBot();
    await set({ vector_store_ids: ["a", "b"], model: { fallbacks: ["openai/a", "openai/b"] } });
    expect(await settings()).toMatchObject({ vector_store_ids: ["a", "b"] });
    await set({ vector_store_ids: [], model: { fallbacks: ["openai/c"] } });
    expect(await settings()).toMatchObject({ vector_store_ids: [], model: { fallbacks: ["openai/c"] } });
  });

  it("are taken back by null where a bot need not have them", async () => {
    const { set, settings } = await newBot();
    await set({
      model: { fallbacks: ["openai/a"] },
      follow_up: { after_minutes: 5, task: "Ask again." },
      vector_store_ids: [],
      knowledge: { max_results: 9 },
      budgets: { bot: { credits: 5, period: "day" } },
    });
    const taken = { follow_up: null, vector_store_ids: null, knowledge: null, budgets: null };
    expect(Object.keys(await settings())).toEqual(expect.arrayContaining(Object.keys(taken)));
    expect((await set({ ...taken, model: { fallbacks: null } })).json).toEqual(DEFAULTS);
    expect(await settings()).toEqual(DEFAULTS.ai);
  });

  it("stay as they are with an empty update, and ignore what they do not know", async () => {
    const { project, path, set, settings } = await newBot();
    expect((await project.post(`${path}/settings`, {})).json).toEqual(DEFAULTS);
    const { status, json } = await set({ colour: "red", model: { seed: 7 }, memory: { forever: true } });
    expect([status, json]).toEqual([200, DEFAULTS]);
    expect(await settings()).toEqual(DEFAULTS.ai);
  });

  it.each<[string, unknown]>([
    ["ai.instruction", { instruction: 5 }],
    ["ai.instruction", { instruction: null }],
    ["ai.model", { model: "openai/gpt-4o" }],
    ["ai.model.id", { model: { id: "gpt-4o" } }],
    ["ai.model.id", { model: { id: "" } }],
    ["ai.model.id", { model: { id: "openai/" } }],
    ["ai.model.id", { model: { id: "/gpt-4o" } }],
    ["ai.model.id", { model: { id: "openai/gpt 4o" } }],
    ["ai.model.temperature", { model: { temperature: 2.01 } }],
    ["ai.model.temperature", { model: { temperature: -0.01 } }],
    ["ai.model.temperature", { model: { temperature: "1" } }],
    ["ai.model.max_tokens", { model: { max_tokens: 0 } }],
    ["ai.model.max_tokens", { model: { max_tokens: 1.5 } }],
    ["ai.model.top_p", { model: { top_p: 1.01 } }],
    ["ai.model.top_p", { model: { top_p: -0.01 } }],
    ["ai.model.frequency_penalty", { model: { frequency_penalty: 2.01 } }],
    ["ai.model.presence_penalty", { model: { presence_penalty: -2.01 } }],
    ["ai.memory.lastMessages", { memory: { lastMessages: -1 } }],
    ["ai.memory.lastMessages", { memory: { lastMessages: "10" } }],
    ["ai.memory.semanticRecall", { memory: { semanticRecall: "yes" } }],
    ["ai.memory.semanticRecall.topK", { memory: { semanticRecall: { topK: 0 } } }],
    ["ai.memory.semanticRecall.scope", { memory: { semanticRecall: { scope: "world" } } }],
    ["ai.memory.semanticRecall.messageRange.before", { memory: { semanticRecall: { messageRange: { before: -1 } } } }],
    ["ai.memory.workingMemory", { memory: { workingMemory: true } }],
    ["ai.memory.workingMemory.enabled", { memory: { workingMemory: { enabled: 1 } } }],
    ["ai.memory.generateTitle", { memory: { generateTitle: null } }],
    ["ai.formatting.removeEmojis", { formatting: { removeEmojis: "no" } }],
    ["ai.formatting.removeMarkdown", { formatting: { removeMarkdown: 0 } }],
    ["ai.tools.search", { tools: { search: "manual" } }],
    ["ai.tools", { tools: ["search"] }],
    ["ai.vector_store_ids", { vector_store_ids: "all" }],
    ["ai.vector_store_ids.0", { vector_store_ids: [5] }],
    ["ai", "everything"],
  ])("refuse a wrong %s: %j", async (path, ai) => {
    const { set, settings } = await newBot();
    const { status, json } = await set(ai);
    expect([status, json.issues[0].path]).toEqual([422, path]);
    expect(json.message).toContain(path);
    expect(await settings()).toEqual(DEFAULTS.ai);
  });

  it("say how much is recalled, completed by the defaults; a mere yes takes them all", async () => {
    const { set } = await newBot();
    const recall = async (semanticRecall: unknown) =>
      (await set({ memory: { semanticRecall } })).json.ai.memory.semanticRecall;
    const defaults = { topK: 4, messageRange: { before: 1, after: 1 }, scope: "thread" };
    expect(await recall({ topK: 2, messageRange: 3 })).toEqual({
      ...defaults,
      topK: 2,
      messageRange: { before: 3, after: 3 },
    });
    const more = { messageRange: { after: 0 }, scope: "resource", embeddingModel: "openai/small" };
    expect(await recall(more)).toEqual({ ...more, topK: 2, messageRange: { before: 3, after: 0 } });
    expect(await recall(true)).toBe(true);
    expect(await recall({})).toEqual(defaults);
    expect(await recall(false)).toBe(false);
  });

  it("take the ends of every range", async () => {
    const { set } = await newBot();
    const lowest = { temperature: 0, max_tokens: 1, top_p: 0, frequency_penalty: -2, presence_penalty: -2 };
    const highest = { ...lowest, temperature: 2, top_p: 1, frequency_penalty: 2, presence_penalty: 2 };
    expect((await set({ model: lowest, memory: { lastMessages: 0 } })).json.ai.model).toMatchObject(lowest);
    expect((await set({ model: highest })).json.ai.model).toMatchObject(highest);
  });
});
