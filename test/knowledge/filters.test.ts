import { beforeAll, expect, it } from "vitest";
import { Store } from "../helpers/knowledge.ts";
import { newProject } from "../helpers/project.ts";

const ODD_KEY = `it's "a" $.key`;
const DOCUMENTS: Record<string, Record<string, string | number | boolean>> = {
  a: { year: 2023, kind: "guide", draft: true, [ODD_KEY]: "x" },
  b: { year: 2024, kind: "guide", draft: false },
  c: { year: "2024", kind: "Guide" },
  d: {},
  e: { year: -1.5, kind: "отчёт", draft: true },
};

let store: Store;
beforeAll(async () => {
  store = await Store.create(await newProject());
  const add = ([name, attributes]: [string, object]) =>
    store.addAndWait(`${name}.md`, `The harbour, part ${name}.`, { attributes });
  await Promise.all(Object.entries(DOCUMENTS).map(add));
});

const among = async (filters: unknown) =>
  (await store.finds("harbour", { filters }))
    .map((name) => name[0]!)
    .toSorted((a, b) => a.localeCompare(b))
    .join("");

it.each([
  ["eq", "year", 2024, "b"],
  ["eq", "year", "2024", "c"],
  ["eq", "year", -1.5, "e"],
  ["eq", "draft", true, "ae"],
  ["eq", "draft", false, "b"],
  ["eq", "draft", 1, ""],
  ["eq", "kind", "guide", "ab"],
  ["eq", "kind", "отчёт", "e"],
  ["eq", ODD_KEY, "x", "a"],
  ["eq", "absent", "x", ""],
  ["ne", "year", 2024, "acde"],
  ["ne", "draft", true, "bcd"],
  ["ne", "absent", "x", "abcde"],
  ["gt", "year", 2023, "b"],
  ["gte", "year", 2023, "ab"],
  ["lt", "year", 2024, "ae"],
  ["lte", "year", -1.5, "e"],
  ["gt", "kind", "a", "abe"],
  ["in", "year", [2023, "2024"], "ac"],
  ["in", "kind", [], ""],
  ["in", "kind", ["guide", "отчёт"], "abe"],
  ["nin", "kind", ["guide"], "cde"],
  ["nin", "absent", ["guide"], "abcde"],
])("a search among documents whose attributes are %s %s %j finds %s", async (type, key, value, found) => {
  expect(await among({ type, key, value })).toBe(found);
});

it("filters are joined, at any depth", async () => {
  const guide = { type: "eq", key: "kind", value: "guide" };
  const old = { type: "lt", key: "year", value: 2024 };
  expect(await among({ type: "and", filters: [guide, old] })).toBe("a");
  expect(await among({ type: "or", filters: [guide, old] })).toBe("abe");
  const absent = { type: "eq", key: "absent", value: 1 };
  expect(await among({ type: "or", filters: [{ type: "and", filters: [guide, absent] }, old] })).toBe("ae");
  const deep = Array.from({ length: 20 }).reduce<object>((inner) => ({ type: "and", filters: [inner] }), guide);
  expect(await among(deep)).toBe("ab");
});

it("a filter that is none, or is too large, is refused and says where", async () => {
  const guide = { type: "eq", key: "kind", value: "guide" };
  const wrong = [
    { type: "like", key: "kind", value: "g" },
    { type: "eq", key: "", value: "g" },
    { type: "eq", key: "kind", value: null },
    { type: "eq", key: "kind", value: ["g"] },
    { type: "in", key: "kind", value: "g" },
    { type: "and", filters: [] },
    { type: "and", filters: [guide, {}] },
    {
      type: "or",
      filters: Array.from({ length: 20 }, () => ({
        type: "or",
        filters: Array(20)
          .fill(0)
          .map(() => guide),
      })),
    },
    "kind = guide",
  ];
  for (const filters of wrong) {
    const { status, json } = await store.caller.post(`${store.path}/search`, { query: "harbour", filters });
    expect([status, json.issues[0].path]).toEqual([422, expect.stringMatching(/^filters/)]);
  }
});
