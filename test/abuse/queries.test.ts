import { beforeAll, describe, expect, it } from "vitest";
import type * as z from "zod";
import { about, attempt, complaintsOf } from "../helpers/attempt.ts";
import { callerOf, newTenant, pathWith, populate, type Ids, type Tenant } from "../helpers/populate.ts";
import { those, type RouteRow } from "../helpers/routes.ts";
import { ignoreEarlierObjects, takeSnapshot } from "../helpers/snapshot.ts";

let [mine, theirs]: Tenant[] = [];
let [ids, foreign]: Ids[] = [];

beforeAll(async () => {
  await ignoreEarlierObjects();
  [mine, theirs] = [await newTenant(), await newTenant()];
  [ids, foreign] = [await populate(mine), await populate(theirs)];
  // So that their lists have a second page.
  await populate(theirs);
});

const fieldsOf = ({ spec }: RouteRow) => Object.keys((spec.query as z.ZodObject | undefined)?.shape ?? {});

async function ask(row: RouteRow, query: string) {
  const outcome = await attempt(row, {
    path: `${pathWith(row.path, ids!)}?${query}`,
    caller: callerOf(row.spec, mine!),
  });
  const given = Object.fromEntries(new URLSearchParams(query));
  const isRight = row.spec.query!.safeParse(given).success;
  // A ticket is looked at before its form is.
  const wrong = query.startsWith("ticket=") ? 401 : 422;
  const status = (code: number) => (isRight ? code < 500 : code === wrong);
  return { ...outcome, complaints: about(query, complaintsOf(row, outcome, { status, hidden: [theirs!.secret] })) };
}

const reading = (has: (field: string) => boolean) =>
  those((row) => row.method === "GET" && row.spec.access !== "root" && fieldsOf(row).some(has));

const VALUES = [
  "",
  "0",
  "-1",
  "1.5",
  "1e9",
  "1e999",
  "99999999999999999999",
  "NaN",
  "null",
  "true",
  "0x10",
  " 5",
  "5;x",
  "[]",
  "__proto__",
  "a%00b",
  "%ed%a0%80",
  "%ff",
  "%",
  "%0d%0ax-injected:1",
  "x".repeat(10_000),
];

describe("a field of a query", () => {
  it.each(reading(() => true))("may hold anything, and is refused where it is wrong: %s", async (_, row) => {
    const before = await takeSnapshot();
    const queries = fieldsOf(row).flatMap((field) => [
      ...VALUES.map((value) => `${field}=${value}`),
      field,
      `${field}[]=1`,
      `${field}[a]=1`,
      `__proto__[${field}]=1`,
    ]);
    for (const query of queries) {
      const { complaints, headers } = await ask(row, query);
      expect(complaints).toEqual([]);
      expect(headers.get("x-injected")).toBeNull();
    }
    expect(await takeSnapshot()).toEqual(before);
  });
});

/** Places in a list that no list gave. */
const forged = () => [
  ...[
    "0 a",
    `${Date.now() - 86_400_000} 0`,
    `999999999999999 zzz`,
    "1 x' or '1'='1",
    "-1 a",
    "1e9 a",
    "NaN NaN",
    "0 ",
    "\u0000 a",
    `1 ${"x".repeat(200)}`,
  ].map((text) => btoa(text)),
  btoa(`0 ${foreign!["bot"]}`),
  "x",
  "====",
  "%F0%9F%92%A9",
  "../../etc/passwd",
  "x".repeat(500),
];

describe("a cursor", () => {
  it.each(reading((field) => field === "cursor"))(
    "that is made up shows nothing of others, and breaks nothing: %s",
    async (_, row) => {
      for (const cursor of forged()) {
        const { complaints, status } = await ask(row, `limit=1&cursor=${cursor.replaceAll("+", "%2B")}`);
        expect(complaints.filter((complaint) => !complaint.includes("is due"))).toEqual([]);
        expect([200, 204, 400, 422]).toContain(status);
      }
    },
  );

  it.each(reading((field) => field === "cursor"))(
    "of another project's list shows nothing of it: %s",
    async (_, row) => {
      const path = `${pathWith(row.path, foreign!)}?limit=1`;
      const given = await attempt(row, { path, caller: callerOf(row.spec, theirs!) });
      const cursor = /cursor(?:=|":")([^"&>]+)/.exec(`${given.headers.get("link")} ${given.text}`)?.[1] ?? btoa("0 a");
      expect((await ask(row, `cursor=${cursor}`)).complaints).toEqual([]);
    },
  );
});

/** What means something to FTS5, or to LIKE, is text to us. */
const searches = () => [
  '"',
  '""',
  "'",
  "*",
  "a*",
  "(",
  ")",
  "a AND",
  "OR",
  "NOT a",
  "NEAR(a b, 2)",
  "a NEAR/1",
  "^a",
  "a + b",
  "-a",
  "{scope text}: a",
  "scope : a",
  "text:",
  ":",
  "%",
  "_",
  "\\",
  "a\u0000b",
  "\u0000",
  "\u202e",
  "\ufffd",
  "a".repeat(1000),
  "a ".repeat(500),
  '" '.repeat(500),
  `") OR scope:"p${theirs!.id.replaceAll("-", "")}`,
  `scope:"p${theirs!.id.replaceAll("-", "")}" OR text:"${theirs!.secret}"`,
  theirs!.secret,
  `${theirs!.secret.slice(0, 20)}*`,
];

describe("a search", () => {
  it.each(reading((field) => ["search", "query", "q"].includes(field)))(
    "takes syntax as text, and finds nothing of others: %s",
    async (_, row) => {
      const field = fieldsOf(row).find((name) => ["search", "query", "q"].includes(name))!;
      for (const search of searches()) {
        const { complaints, text } = await ask(row, `${field}=${encodeURIComponent(search)}`);
        expect(complaints).toEqual([]);
        expect(text).not.toContain(foreign!["thread"]);
      }
      const { text } = await ask(row, `${field}=${mine!.secret}`);
      expect(text).toContain(ids!["thread"]);
    },
  );
});
