import { beforeAll, describe, expect, it } from "vitest";
import { about, attempt, complaintsOf, type Attempt } from "../helpers/attempt.ts";
import { callerOf, newTenant, pathWith, populate, type Ids, type Tenant } from "../helpers/populate.ts";
import { distinct, fillPath, parametersOf, routes, those, type RouteRow } from "../helpers/routes.ts";
import { bodyOf } from "../helpers/schema-values.ts";
import { ignoreEarlierObjects, takeSnapshot } from "../helpers/snapshot.ts";

let tenant: Tenant;
let ids: Ids;

beforeAll(async () => {
  await ignoreEarlierObjects();
  tenant = await newTenant();
  ids = await populate(tenant);
});

/** What no path should hold where an id is due; all of it as it is written on the wire. */
const ODD_IDS = [
  "..%2f..%2fbots",
  "%252e%252e%5c",
  "a%00b",
  "%0d%0ax-injected:%201",
  "%ed%a0%80",
  "%zz",
  "%F0%9F%92%A9",
  "*",
  "%27%20or%201%3D1--",
  "%7B%22%24gt%22%3A%22%22%7D",
  "__proto__%20",
  "-1",
  "x".repeat(129),
  "%41".repeat(6000),
];

/** A request that is right but for what a test changes. */
const right = (row: RouteRow): Attempt => ({
  path: pathWith(row.path, ids),
  caller: callerOf(row.spec, tenant),
  ...bodyOf(row, ids),
});

const isClientError = (status: number) => status >= 400 && status < 500;

describe("a path", () => {
  /** A part of a path that is nothing but text to us. */
  const isFree = (kind: string) => kind === "any";
  /** Where threads begin, an id that may be one makes one. */
  const MAY_BE_THREADS = new Set(["-1"]);

  it.each(distinct(({ path }) => parametersOf(path).length > 0))("with an odd id leads nowhere: %s", async (_, row) => {
    const before = await takeSnapshot();
    for (const { kind } of parametersOf(row.path).filter((parameter) => !isFree(parameter.kind))) {
      const isBeginning = row.title.endsWith("/stream") && row.method === "POST" && kind === "thread";
      const odd = ODD_IDS.filter((id) => !isBeginning || !MAY_BE_THREADS.has(id));
      const complaints = odd.map(async (id) => {
        const path = fillPath(row.path, (parameter) => (parameter.kind === kind ? id : ids[parameter.kind]!));
        const outcome = await attempt(row, { ...right(row), path });
        const isInjected = outcome.headers.has("x-injected");
        return about(`${kind} ${id}`, [
          ...complaintsOf(row, outcome, { status: isClientError }),
          ...(isInjected ? ["a header is injected"] : []),
        ]);
      });
      expect((await Promise.all(complaints)).flat()).toEqual([]);
    }
    expect(await takeSnapshot()).toEqual(before);
  });

  it.each(distinct())("that is bent, doubled or prolonged leads nowhere: %s", async (_, row) => {
    const before = await takeSnapshot();
    const path = pathWith(row.path, ids);
    const bent = [`${path}/`, `${path}/x/y/z/w`, `${path}%00`, `${path};x=1`, path.toUpperCase()];
    for (const odd of bent) {
      const outcome = await attempt(row, { ...right(row), path: odd });
      expect(about(odd, complaintsOf(row, outcome, { status: isClientError }))).toEqual([]);
    }
    expect(await takeSnapshot()).toEqual(before);
  });
});

describe("a method", () => {
  it.each(distinct())("that a path has not is refused: %s", async (_, row) => {
    const before = await takeSnapshot();
    const known = routes.filter(({ path }) => path === row.path).map(({ method }) => method);
    for (const method of ["PATCH", "PROPFIND", "PUT", "DELETE"].filter((each) => !known.includes(each))) {
      const outcome = await attempt(row, { ...right(row), method });
      expect(about(method, complaintsOf(row, outcome, { status: 405 }))).toEqual([]);
    }
    expect(await takeSnapshot()).toEqual(before);
  });

  it.each(distinct(({ method }) => method === "GET"))("HEAD fails no worse than GET: %s", async (_, row) => {
    const outcome = await attempt(row, { ...right(row), method: "HEAD" });
    expect(outcome.status).toBeGreaterThanOrEqual(200);
    expect(outcome.status).toBeLessThan(500);
  });
});

/** Headers are read in one place for all routes: one route of each make will do. */
const oneOfEach = (isMeant: (row: RouteRow) => unknown = () => true) =>
  those(isMeant).filter(
    ([, row], index, all) => !all.slice(0, index).some(([, other]) => makeOf(other) === makeOf(row)),
  );

const makeOf = ({ dialect, method, spec }: RouteRow) =>
  [dialect, method, spec.access, spec.once, !spec.json, !spec.form, spec.streams].join();

describe("a header", () => {
  const keys = ["", " ", "a b", "x".repeat(256), "x".repeat(20_000), "\u00e9", "a,b\tc"];

  it.each(oneOfEach(({ method }) => method === "POST"))(
    "Idempotency-Key that cannot be one is refused: %s",
    async (_, row) => {
      const before = await takeSnapshot();
      for (const key of keys) {
        const outcome = await attempt(row, { ...right(row), headers: { "idempotency-key": key } });
        expect(about(key, complaintsOf(row, outcome, { status: 400 }))).toEqual([]);
      }
      expect(await takeSnapshot()).toEqual(before);
    },
  );

  it.each(oneOfEach(({ method, spec }) => method === "POST" && spec.json))(
    "Idempotency-Key remembers no refusal: %s",
    async (_, row) => {
      const before = await takeSnapshot();
      const headers = { "idempotency-key": "refused" };
      for (const body of ["", "{", "[]", "null"]) {
        const outcome = await attempt(row, { ...right(row), body, headers });
        expect(about(body, complaintsOf(row, outcome, { status: isClientError }))).toEqual([]);
      }
      expect(await takeSnapshot()).toEqual(before);
    },
  );

  const reflected = ["a b", "<script>", "x".repeat(20_000), "\u00e9", "%0d%0ax-injected:1", "a\tb", '"', "{}"];

  it.each(oneOfEach())("X-Request-Id is not reflected where it is odd: %s", async (_, row) => {
    for (const id of reflected) {
      const outcome = await attempt(row, { path: pathWith(row.path, ids), headers: { "x-request-id": id } });
      expect(about(id, complaintsOf(row, outcome, { status: 401 }))).toEqual([]);
      expect(outcome.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  const eventIds = [
    "",
    "0",
    "-1",
    "x",
    "1.2.3",
    "9".repeat(400),
    "1e999",
    "NaN",
    "1.".repeat(5000),
    "\u00e9",
    "'; --",
    "0x10",
    "1.1.1.1",
  ];

  it.each(those(({ spec, method }) => spec.streams && method === "GET"))(
    "Last-Event-ID may be anything: %s",
    async (_, row) => {
      for (const id of eventIds) {
        const outcome = await attempt(row, { ...right(row), headers: { "last-event-id": id } });
        expect(about(id, complaintsOf(row, outcome, { status: (status) => status < 500 }))).toEqual([]);
      }
    },
  );
});
