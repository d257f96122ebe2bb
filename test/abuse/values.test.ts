import { describe, expect, it } from "vitest";
import { about, attempt, complaintsOf } from "../helpers/attempt.ts";
import { callerOf, newTenant, pathWith, populate, type Ids, type Tenant } from "../helpers/populate.ts";
import { distinct, routes, type RouteRow } from "../helpers/routes.ts";
import { examplesOf, fieldsOf, replaceAt, type Path } from "../helpers/schema-values.ts";

/** JSON can write a number that is none. */
const INFINITE = "1e999";

const VALUES: Record<string, unknown> = {
  nothing: undefined,
  null: null,
  true: true,
  "minus one": -1,
  half: 0.5,
  "more than is exact": 2 ** 60,
  infinity: INFINITE,
  "an empty text": "",
  "not a number": "NaN",
  "an odd text":
    "a\ud800b \udfff \u0000\u0001\u007f\u2028 \u202ec\u0301\u0301 '; drop table bots; -- <script>\r\nx-injected: 1",
  "an object's own": "__proto__",
  "a long text": "x".repeat(300_000),
  "an empty list": [],
  "a list in a list": [[]],
  "a long list": Array.from({ length: 2000 }, () => ({})),
  "another prototype": JSON.parse('{"__proto__": {"admin": true}, "constructor": {"prototype": {"admin": true}}}'),
  "many fields": Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`key${index}`, index])),
  "odd keys": { "": 1, "a\ud800": "\udc00", "\u0000": "x", "a.b": { "[0]": 1 }, '"$': "x" },
};

const textOf = (value: unknown) => JSON.stringify(value).replaceAll(`"${INFINITE}"`, INFINITE);

/** What the server reads of a text. */
const readOf = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown) => (typeof value === "string" ? value.toWellFormed() : value));

/** A body that may have several shapes is measured by the likeliest of them: which, is not said. */
const isNamed = (text: string, { spec }: RouteRow, [field]: Path) =>
  text.includes(String(field)) || examplesOf(spec.json!, {}).length > 1;

async function complaintsAbout(
  row: RouteRow,
  send: (body: string) => ReturnType<typeof attempt>,
  example: unknown,
  path: Path,
) {
  const complaints = Object.entries(VALUES).map(async ([what, value]) => {
    const body = textOf(replaceAt(example, path, value));
    const isRight = row.spec.json!.safeParse(readOf(body)).success;
    const outcome = await send(body);
    const status = (given: number) => (isRight ? given < 500 : given === 422);
    const names =
      isRight || isNamed(outcome.text, row, path) ? [] : [`names no ${path[0]}: ${outcome.text.slice(0, 200)}`];
    return about(`${path.join(".")} ${what}`, [...complaintsOf(row, outcome, { status }), ...names]);
  });
  return (await Promise.all(complaints)).flat();
}

/** Whatever was taken, everything can still be read. */
async function unreadable(tenant: Tenant, ids: Ids): Promise<string[]> {
  const reading = routes.filter(({ method, spec }) => method === "GET" && spec.access !== "root");
  const complaints = reading.map(async (row) => {
    const outcome = await attempt(row, { path: pathWith(row.path, ids), caller: tenant });
    return about(row.title, complaintsOf(row, outcome));
  });
  return (await Promise.all(complaints)).flat();
}

describe("a field of a body", () => {
  it.each(distinct(({ spec }) => spec.json))(
    "may hold anything, and is refused by name where it is wrong: %s",
    async (_, row) => {
      const tenant = await newTenant();
      const ids = await populate(tenant);
      const [path, caller] = [pathWith(row.path, ids), callerOf(row.spec, tenant)];
      const send = (body: string) => attempt(row, { path, caller, body });
      for (const example of examplesOf(row.spec.json!, ids)) {
        for (const field of fieldsOf(example)) expect(await complaintsAbout(row, send, example, field)).toEqual([]);
      }
      expect(await unreadable(tenant, ids)).toEqual([]);
    },
  );
});
