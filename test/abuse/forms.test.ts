import { beforeAll, describe, expect, it } from "vitest";
import { about, attempt, complaintsOf, type Attempt } from "../helpers/attempt.ts";
import { callerOf, newTenant, pathWith, populate, type Ids, type Tenant } from "../helpers/populate.ts";
import { those } from "../helpers/routes.ts";
import { formOf } from "../helpers/schema-values.ts";
import { ignoreEarlierObjects, takeSnapshot } from "../helpers/snapshot.ts";

let tenant: Tenant;
let ids: Ids;

beforeAll(async () => {
  await ignoreEarlierObjects();
  tenant = await newTenant();
  ids = await populate(tenant);
});

const encoder = new TextEncoder();
const multipart = { "content-type": "multipart/form-data; boundary=x" };
const part = (name: string, text: string, more = "") =>
  `--x\r\ncontent-disposition: form-data; name="${name}"${more}\r\n\r\n${text}\r\n`;

/** A stream of pieces that ends by breaking off, or never. */
const stream = (pieces: () => Uint8Array | null): ReadableStream<Uint8Array> =>
  new ReadableStream(
    {
      pull(controller) {
        const piece = pieces();
        if (piece) controller.enqueue(piece);
        else controller.error(new TypeError("the client is gone"));
      },
    },
    { highWaterMark: 0 },
  );

function brokenOff(): ReadableStream<Uint8Array> {
  const left = [encoder.encode(part("file", "half", '; filename="a.txt"').slice(0, -4))];
  return stream(() => left.shift() ?? null);
}

function endless(): ReadableStream<Uint8Array> {
  const begin = [encoder.encode(part("file", "", '; filename="a.txt"').slice(0, -2))];
  const more = encoder.encode("x".repeat(1_000_000));
  return stream(() => begin.shift() ?? more);
}

type Case = [what: string, status: number, body: () => BodyInit, headers?: Record<string, string>];

/** Forms that no route may take. */
const WRONG: Case[] = [
  ["no boundary", 400, () => part("file", "x"), { "content-type": "multipart/form-data" }],
  ["another boundary", 400, () => part("file", "x"), { "content-type": "multipart/form-data; boundary=y" }],
  ["nothing", 400, () => "", multipart],
  ["no end", 400, () => part("file", "x", '; filename="a.txt"'), multipart],
  ["a part without a name", 400, () => "--x\r\n\r\nx\r\n--x--", multipart],
  ["headers without end", 400, () => `--x\r\n${"a: b\r\n".repeat(50_000)}`, multipart],
  ["a form that breaks off", 400, brokenOff, multipart],
  ["a form without end", 413, endless, multipart],
  ["no file", 422, () => `${part("purpose", "x")}--x--`, multipart],
  ["a text in the place of the file", 422, () => `${part("file", "x")}--x--`, multipart],
  [
    "another prototype",
    422,
    () => `${part("__proto__[file]", "x")}${part("constructor[prototype]", "x")}--x--`,
    multipart,
  ],
  ["many fields", 422, () => `${part("a[]", "x").repeat(5000)}--x--`, multipart],
];

const named =
  (name: string, type = "text/plain") =>
  () =>
    formOf(new File(["some text"], name, { type }));

/** Files that are odd, and no more. */
const ODD: Record<string, () => FormData> = {
  "a path for a name": named("../../../etc/passwd"),
  "a path of another system for a name": named("..\\..\\x"),
  "no name": named(""),
  "a long name": named(`${"x".repeat(20_000)}.txt`),
  "half a character in its name": named("a\ud800.txt"),
  "a zero byte in its name": named("a\u0000.txt"),
  "a line break in its name": named('a"\r\nx-injected: 1\r\n\r\n.txt'),
  "right to left in its name": named("a\u202etxt.exe"),
  "a script for a type": named("a.html", "text/html; <script>"),
  "a picture with a script": named("a.svg", "image/svg+xml"),
  "nothing in it": () => formOf(new File([], "a.txt")),
  "a zip that is none": () => formOf(new File(["PK\u0003\u0004", new Uint8Array(100)], "a.docx")),
  "a PDF that is none": () => formOf(new File(["%PDF-1.7\n1 0 obj << /Length 99999999 >> stream"], "a.pdf")),
  "bytes that are no text": () => formOf(new File([new Uint8Array([0xff, 0xfe, 0x00, 0xd8])], "a.txt")),
};

const request = (row: Parameters<typeof attempt>[0], body: BodyInit, headers?: Record<string, string>): Attempt => ({
  path: pathWith(row.path, ids),
  caller: callerOf(row.spec, tenant),
  body,
  ...(headers && { headers }),
});

describe("a form", () => {
  it.each(those(({ spec }) => spec.form))("that is wrong is refused, and nothing is kept: %s", async (_, row) => {
    const before = await takeSnapshot();
    for (const [what, status, body, headers] of WRONG) {
      const outcome = await attempt(row, request(row, body(), headers));
      expect(about(what, complaintsOf(row, outcome, { status }))).toEqual([]);
    }
    expect(await takeSnapshot()).toEqual(before);
  });

  it.each(those(({ spec }) => spec.form))(
    "may hold an odd file, which is shown as it is listed: %s",
    async (_, row) => {
      for (const [what, form] of Object.entries(ODD)) {
        const outcome = await attempt(row, request(row, form()));
        expect(about(what, complaintsOf(row, outcome, { status: (status) => status < 500 }))).toEqual([]);
        const list = await tenant.get(pathWith(row.path, ids));
        expect([what, list.status]).toEqual([what, 200]);
      }
    },
  );
});
