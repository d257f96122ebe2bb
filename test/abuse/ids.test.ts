import { beforeAll, describe, expect, it } from "vitest";
import { about, attempt, complaintsOf, type Outcome } from "../helpers/attempt.ts";
import { callerOf, newTenant, pathWith, populate, unpopulated, type Ids, type Tenant } from "../helpers/populate.ts";
import { fillPath, kindOf, parametersOf, those, type Parameter, type RouteRow } from "../helpers/routes.ts";
import { bodyOf, examplesOf, fieldsOf, replaceAt, valueAt } from "../helpers/schema-values.ts";
import { ignoreEarlierObjects, takeSnapshot } from "../helpers/snapshot.ts";

let [mine, theirs]: Tenant[] = [];
/** The caller's own things, others of his, and another project's. */
let own: Ids;
let other: Ids;
let foreign: Ids;

beforeAll(async () => {
  await ignoreEarlierObjects();
  [mine, theirs] = [await newTenant(), await newTenant()];
  [own, other, foreign] = [await populate(mine), await populate(mine), await populate(theirs)];
});

const unknown = (kind: string) => (kind === "thread" ? "no-thread" : "01900000-0000-7000-8000-000000000000");

/** Here the caller chooses the id of a thread: one that is called like another project's is his own nevertheless. */
const BEGINS_THREADS = new Set(["POST /chats/:chat_id/threads/:thread_id/stream"]);

/** Fields that are called like ids and name nothing of ours. */
const NOT_OURS = new Set(["external_id", "offer_id", "organization_id", "messageId"]);

/** Taken without a look: what uses them asks for the project's own things only. */
const TAKEN_UNSEEN = new Set(["vector_store_ids"]);

const namesThings = ({ path, spec }: RouteRow) => spec.access !== "root" && parametersOf(path).length > 0;

/** A body that is right, so that nothing but the ids is wrong; the caller's own things are named in it. */
const ownBody = (row: RouteRow) => bodyOf(row, own);

const withoutIds = (text: string, path: string) =>
  path
    .split("/")
    .filter((part) => /[-\d]/.test(part))
    .reduce((left, id) => left.replaceAll(id, "ID"), text.replace(/"request_id":"[^"]*"/, ""));

/** Asks for these things, and for such as do not exist in place of those that are meant: both must be answered alike. */
async function compare(row: RouteRow, idOf: (parameter: Parameter) => string, isMeant: (kind: string) => boolean) {
  const ask = async (of: (parameter: Parameter) => string): Promise<Outcome & { path: string }> => {
    const path = fillPath(row.path, of);
    return { path, ...(await attempt(row, { path, caller: mine, ...ownBody(row) })) };
  };
  const real = await ask(idOf);
  const complaints = complaintsOf(row, real, { status: 404, hidden: [theirs!.secret] });
  if (BEGINS_THREADS.has(row.title) && !isMeant("chat")) return complaints;
  const absent = await ask((parameter) => (isMeant(parameter.kind) ? unknown(parameter.kind) : idOf(parameter)));
  const alike = withoutIds(real.text, real.path) === withoutIds(absent.text, absent.path);
  return [...complaints, ...(alike ? [] : [`differs from what does not exist: ${real.text} / ${absent.text}`])];
}

describe("what a path names", () => {
  it("is known to the tests, each kind of it", () => {
    expect(unpopulated(own)).toEqual([]);
  });

  it.each(those(namesThings))("is not there for another project: %s", async (_, row) => {
    const before = await takeSnapshot();
    const kinds = parametersOf(row.path)
      .map(({ kind }) => kind)
      .filter((kind) => own[kind] !== foreign[kind]);
    const choices = kinds.length > 1 ? [kinds, ...kinds.map((kind) => [kind])] : [kinds];
    for (const taken of choices) {
      if (BEGINS_THREADS.has(row.title) && taken.join() === "thread") continue;
      const isForeign = (kind: string) => taken.includes(kind);
      const complaints = await compare(row, ({ kind }) => (isForeign(kind) ? foreign : own)[kind]!, isForeign);
      expect(about(`foreign ${taken.join(" and ")}`, complaints)).toEqual([]);
    }
    expect(await takeSnapshot()).toEqual(before);
  });

  it.each(those(({ path }) => parametersOf(path).length > 1))(
    "is not there under another of its kind: %s",
    async (_, row) => {
      const before = await takeSnapshot();
      const kinds = parametersOf(row.path).map(({ kind }) => kind);
      for (const [index, taken] of kinds.entries()) {
        const parentsAreShared = kinds.slice(0, index).every((kind) => own[kind] === other[kind]);
        if (parentsAreShared || own[taken] === other[taken]) continue;
        const complaints = await compare(
          row,
          ({ kind }) => (kind === taken ? other : own)[kind]!,
          (kind) => kind === taken,
        );
        expect(about(`another's ${taken}`, complaints)).toEqual([]);
      }
      expect(await takeSnapshot()).toEqual(before);
    },
  );
});

/** Fields of a body or a query that name a thing of ours. */
const idFieldsOf = (example: unknown) =>
  fieldsOf(example).flatMap((path) => {
    const name = String(path.findLast((key) => typeof key === "string"));
    const kind = kindOf(name);
    return kind && typeof valueAt(example, path) === "string" && !NOT_OURS.has(name) && !TAKEN_UNSEEN.has(name)
      ? [{ path, name, kind }]
      : [];
  });

describe("what a body names", () => {
  it.each(those(({ spec }) => spec.json && spec.access !== "root"))("must be the caller's own: %s", async (_, row) => {
    const before = await takeSnapshot();
    for (const example of examplesOf(row.spec.json!, own)) {
      for (const { path, name, kind } of idFieldsOf(example)) {
        expect(
          Object.keys(own),
          `${row.title}: nothing is known for ${name}; let populate() create a ${kind}, or name it in NOT_OURS`,
        ).toContain(kind);
        const body = JSON.stringify(replaceAt(example, path, foreign[kind]));
        const outcome = await attempt(row, { path: pathWith(row.path, own), caller: mine, body });
        const status = (given: number) => given === 404 || given === 422;
        expect(about(path.join("."), complaintsOf(row, outcome, { status, hidden: [theirs!.secret] }))).toEqual([]);
      }
    }
    expect(await takeSnapshot()).toEqual(before);
  });
});

describe("what a query names", () => {
  it.each(those(({ spec }) => spec.query && spec.access !== "root"))(
    "shows nothing of another project: %s",
    async (_, row) => {
      const before = await takeSnapshot();
      const [example] = examplesOf(row.spec.query!, own);
      for (const { name, kind } of idFieldsOf(example)) {
        const path = `${pathWith(row.path, own)}?${name}=${foreign[kind]}`;
        const outcome = await attempt(row, { path, caller: callerOf(row.spec, mine!) });
        const hidden = [theirs!.secret, ...(row.method === "GET" ? [mine!.secret] : [])];
        expect(about(path, complaintsOf(row, outcome, { hidden }))).toEqual([]);
      }
      expect(await takeSnapshot()).toEqual(before);
    },
  );
});
