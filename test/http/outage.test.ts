import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { INTERNALS } from "../helpers/attempt.ts";
import { newChat, type Caller } from "../helpers/project.ts";

afterEach(() => vi.restoreAllMocks());

/** From here on every statement ends with this error. */
function failWith(message: string): void {
  const fail = () => Promise.reject(new Error(message));
  const statement = { bind: () => statement, all: fail, raw: fail, run: fail, first: fail };
  vi.spyOn(env.DB, "prepare").mockReturnValue(statement as never);
  vi.spyOn(env.DB, "batch").mockImplementation(fail);
  vi.spyOn(console, "error").mockReturnValue(undefined);
}

/** A read, a write, and a write that is to be done once, each with its whole answer. */
async function askForAll(project: Caller) {
  const once = { "idempotency-key": "k" };
  const answers = await Promise.all([
    project.fetch("GET", "/bots"),
    project.fetch("GET", "/v1/vector_stores"),
    project.fetch("GET", "/billing/balance"),
    project.fetch("POST", "/bots", { name: "B" }),
    project.fetch("POST", "/bots", { name: "B" }, once),
  ]);
  return Promise.all(
    answers.map(async (answer) => ({
      status: answer.status,
      retryAfter: answer.headers.get("retry-after"),
      text: await answer.text(),
    })),
  );
}

describe("a request that needs the database", () => {
  it.each([
    "D1_ERROR: Network connection lost.",
    "D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.",
    "D1_ERROR: D1 DB is overloaded. Requests queued for too long.",
    "Network connection lost.",
  ])("is told when to come back while that cannot be asked: %s", async (message) => {
    const { project } = await newChat();
    await project.get("/bots");
    failWith(message);
    for (const { status, retryAfter, text } of await askForAll(project)) {
      expect([status, retryAfter, INTERNALS.test(text)]).toEqual([503, "1", false]);
    }
    vi.restoreAllMocks();
    expect((await project.get("/bots")).json).toHaveLength(1);
  });

  it.each(["D1_ERROR: no such column: named_by_nobody: SQLITE_ERROR", "Cannot read properties of undefined"])(
    "is told nothing of a mistake of ours but where to look it up: %s",
    async (message) => {
      const { project } = await newChat();
      await project.get("/bots");
      failWith(message);
      for (const { status, retryAfter, text } of await askForAll(project)) {
        expect([status, retryAfter]).toEqual([500, null]);
        expect(text).toContain("something went wrong on our side");
        expect(text).not.toMatch(/named_by_nobody|undefined|select|bots/i);
        expect(INTERNALS.test(text)).toBe(false);
      }
    },
  );
});
