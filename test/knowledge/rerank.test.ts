import { describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { Store } from "../helpers/knowledge.ts";
import { newChat, type Chat } from "../helpers/project.ts";
import { fails, FakeModel, says, sends } from "../helpers/upstream.ts";

const TOWNS = ["Lisbon", "Berlin", "Moscow", "Madrid", "Cairo", "Oslo"];
const QUESTION = "How long does delivery take?";

/** A chat with a document for each town, all of which answer alike, and a model that ranks what is found. */
async function chatWith(answering: FakeModel, ranking: FakeModel, knowledge: object = {}): Promise<Chat> {
  const chat = await newChat(answering, { knowledge: { max_results: 3, rerank: ranking.id, ...knowledge } });
  const store = await Store.create(chat.project);
  await Promise.all(TOWNS.map((town) => store.addAndWait(`${town}.md`, `Delivery to ${town} takes a week.`)));
  return chat;
}

const towns = (text: string) => [...text.matchAll(/^\[\d+\] (\w+)\.md/gm)].map(([, town]) => town!);
const told = ({ requests }: FakeModel) =>
  towns(
    requests
      .at(-1)!
      .messages.map(({ content }) => content)
      .join("\n"),
  );
const ranked = (model: FakeModel) => towns(JSON.stringify(model.requests[0]!.messages).replaceAll("\\n", "\n"));

describe("a bot whose passages a model ranks", () => {
  it("is told the best by that model's order, of more than it is told", async () => {
    const [answering, ranking] = [new FakeModel(says("A week [1].")), new FakeModel(says("6, 2"))];
    const chat = await chatWith(answering, ranking);
    const { events } = await chat.thread().ask(QUESTION);
    const offered = ranked(ranking);
    expect(offered).toHaveLength(TOWNS.length);
    expect(told(answering)).toEqual([offered[5], offered[1], offered[0]]);
    expect(events.at(-1)).toMatchObject({ citations: [{ number: 1, filename: `${offered[5]}.md` }] });
    await eventually(async () => {
      const { data } = (await chat.project.get("/billing/usage/calls")).json;
      expect(data.map(({ model }: { model: string }) => model)).toEqual(
        expect.arrayContaining([answering.id, ranking.id]),
      );
    });
  });

  it.each([
    ["fails", fails(500)],
    ["is too busy", fails(429, { "retry-after": "600" })],
    ["sends what is no answer", sends("data: nonsense\n\n")],
    ["says nothing", says("")],
    ["names passages that there are not", says("1, 2, 99")],
    ["names none", says("0")],
    ["says something else", says("Passage 3 is best, for it tells of Berlin.")],
  ])("is told them in the search's own order where the model %s", async (_what, answer) => {
    const [answering, ranking] = [new FakeModel(says("A week [1].")), new FakeModel(answer)];
    const chat = await chatWith(answering, ranking);
    expect((await chat.thread().ask(QUESTION)).text).toBe("A week [1].");
    expect(ranking.requests).toHaveLength(1);
    expect(told(answering)).toEqual(ranked(ranking).slice(0, 3));
  });

  it("can be stopped while the ranking model is silent", async () => {
    let isLeft = false;
    const silent = new FakeModel(
      (_request, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => {
            isLeft = true;
            reject(signal.reason as Error);
          }),
        ),
    );
    const answering = new FakeModel(says("A week."));
    const chat = await chatWith(answering, silent);
    const thread = chat.thread();
    const answer = thread.stream(QUESTION);
    await eventually(async () => expect(silent.requests).toHaveLength(1));
    expect((await chat.project.post(`${thread.path}/stop`)).json).toEqual({ stopped: true });
    await (await answer).text();
    await eventually(() => expect(isLeft).toBe(true));
    expect(answering.requests).toHaveLength(0);
  });

  it("asks no model where nothing can be ranked, or none is set", async () => {
    const [answering, ranking] = [new FakeModel(says("Hm.")), new FakeModel(says("1"))];
    const chat = await chatWith(answering, ranking);
    await chat.thread().ask("Who composed the opera about the flying dutchman?");
    const settings = `/bots/${chat.botId}/settings`;
    const { json } = await chat.project.post(settings, { ai: { knowledge: { rerank: null } } });
    expect(json.ai.knowledge).not.toHaveProperty("rerank");
    await chat.thread().ask(QUESTION);
    await chat.project.post(settings, { ai: { knowledge: { rerank: "embedded/reply" } } });
    await chat.thread().ask(QUESTION);
    expect(ranking.requests).toHaveLength(0);
    expect((await chat.project.post(settings, { ai: { knowledge: { rerank: "best" } } })).status).toBe(422);
  });
});

describe("a search", () => {
  it("takes OpenAI's rankers, and refuses one that there is not", async () => {
    const store = await Store.create((await newChat()).project);
    await store.addAndWait("delivery.md", "Delivery takes a week.");
    const search = (ranking_options: object) =>
      store.caller.post(`${store.path}/search`, { query: "delivery by train", ranking_options });
    for (const ranker of ["none", "auto", "default-2024-11-15"])
      expect((await search({ ranker })).json.data).toHaveLength(1);
    expect((await search({ ranker: "auto", score_threshold: 1 })).json.data).toHaveLength(0);
    for (const wrong of [{ ranker: "best" }, { score_threshold: 2 }, { hybrid_search: { text_weight: 1 } }])
      expect((await search(wrong)).status).toBe(422);
  });
});
