import { expect, it } from "vitest";

/** Which folders of src each folder may import. Read top to bottom: higher may use lower, never the reverse. */
const MAY_IMPORT: Record<string, string[]> = {
  "worker.ts": ["app.ts", "thread", "feed", "vectors", "jobs", "runtime", "core"],
  "app.ts": ["dialects", "inbound", "web", "http"],
  dialects: ["http", "core"],
  inbound: ["http", "core"],
  web: ["http", "core"],
  thread: ["agent", "knowledge", "runtime", "core"],
  feed: ["runtime", "core"],
  jobs: ["knowledge", "runtime", "core"],
  http: ["runtime", "core", "db"],
  runtime: ["agent", "channels", "knowledge", "payments", "vectors", "core", "db"],
  agent: ["core"],
  channels: ["core"],
  payments: ["core"],
  vectors: ["core"],
  knowledge: ["pdf-engine.ts", "core"],
  "pdf-engine.ts": ["pdfjs.mjs"],
  core: ["db"],
  db: [],
  lib: [],
  client: ["dialects"],
};

const files = import.meta.glob<string>("../src/**/*.ts", { query: "?raw", import: "default", eager: true });
const resolve = (from: string, to: string) =>
  new URL(to, `file:///${from.replace("../", "")}`).pathname.split("/").slice(2);

const imports = Object.entries(files).flatMap(([file, text]) =>
  [...text.matchAll(/\b(import type|import|export|from)\b[^;]*?"(\.[^"]+)"/g)].map((match) => ({
    from: file.replace("../src/", "").split("/"),
    to: resolve(file, match[2]!),
    isType: match[1] === "import type",
  })),
);

const allowed = ([from = ""]: string[], [to = ""]: string[]) =>
  from === to || to === "lib" || MAY_IMPORT[from]?.includes(to);
const show = (found: typeof imports) => found.map(({ from, to }) => `${from.join("/")} -> ${to.join("/")}`);

it("imports only downwards", () => {
  expect(imports.length).toBeGreaterThan(100);
  expect(show(imports.filter(({ from, to }) => !allowed(from, to)))).toEqual([]);
});

it("keeps dialects apart: none knows another", () => {
  const within = imports.filter(({ from, to }) => from[0] === "dialects" && to[0] === "dialects");
  expect(show(within.filter(({ from, to }) => from[1] !== to[1]))).toEqual([]);
});

it("keeps vendors apart: a channel knows what all share, and none of the others", () => {
  const vendorOf = (path: string[]) => (path.length > 2 ? path[1] : null);
  const within = imports.filter(({ from, to }) => from[0] === "channels" && to[0] === "channels" && vendorOf(to));
  const strange = within.filter(({ from, to }) => vendorOf(from) !== vendorOf(to) && from[1] !== "index.ts");
  expect(show(strange)).toEqual([]);
});

it("keeps the database out of everything but the core, and of the doors that open it", () => {
  const toDb = imports.filter(({ from, to }) => to[0] === "db" && from[0] !== "db");
  expect(new Set(toDb.map(({ from }) => from[0]))).toEqual(new Set(["core", "http", "runtime"]));
});

it("gives the client nothing but types of a dialect's schemas", () => {
  const beyond = imports.filter(({ from, to }) => from[0] === "client" && to[0] !== "client");
  expect(beyond.length).toBeGreaterThan(0);
  expect(show(beyond.filter(({ to, isType }) => !isType || to.at(-1) !== "schemas.ts"))).toEqual([]);
});

it("reads no clock and makes no random numbers in the core", () => {
  const core = Object.entries(files).filter(([file]) => file.startsWith("../src/core/"));
  const impure = core.filter(([, text]) => /\bDate\.now\(|new Date\(\)|Math\.random|crypto\.randomUUID/.test(text));
  expect(impure.map(([file]) => file)).toEqual([]);
});
