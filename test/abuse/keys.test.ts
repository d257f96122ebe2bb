import { beforeAll, describe, expect, it } from "vitest";
import { about, attempt, complaintsOf, type Attempt } from "../helpers/attempt.ts";
import { newTenant, pathWith, populate, type Ids, type Tenant } from "../helpers/populate.ts";
import { root, ROOT_KEY } from "../helpers/project.ts";
import { those } from "../helpers/routes.ts";
import { ignoreEarlierObjects, takeSnapshot } from "../helpers/snapshot.ts";

let tenant: Tenant;
let ids: Ids;

beforeAll(async () => {
  await ignoreEarlierObjects();
  tenant = await newTenant();
  ids = await populate(tenant);
});

/** What somebody without a key may write into the header. */
const HEADERS: Record<string, () => Record<string, string>> = {
  "no header": () => ({}),
  "an empty one": () => ({ authorization: "" }),
  "no token": () => ({ authorization: "Bearer" }),
  "another scheme": () => ({ authorization: `Basic ${btoa(`x:${tenant.key}`)}` }),
  "the key alone": () => ({ authorization: tenant.key }),
  "a word": () => ({ authorization: "Bearer garbage" }),
  "a made-up key": () => ({ authorization: `Bearer sk-${"f".repeat(72)}` }),
  "half a key": () => ({ authorization: `Bearer ${tenant.key.slice(0, 40)}` }),
  "a key and more": () => ({ authorization: `Bearer ${tenant.key}x` }),
  "two keys": () => ({ authorization: `Bearer ${tenant.key} ${tenant.key}` }),
  "nearly ROOT_KEY": () => ({ authorization: `Bearer ${ROOT_KEY}x` }),
  "a pattern": () => ({ authorization: "Bearer sk-%" }),
  SQL: () => ({ authorization: "Bearer sk-'or'1'='1" }),
  "a long one": () => ({ authorization: `Bearer sk-${"a".repeat(50_000)}` }),
  "other letters": () => ({ authorization: "Bearer sk-\u00e9\u00ff" }),
};

describe("without a key", () => {
  it.each(those())("nothing is answered, and nothing written: %s", async (_, row) => {
    const before = await takeSnapshot();
    const path = pathWith(row.path, ids);
    const complaints = await Promise.all(
      Object.entries(HEADERS).map(async ([what, headers]) => {
        const outcome = await attempt(row, { path, headers: headers(), ...bodyOf(row) });
        return about(what, complaintsOf(row, outcome, { status: 401, hidden: [tenant.secret, tenant.key] }));
      }),
    );
    expect(complaints.flat()).toEqual([]);
    expect(await takeSnapshot()).toEqual(before);
  });

  it.each(those(({ spec }) => spec.access === "listener"))("no made-up ticket opens %s", async (_, row) => {
    const before = await takeSnapshot();
    const nobody = crypto.randomUUID();
    const tickets = [
      "",
      "x",
      ".",
      tenant.id,
      `${tenant.id}.`,
      `${tenant.id}.${"0".repeat(48)}`,
      `${nobody}.${"0".repeat(48)}`,
      `${nobody}.${"0".repeat(47)}'`,
      tenant.key,
      "x".repeat(200),
    ];
    for (const ticket of tickets) {
      const outcome = await attempt(row, { path: `${pathWith(row.path, ids)}?ticket=${encodeURIComponent(ticket)}` });
      expect(about(ticket, complaintsOf(row, outcome, { status: 401 }))).toEqual([]);
    }
    expect(await takeSnapshot()).toEqual(before);
  });
});

describe("with the wrong key", () => {
  const wrong = those().filter(([, { spec }]) => spec.access !== "either");

  it.each(wrong)("nothing is answered, and nothing written: %s", async (_, row) => {
    const before = await takeSnapshot();
    const caller = row.spec.access === "root" ? tenant : root;
    const outcome = await attempt(row, { path: pathWith(row.path, ids), caller, ...bodyOf(row) });
    expect(complaintsOf(row, outcome, { status: 403 })).toEqual([]);
    expect(await takeSnapshot()).toEqual(before);
  });
});

/** A body that cannot be read: a key is asked for before it is looked at. */
const bodyOf = ({ spec }: Parameters<typeof attempt>[0]): Pick<Attempt, "body"> =>
  spec.json ? { body: "{not json" } : {};
