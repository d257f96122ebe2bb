import { describe, expect, it, vi } from "vitest";
import { newChat, type Chat } from "../helpers/project.ts";
import { FakeModel, says } from "../helpers/upstream.ts";

const search = async (chat: Chat, text: string, more = ""): Promise<string[]> => {
  const { status, json } = await chat.project.get(`/threads?search=${encodeURIComponent(text)}${more}`);
  expect(status).toBe(200);
  return json.data.map(({ id }: { id: string }) => id);
};

/** A chat in which each thread is named after the one thing that was said in it, and found by it. */
async function chatSaying(said: Record<string, string>, answer = "Noted.") {
  const chat = await newChat(new FakeModel(says(answer)));
  for (const [id, text] of Object.entries(said)) await chat.thread(id).ask(text);
  await vi.waitFor(async () => expect(await search(chat, answer)).toHaveLength(Object.keys(said).length));
  return chat;
}

/** What means something to a search engine, to a database, or to nobody. */
const SIGNS = `" ' "" "foot foo"bar ( ) () (foo * foot* - ^foo {a} a:b + \\ % _ scope:x text: thread_id:t1`.split(" ");
const WORDS = [
  "AND",
  "OR",
  "NOT",
  "NEAR",
  "NEAR(a b, 2)",
  "a AND",
  "OR b",
  "'; drop table threads; --",
  "x' or '1'='1",
];
const ODDITIES = ["a\0b", "\0foot", "😀", "\u{1E900}", "\u0301", "\uFFFF", "𝕏 ٣ Ⅷ"];
const TYPED = [...SIGNS, ...WORDS, ...ODDITIES];

describe("a search", () => {
  it("finds a thread by what the person said, and by what the bot said", async () => {
    const chat = await chatSaying({ boots: "do you have boots?", coats: "do you have coats?" }, "In aisle seven.");
    expect(await search(chat, "boots")).toEqual(["boots"]);
    expect(await search(chat, "aisle")).toEqual(["coats", "boots"]);
    expect(await search(chat, "umbrella")).toEqual([]);
  });

  it("finds it by an operator's words too", async () => {
    const chat = await chatSaying({ t1: "hello" });
    await chat.thread("t1").setMode("manual");
    await chat.thread("t1").send("This is Veronica.");
    await vi.waitFor(async () => expect(await search(chat, "veronica")).toEqual(["t1"]));
  });

  it("knows no difference between upper and lower case, in Cyrillic as in Latin", async () => {
    const chat = await chatSaying({ t1: "Оформить Возврат", t2: "Return Policy" });
    for (const text of ["возврат", "ВОЗВРАТ", "вОзВрАт оформить"]) expect(await search(chat, text)).toEqual(["t1"]);
    for (const text of ["return", "POLICY return"]) expect(await search(chat, text)).toEqual(["t2"]);
  });

  it("knows no difference between е and ё, which few people type", async () => {
    const chat = await chatSaying({ t1: "Ёлка ещё стоит", t2: "елка и шишки" });
    for (const text of ["елка", "ЁЛКА", "е\u0308лка"]) expect(await search(chat, text)).toEqual(["t2", "t1"]);
    expect(await search(chat, "еще")).toEqual(["t1"]);
  });

  it("folds diacritics, whichever way they are written", async () => {
    const chat = await chatSaying({ t1: "Café crème à emporter", t2: "Ze\u0301ro Müller" });
    for (const text of ["cafe creme", "CAFÉ", "crème"]) expect(await search(chat, text)).toEqual(["t1"]);
    for (const text of ["zero", "zéro", "muller"]) expect(await search(chat, text)).toEqual(["t2"]);
  });

  it("wants all its words, in any order", async () => {
    const chat = await chatSaying({ t1: "red shoes", t2: "red hat", t3: "a shoe" });
    expect(await search(chat, "shoes red")).toEqual(["t1"]);
    expect(await search(chat, "red")).toEqual(["t2", "t1"]);
    expect(await search(chat, "red gloves")).toEqual([]);
  });

  it("takes operators for words", async () => {
    const chat = await chatSaying({ t1: "black white", t2: "black and white", t3: "football" });
    expect(await search(chat, "black AND white")).toEqual(["t2"]);
    expect(await search(chat, "black OR football")).toEqual([]);
    expect(await search(chat, "black NOT white")).toEqual([]);
    expect(await search(chat, "foot*")).toEqual([]);
    expect(await search(chat, "text:football")).toEqual([]);
    expect(await search(chat, "-football")).toEqual(["t3"]);
    expect(await search(chat, '"football"')).toEqual(["t3"]);
    expect(await search(chat, "(football)")).toEqual(["t3"]);
  });

  it("takes whatever is typed for text, and finds nothing where nobody said it", async () => {
    const chat = await chatSaying({ t1: "football" });
    const answers = await Promise.all(
      TYPED.map(async (text) => {
        const { status, json } = await chat.project.get(`/threads?search=${encodeURIComponent(text)}`);
        return [text, status, json.data];
      }),
    );
    expect(answers).toEqual(TYPED.map((text) => [text, 200, []]));
  });

  it.each(["", "%20", "%00", "%FF"])("is no error when it is only %j", async (text) => {
    const { status } = await (await newChat()).project.get(`/threads?search=${text}`);
    expect(status).toBe(200);
  });

  it("may be long, but not endless", async () => {
    const chat = await newChat();
    expect(await search(chat, "long ".repeat(200))).toEqual([]);
    const { status, json } = await chat.project.get(`/threads?search=${"x".repeat(1001)}`);
    expect([status, json.issues[0].path]).toEqual([422, "search"]);
  });

  it("can be narrowed to a chat, and walked page by page", async () => {
    const chat = await chatSaying({ t1: "apple", t2: "apple", t3: "apple" });
    expect(await search(chat, "apple", `&chat_id=${crypto.randomUUID()}`)).toEqual([]);
    expect(await search(chat, "apple", `&chat_id=${chat.id}&limit=2`)).toEqual(["t3", "t2"]);
    const { json } = await chat.project.get("/threads?search=apple&limit=2");
    expect(await search(chat, "apple", `&cursor=${json.next_cursor}`)).toEqual(["t1"]);
  });

  it("finds no more what was taken back, and all else as before", async () => {
    const chat = await newChat(new FakeModel(says("Walnut."), says("Almond."), says("Cashew.")));
    const thread = chat.thread("t1");
    const path = `/chats/${chat.id}/threads`;
    const post = async (body: object) => (await chat.project.fetch("POST", path, { id: thread.id, ...body })).text();
    const asks = (id: string, text: string) => [{ id, role: "user", parts: [{ type: "text", text }] }];
    await post({ messages: asks("u1", "apple") });
    await post({ messages: asks("u2", "pear") });
    await vi.waitFor(async () => expect(await search(chat, "pear almond")).toEqual(["t1"]));
    await post({ messages: asks("u2", "plum"), messageId: "u2" });
    await vi.waitFor(async () => expect(await search(chat, "plum cashew")).toEqual(["t1"]));
    for (const text of ["pear", "almond"]) expect(await search(chat, text)).toEqual([]);
    expect(await search(chat, "apple walnut")).toEqual(["t1"]);
    expect(await search(chat, "apple cashew")).toEqual([]);
  });

  it("never finds another project's threads, not even under the same id", async () => {
    const [mine, theirs] = [await chatSaying({ t1: "parsley" }), await chatSaying({ t1: "saffron" })];
    expect(await search(mine, "saffron")).toEqual([]);
    expect(await search(theirs, "saffron")).toEqual(["t1"]);
    const token = `p${theirs.project.id.replaceAll("-", "")}`;
    for (const text of [token, `scope:${token}`, `" OR scope:"${token}`, `x" OR "saffron`]) {
      expect(await search(mine, text)).toEqual([]);
    }
  });
});
