import { beforeAll, describe, expect, it } from "vitest";
import { about, attempt, complaintsOf, type Attempt } from "../helpers/attempt.ts";
import { callerOf, newTenant, pathWith, populate, type Ids, type Tenant } from "../helpers/populate.ts";
import { callWorker } from "../helpers/project.ts";
import { those } from "../helpers/routes.ts";
import { ignoreEarlierObjects, takeSnapshot } from "../helpers/snapshot.ts";

let tenant: Tenant;
let ids: Ids;

beforeAll(async () => {
  await ignoreEarlierObjects();
  tenant = await newTenant();
  ids = await populate(tenant);
});

const encoder = new TextEncoder();
const bytes = (...values: number[]) => new Uint8Array(values);

/** A body that comes in pieces; after the last it ends, or breaks off. */
function pieces(each: () => Uint8Array | null, ending: "end" | "break" = "end"): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      pull(controller) {
        const piece = each();
        if (piece) controller.enqueue(piece);
        else if (ending === "end") controller.close();
        else controller.error(new TypeError("the client is gone"));
      },
    },
    { highWaterMark: 0 },
  );
}

function brokenAfter(text: string): ReadableStream<Uint8Array> {
  const left = [encoder.encode(text)];
  return pieces(() => left.shift() ?? null, "break");
}

function endless(): ReadableStream<Uint8Array> {
  const piece = encoder.encode(" ".repeat(50_000));
  return pieces(() => piece);
}

/** Some routes take this instead of JSON, and some need no body. */
const FORM = "a form with files";
const NONE = ["no body", "an empty body"];

type Case = [what: string, status: number, body: () => BodyInit | undefined, headers?: Record<string, string>];

/** Bodies that no route may take. */
const CASES: Case[] = [
  ["no body", 400, () => undefined],
  ["an empty body", 400, () => ""],
  ["blanks", 400, () => " \r\n\t"],
  ["half an object", 400, () => '{"name":'],
  ["an object and more", 400, () => '{"name":"x"}}'],
  ["single quotes", 400, () => "{'name': 'x'}"],
  ["a bare word", 400, () => "undefined"],
  ["not a number", 400, () => '{"name":NaN}'],
  ["a form", 400, () => "name=x&vendor=worken", { "content-type": "application/x-www-form-urlencoded" }],
  ["zero bytes", 400, () => bytes(0, 0, 0)],
  ["bytes that are no text", 400, () => bytes(0xff, 0xfe, 0x7b, 0x7d, 0xc3)],
  ["a body that breaks off", 400, () => brokenAfter('{"name":"x"')],
  ["a body that breaks off at once", 400, () => brokenAfter("")],
  ["a body that breaks off when it seems whole", 400, () => brokenAfter('{"name":"x"}')],
  ["sixty-five levels", 400, () => "[".repeat(65) + "]".repeat(65)],
  ["sixty-four levels, though of nothing", 422, () => "[".repeat(64) + "]".repeat(64)],
  ["a hundred levels", 400, () => '{"a":'.repeat(100) + "1" + "}".repeat(100)],
  ["half a million levels", 400, () => "[".repeat(500_000)],
  ["a string that never ends", 400, () => `{"name":"${'\\"'.repeat(400_000)}`],
  ["quotes without end", 400, () => '"'.repeat(900_001)],
  ["backslashes without end", 400, () => `"${"\\".repeat(900_001)}`],
  ["a list", 422, () => "[]"],
  ["null", 422, () => "null"],
  ["a number", 422, () => "1e999"],
  ["a text", 422, () => '"text"'],
  ["a long list of nothing", 422, () => `[${"{},".repeat(300_000)}{}]`],
  ["a million bytes and one", 413, () => `"${"x".repeat(999_999)}"`],
  ["a body without end", 413, endless],
  [FORM, 415, () => "--x--", { "content-type": "multipart/form-data; boundary=x" }],
  ["XML", 415, () => "<a/>", { "content-type": "application/xml" }],
  ["a type that is none", 415, () => "{}", { "content-type": "\u00e9;;; charset" }],
  ["a type without end", 415, () => "{}", { "content-type": `x/${"y".repeat(10_000)}` }],
];

describe("a body that cannot be right", () => {
  it.each(those(({ spec }) => spec.json))("is refused, and nothing is written: %s", async (_, row) => {
    const before = await takeSnapshot();
    const path = pathWith(row.path, ids);
    for (const [what, status, body, headers] of CASES) {
      if (row.spec.form && what === FORM) continue;
      if (NONE.includes(what) && row.spec.json!.safeParse(undefined).success) continue;
      const given = body();
      const request: Attempt = {
        path,
        caller: callerOf(row.spec, tenant),
        ...(given !== undefined && { body: given }),
      };
      const outcome = await attempt(row, headers ? { ...request, headers } : request);
      expect(about(what, complaintsOf(row, outcome, { status }))).toEqual([]);
    }
    expect(await takeSnapshot()).toEqual(before);
  });
});

describe("a body that nobody asked for", () => {
  it.each([
    ["/nowhere", 404],
    ["/bots", 401],
  ])("is read away, so that the connection can be kept: %s", async (path, status) => {
    const request = new Request(`http://test${path}`, { method: "POST", body: "x".repeat(20_000) });
    expect((await callWorker(request)).status).toBe(status);
    expect(request.bodyUsed).toBe(true);
  });

  it("is not waited for without end", async () => {
    const body = new ReadableStream({ pull: () => new Promise<void>(() => undefined) });
    expect((await callWorker(new Request("http://test/nowhere", { method: "POST", body }))).status).toBe(404);
  });
});
