import { abortAllDurableObjects, evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Ctx } from "../../src/core/context.ts";
import { recallSpace, rememberMessages } from "../../src/core/recall/remember-messages.ts";
import { openContext } from "../../src/runtime/context.ts";
import { objectIndex } from "../../src/vectors/object-index.ts";
import type { Job } from "../../src/core/ports.ts";
import { eventually } from "../helpers/eventually.ts";
import { newChat, readAnswer, type Thread } from "../helpers/project.ts";
import { deliver, objectOf, tick } from "../helpers/schedules.ts";
import { FakeModel, HeldAnswer, says } from "../helpers/upstream.ts";

/** An embedding model to which dogs and cars have many names, and all else is alike. */
const newEmbedder = () =>
  new FakeModel((request) => {
    const input = request["input"] as string[];
    const data = input.map((text, index) => ({
      object: "embedding",
      index,
      embedding: [/dog|puppy|hound/i.test(text) ? 1 : 0, /car|automobile/i.test(text) ? 1 : 0, 0.1],
    }));
    return Response.json({ object: "list", model: request.model, data, usage: { prompt_tokens: 1, total_tokens: 1 } });
  });

const newModel = () => new FakeModel(says("Well."));
const memory = (semanticRecall: boolean | object = true, lastMessages = 2) => ({
  memory: { lastMessages, semanticRecall },
});

/** What a bot was told of earlier messages with its last question; empty: nothing. */
const recalled = (model: FakeModel) => {
  const system = model.requests.at(-1)!.messages.filter(({ role }) => role === "system");
  return system
    .map(({ content }) => /<earlier_messages>\n([^]*)\n<\/earlier_messages>/.exec(content)?.[1] ?? "")
    .join("");
};

const kept = async (thread: Thread) => {
  const { results } = await env.DB.prepare(
    "select id, seq, author, text, space from recalled_messages where project_id = ? and thread_id = ? order by seq",
  )
    .bind(thread.chat.project.id, thread.id)
    .all<{ id: number; seq: number; author: string; text: string; space: number | null }>();
  return results;
};

const workOf = (thread: Thread) =>
  env.DB.prepare("select due_at, done_seq from recalled_threads where project_id = ? and thread_id = ?")
    .bind(thread.chat.project.id, thread.id)
    .first<{ due_at: number | null; done_seq: number }>();

/** Waits until a thread is remembered as far as it was said. */
const remembered = (thread: Thread) =>
  eventually(async () => {
    const { json } = await thread.get();
    expect(await kept(thread)).toHaveLength(json.stats.messages_total);
    expect((await workOf(thread))?.due_at).toBeNull();
  });

const vectorsOf = (thread: Thread, embedder: FakeModel) =>
  objectIndex(env.VECTOR_STORES, `${thread.chat.project.id}/recall/thread/${thread.id}`, recallSpace(embedder.id));

const bellOf = (thread: Thread): Job => ({
  kind: "remember-messages",
  projectId: thread.chat.project.id,
  threadId: thread.id,
});

async function askAll(thread: Thread, ...questions: string[]): Promise<void> {
  for (const question of questions) await thread.ask(question);
}

const contextOf = ({ chat }: Thread): Ctx =>
  openContext(env, chat.project, { actor: { type: "system", job: "test" }, defer: (work) => void work });

/** A context before whose first batch of statements something happens; notes how many rows each statement changes. */
function watchingBatches(ctx: Ctx, writes: number[], first: () => Promise<void>): Ctx {
  const d1 = ctx.db.$client;
  let happens: Promise<void> | null = null;
  const batch = async (statements: D1PreparedStatement[]) => {
    await (happens ??= first());
    const results = await d1.batch(statements);
    writes.push(...results.map(({ meta }) => meta.changes));
    return results;
  };
  const watched = { prepare: (sql: string) => d1.prepare(sql), batch };
  return { ...ctx, db: Object.create(ctx.db, { $client: { value: watched } }) as Ctx["db"] };
}

const OTHERS = ["Is it going to rain?", "What is for lunch?", "Tell me a joke."];

describe("a bot with semantic recall", () => {
  it("is told of earlier messages that bear on the question, with their neighbours and their time", async () => {
    const model = newModel();
    const thread = (await newChat(model, memory())).thread();
    await askAll(thread, "My dog is called Rex.", ...OTHERS);
    await remembered(thread);
    await thread.ask("What is the name of my dog?");
    const day = new Date().toISOString().slice(0, 10);
    expect(recalled(model)).toMatch(
      new RegExp(`^\\[${day} \\d\\d:\\d\\d UTC\\] person: My dog is called Rex\\.\\n\\[.*\\] bot: Well\\.$`),
    );
    const { messages } = model.requests.at(-1)!;
    expect(messages.slice(1).map(({ content }) => content)).toEqual([
      OTHERS[2],
      "Well.",
      "What is the name of my dog?",
    ]);
  });

  it("is not told again what it sees anyway, and nothing where nothing bears on the question", async () => {
    const model = newModel();
    const thread = (await newChat(model, memory(true, 4))).thread();
    await askAll(thread, "My dog is called Rex.", "My car is red.");
    await remembered(thread);
    await thread.ask("What is the name of my dog?");
    expect(recalled(model)).toBe("");
    await thread.ask("Who wrote the opera about the flying dutchman?");
    expect(recalled(model)).toBe("");
    await askAll(thread, ...OTHERS, "My dog sleeps.");
    await remembered(thread);
    await thread.ask("What is the name of my dog?");
    expect(recalled(model)).toContain("My dog is called Rex.");
    expect(recalled(model)).not.toContain("My dog sleeps.");
  });

  it("offline quotes what a person has told it long before", async () => {
    const thread = (await newChat(undefined, memory())).thread();
    await askAll(thread, "My dog is called Rex.", ...OTHERS);
    await remembered(thread);
    expect((await thread.ask("What is the name of my dog?")).text).toContain("“My dog is called Rex.”");
  });

  it("finds by meaning what was said in other words, where an embedding model knows it", async () => {
    const [model, embedder] = [newModel(), newEmbedder()];
    const recall = { embeddingModel: embedder.id, topK: 1, messageRange: 0 };
    const thread = (await newChat(model, memory(recall))).thread();
    await askAll(thread, "Rex the puppy sleeps.", "The automobile needs fuel.", ...OTHERS);
    await remembered(thread);
    expect((await kept(thread)).every(({ space }) => space !== null)).toBe(true);
    await thread.ask("How is my hound?");
    expect(recalled(model)).toMatch(/^\[[^\]]*\] person: Rex the puppy sleeps\.$/);
  });

  it("answers all the same where the embedding model fails, or is too slow", async () => {
    const works = newEmbedder();
    let state: "works" | "fails" | "is slow" = "works";
    const embedder = new FakeModel(async (request, signal) => {
      if (state === "works") return works.answer(request, signal);
      if (state === "is slow") await scheduler.wait(4500);
      return Response.json({ error: { message: "over quota" } }, { status: 400 });
    });
    const model = newModel();
    const thread = (await newChat(model, memory({ embeddingModel: embedder.id }))).thread();
    await askAll(thread, "My dog is called Rex.", ...OTHERS);
    await remembered(thread);
    state = "fails";
    await thread.ask("What is the name of my dog?");
    expect(recalled(model)).toContain("My dog is called Rex.");
    state = "is slow";
    const before = Date.now();
    expect((await thread.ask("And the name of the puppy?")).text).toBe("Well.");
    expect(Date.now() - before).toBeLessThan(4000);
    expect(recalled(model)).toBe("");
  });

  it("finds by their words what an embedding model could not be asked for, and asks it again later", async () => {
    const [model, works] = [newModel(), newEmbedder()];
    let fails = true;
    const embedder = new FakeModel((request, signal) =>
      fails ? Response.json({ error: { message: "no" } }, { status: 400 }) : works.answer(request, signal),
    );
    const thread = (await newChat(model, memory({ embeddingModel: embedder.id }))).thread();
    await askAll(thread, "My dog is called Rex.", ...OTHERS);
    await eventually(async () => expect(await kept(thread)).not.toHaveLength(0));
    fails = false;
    await env.DB.prepare("update recalled_threads set due_at = 1 where thread_id = ?").bind(thread.id).run();
    await deliver(bellOf(thread));
    await remembered(thread);
    expect((await kept(thread)).every(({ space }) => space !== null)).toBe(true);
  });

  it("remembers a person's other conversations only where its scope is the person", async () => {
    const model = newModel();
    const chat = await newChat(model, memory({ scope: "resource" }));
    const say = async (thread: Thread, content: string, external_id?: string) =>
      readAnswer(
        await chat.project.fetch("POST", `${thread.path}/stream`, {
          messages: [{ role: "user", content }],
          ...(external_id ? { person: { external_id } } : {}),
        }),
      );
    const first = chat.thread();
    await say(first, "My dog is called Rex.", "anna");
    await remembered(first);
    await say(chat.thread(), "What is the name of my dog?", "anna");
    expect(recalled(model)).toContain("person: My dog is called Rex.");
    await say(chat.thread(), "What is the name of my dog?", "boris");
    expect(recalled(model)).toBe("");
    await say(chat.thread(), "What is the name of my dog?");
    expect(recalled(model)).toBe("");
    await chat.project.post(`/bots/${chat.botId}/settings`, { ai: memory({ scope: "thread" }) });
    const long = chat.thread();
    for (const question of OTHERS) await say(long, question, "anna");
    await say(long, "What is the name of my dog?", "anna");
    expect(recalled(model)).toBe("");
  });

  it("takes a conversation along to the person who turns out to lead it", async () => {
    const [model, embedder] = [newModel(), newEmbedder()];
    const chat = await newChat(model, memory({ scope: "resource", embeddingModel: embedder.id }));
    const ask = async (thread: Thread, content: string) => {
      const body = { messages: [{ role: "user", content }], person: { external_id: "anna" } };
      await readAnswer(await chat.project.fetch("POST", `${thread.path}/stream`, body));
    };
    const first = chat.thread();
    await first.ask("Rex the puppy sleeps.");
    await remembered(first);
    await ask(first, "It is Anna.");
    await remembered(first);
    await ask(chat.thread(), "How is my hound?");
    expect(recalled(model)).toContain("person: Rex the puppy sleeps.");
  });

  it("never hears what was said in another project, be the thread's id the same", async () => {
    const [model, other] = [newModel(), newModel()];
    const id = crypto.randomUUID();
    const [mine, theirs] = [(await newChat(model, memory())).thread(id), (await newChat(other, memory())).thread(id)];
    await askAll(theirs, "My dog is called Rex.", ...OTHERS);
    await askAll(mine, ...OTHERS);
    await Promise.all([remembered(mine), remembered(theirs)]);
    await mine.ask("What is the name of my dog?");
    expect(recalled(model)).toBe("");
    await theirs.ask("What is the name of my dog?");
    expect(recalled(other)).toContain("Rex");
  });

  it("remembers what an operator has said, and what the person said to him", async () => {
    const model = newModel();
    const thread = (await newChat(model, memory())).thread();
    await thread.ask("Hello");
    await thread.setMode("manual");
    await thread.ask("I want a refund for order 4711.");
    await thread.send("Order 4711 is refunded by Friday.");
    await thread.setMode("auto");
    await askAll(thread, ...OTHERS);
    await remembered(thread);
    await thread.ask("When is the refund of order 4711 there?");
    expect(recalled(model)).toContain("person: I want a refund for order 4711.");
    expect(recalled(model)).toContain("operator: Order 4711 is refunded by Friday.");
  });
});

describe("what is remembered", () => {
  it("is forgotten with its thread, vectors and all", async () => {
    const embedder = newEmbedder();
    const thread = (await newChat(newModel(), memory({ embeddingModel: embedder.id }))).thread();
    await askAll(thread, "My dog is called Rex.", "And he is old.");
    await remembered(thread);
    const [vectors, ids] = [vectorsOf(thread, embedder), (await kept(thread)).map(({ id }) => id)];
    expect(await vectors.has(ids)).toBe(true);
    await thread.chat.project.post(`${thread.path}/delete`);
    expect(await kept(thread)).toEqual([]);
    expect(await workOf(thread)).toBeNull();
    expect(await vectors.get(ids)).toEqual([]);
    const { results } = await env.DB.prepare("select rowid from recalled_search where recalled_search match ?")
      .bind(
        `scope:t${[...new TextEncoder().encode(thread.id)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`,
      )
      .all();
    expect(results).toEqual([]);
  });

  it("is not written where its thread is deleted while its vectors are made", async () => {
    const [gate, works] = [Promise.withResolvers<void>(), newEmbedder()];
    const embedder = new FakeModel(async (request, signal) => {
      await gate.promise;
      return works.answer(request, signal);
    });
    const thread = (await newChat(newModel(), memory({ embeddingModel: embedder.id }))).thread();
    await thread.ask("My dog is called Rex.");
    await eventually(() => expect(embedder.requests).not.toHaveLength(0));
    const ids = (await kept(thread)).map(({ id }) => id);
    await thread.chat.project.post(`${thread.path}/delete`);
    gate.resolve();
    await scheduler.wait(200);
    expect(await kept(thread)).toEqual([]);
    expect(await vectorsOf(thread, embedder).get(ids)).toEqual([]);
  });

  it("follows an answer that is made again", async () => {
    const model = new FakeModel(says("The moon is a dog."), says("The moon is a rock."));
    const thread = (await newChat(model, memory())).thread();
    await thread.ask("What is the moon?");
    await remembered(thread);
    const body = {
      id: thread.id,
      trigger: "regenerate-message",
      messages: [{ id: "u1", role: "user", parts: [{ type: "text", text: "What is the moon?" }] }],
    };
    await (await thread.chat.project.fetch("POST", `${thread.path}/stream`, body)).text();
    await eventually(async () =>
      expect((await kept(thread)).map(({ text }) => text)).toEqual(["What is the moon?", "The moon is a rock."]),
    );
  });

  it("is forgotten where it is taken back, however much came after it", async () => {
    const thread = (await newChat(newModel(), memory())).thread();
    const said = ["One.", "Two.", "Three.", "Four.", "Five.", "Six."];
    await askAll(thread, ...said);
    await remembered(thread);
    expect(await kept(thread)).toHaveLength(12);
    const [, first] = await thread.messages();
    const messages = [{ id: "u1", role: "user", parts: [{ type: "text", text: "One." }] }];
    const again = { id: thread.id, trigger: "regenerate-message", messageId: first!.id, messages };
    await (await thread.chat.project.fetch("POST", `${thread.path}/stream`, again)).text();
    await eventually(async () => expect((await kept(thread)).map(({ text }) => text)).toEqual(["One.", "Well."]));
  });

  it("is there once, however often its bell rings, at once or again, and after objects were lost", async () => {
    const thread = (await newChat(newModel(), memory())).thread();
    await askAll(thread, "My dog is called Rex.", "Yes.");
    await Promise.all([deliver(bellOf(thread)), deliver(bellOf(thread)), deliver(bellOf(thread), bellOf(thread))]);
    await remembered(thread);
    const before = await kept(thread);
    await env.DB.prepare("update recalled_threads set due_at = 1, done_seq = 0 where thread_id = ?")
      .bind(thread.id)
      .run();
    await evictDurableObject(objectOf(thread));
    await deliver(bellOf(thread));
    await abortAllDurableObjects();
    await deliver(bellOf(thread));
    expect(await kept(thread)).toEqual(before);
  });

  it("is written once where a worker was taken for lost, and writes when another has done its work", async () => {
    const thread = (await newChat(newModel(), memory())).thread();
    await thread.ask("My dog is called Rex.");
    await remembered(thread);
    const anew = `update recalled_threads set due_at = 1, done_seq = 0 where thread_id = ?`;
    await env.DB.batch([
      env.DB.prepare(anew).bind(thread.id),
      env.DB.prepare(
        "delete from recalled_search where rowid in (select id from recalled_messages where thread_id = ?)",
      ).bind(thread.id),
      env.DB.prepare("delete from recalled_messages where thread_id = ?").bind(thread.id),
    ]);
    const writes: number[] = [];
    const slow = watchingBatches(contextOf(thread), writes, async () => {
      await env.DB.prepare(anew).bind(thread.id).run();
      await rememberMessages(contextOf(thread), thread.id);
    });
    await rememberMessages(slow, thread.id);
    expect((await kept(thread)).map(({ text }) => text)).toEqual(["My dog is called Rex.", "Well."]);
    expect(writes).not.toEqual([]);
    expect(writes.filter((changes) => changes > 0)).toEqual([]);
  });

  it("is made once of a long message too, wherever what is kept of it ends", async () => {
    const [model, embedder] = [newModel(), newEmbedder()];
    const thread = (await newChat(model, memory({ embeddingModel: embedder.id }))).thread();
    const long = `${"a".repeat(1999)}😀 and more`;
    await thread.ask(long);
    await remembered(thread);
    await thread.ask("What is for lunch?");
    await remembered(thread);
    const embedded = embedder.requests.flatMap((request) => request["input"] as string[]);
    expect(embedded.filter((text) => text === long)).toHaveLength(1);
  });

  it("is caught up with where the bell was lost, or the worker that had it", async () => {
    const thread = (await newChat(newModel(), memory())).thread();
    await thread.ask("My dog is called Rex.");
    await remembered(thread);
    await env.DB.prepare("update recalled_threads set due_at = 1, claim = 'lost', done_seq = 0 where thread_id = ?")
      .bind(thread.id)
      .run();
    await env.DB.prepare("delete from recalled_messages where thread_id = ?").bind(thread.id).run();
    await tick();
    await remembered(thread);
    expect(await kept(thread)).toHaveLength(2);
  });

  it("is the whole conversation where the setting comes late, in whatever many pages", async () => {
    const model = newModel();
    const chat = await newChat(model, memory(false, 0));
    const thread = chat.thread();
    await thread.setMode("manual").catch(() => undefined);
    await thread.ask("My dog is called Rex.");
    await thread.setMode("manual");
    const burst = Array.from({ length: 70 }, (_, at) => ({ role: "user", content: `Line ${at}.` }));
    await (await chat.project.fetch("POST", `${thread.path}/stream`, { messages: burst })).text();
    await thread.send("All read.");
    await thread.setMode("auto");
    expect(await kept(thread)).toEqual([]);
    await chat.project.post(`/bots/${chat.botId}/settings`, { ai: memory(true, 0) });
    await thread.ask("What is the name of my dog?");
    await remembered(thread);
    await thread.ask("Tell me the name of my dog again.");
    expect(recalled(model)).toContain("My dog is called Rex.");
  });

  it("has nothing of an answer that is being said", async () => {
    const held = new HeldAnswer();
    const thread = (await newChat(new FakeModel(says("Well."), held.answer), memory())).thread();
    await thread.ask("My dog is called Rex.");
    await remembered(thread);
    held.say("Half an ");
    const response = await thread.stream("And his age?");
    await deliver(bellOf(thread));
    expect((await kept(thread)).map(({ text }) => text)).not.toContain("Half an ");
    held.say("answer.");
    held.end();
    await response.text();
    await eventually(async () => expect((await kept(thread)).map(({ text }) => text)).toContain("Half an answer."));
  });
});

it("a bot without the setting asks no embedding model and writes nothing more", async () => {
  const statements: string[] = [];
  const database = Object.getPrototypeOf(env.DB) as D1Database;
  // oxlint-disable-next-line typescript/unbound-method -- it is called on what it was read from
  const { prepare } = database;
  database.prepare = function (this: D1Database, query: string) {
    statements.push(query);
    return prepare.call(this, query);
  };
  try {
    const thread = (await newChat(newModel(), { memory: { lastMessages: 1 } })).thread();
    await askAll(thread, "My dog is called Rex.", ...OTHERS);
    expect(statements.some((query) => query.includes("insert into threads"))).toBe(true);
    // What is remembered for the tests before may still be worked on; it neither wishes nor searches.
    const extra = /insert into recalled_threads|recalled_search match/;
    expect(statements.filter((query) => extra.test(query))).toEqual([]);
  } finally {
    database.prepare = prepare;
  }
});

it("an embedding model's work is charged, and not done where no credits are left", async () => {
  const embedder = newEmbedder();
  const chat = await newChat(undefined, memory({ embeddingModel: embedder.id }));
  const thread = chat.thread();
  await askAll(thread, "My dog is called Rex.", ...OTHERS);
  await remembered(thread);
  await eventually(async () => {
    const { data } = (await chat.project.get("/billing/usage/calls")).json;
    expect(
      data.some(
        (call: { purpose: string; model: string }) => call.purpose === "embedding" && call.model === embedder.id,
      ),
    ).toBe(true);
  });
});
