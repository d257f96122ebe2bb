import type { LanguageModelV4Prompt } from "@ai-sdk/provider";
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { buildPrompt } from "../../src/agent/prompt.ts";
import { defaultSettings } from "../../src/core/bot-settings.ts";
import type { Message, MessagePart } from "../../src/core/messages.ts";
import { MessageLog } from "../../src/thread/message-log.ts";
import { SCHEMA } from "../../src/thread/schema.ts";

/** What an answer may be made of: words, and calls of tools whose results came at once, later, or never. */
const answerParts = fc
  .array(fc.oneof(fc.constant("text" as const), fc.constant("call" as const), fc.constant("result" as const)), {
    maxLength: 8,
  })
  .map((kinds) => {
    const open: string[] = [];
    let calls = 0;
    return kinds.flatMap((kind): MessagePart[] => {
      if (kind === "text") return [{ type: "text", text: "Well. " }];
      if (kind === "call") {
        const toolCallId = `call-${++calls}`;
        open.push(toolCallId);
        return [{ type: "tool-call", toolCallId, toolName: "look", args: {} }];
      }
      const toolCallId = open.shift();
      if (!toolCallId) return [];
      return [{ type: "tool-result", id: toolCallId, toolCallId, toolName: "look", result: 1, outcome: "ok" }];
    });
  });

type Shape = Pick<Message, "role" | "author" | "status" | "parts">;

const question = fc.constant<Shape>({
  role: "user",
  author: "person",
  status: "complete",
  parts: [{ type: "text", text: "?" }],
});
const answer = fc.record({
  role: fc.constant("assistant" as const),
  author: fc.constantFrom("bot" as const, "operator" as const),
  status: fc.constantFrom<Message["status"]>("complete", "interrupted", "stopped", "failed", "pending", "streaming"),
  parts: answerParts,
});
const history = fc.array(fc.oneof(question, answer), { maxLength: 40 });

const messageOf = (shape: Shape, at: number): Message => ({
  ...shape,
  id: `m${at}`,
  createdAt: at,
  finishReason: null,
  model: null,
  usage: null,
  error: null,
  delivery: null,
});

const OWED: Shape = { role: "assistant", author: "bot", status: "pending", parts: [] };

/** What is to be seen, told the other way round: all that was said, without what is older than the newest `remembered`. */
function expected(shapes: Shape[], remembered: number): number[] {
  const said = shapes.flatMap(({ status, role }, at) =>
    status === "failed" || status === "pending" ? [] : [{ role, at }],
  );
  const answered = said.findLastIndex(({ role }) => role === "assistant") + 1;
  return said.slice(Math.max(0, answered - remembered)).map(({ at }) => at + 1);
}

/** Every call is answered right behind it, and nothing is answered that was not called there. */
function unmatched(prompt: LanguageModelV4Prompt): string[] {
  const problems: string[] = [];
  prompt.forEach((message, at) => {
    const called = message.role === "assistant" ? message.content.flatMap(callIn) : [];
    const next = prompt[at + 1];
    const answered = next?.role === "tool" ? next.content.flatMap(resultIn) : [];
    if (called.join() !== answered.join()) problems.push(`${called.join()} is answered by ${answered.join()}`);
    if (message.role === "tool" && prompt[at - 1]?.role !== "assistant") problems.push("a result stands alone");
  });
  return problems;
}
const callIn = (part: { type: string; toolCallId?: string }) => (part.type === "tool-call" ? [part.toolCallId!] : []);
const resultIn = (part: { type: string; toolCallId?: string }) =>
  part.type === "tool-result" ? [part.toolCallId!] : [];

it("shows a bot the newest messages in their order, and never a call of a tool without its result", async () => {
  const checked = runInDurableObject(env.THREADS.getByName(crypto.randomUUID()), (_, { storage: { sql } }) => {
    sql.exec(SCHEMA);
    const log = new MessageLog(sql);
    fc.assert(
      fc.property(history, fc.integer({ min: 0, max: 12 }), (shapes, remembered) => {
        sql.exec("delete from messages");
        [...shapes, OWED].forEach((shape, at) => log.append(messageOf(shape, at)));
        const seen = log.before(log.last()!, remembered);
        expect(seen.map(({ seq }) => seq)).toEqual(expected(shapes, remembered));
        const settings = defaultSettings("embedded/reply");
        const nothing = { workingMemory: null, passages: null, recalled: [], due: null, now: null, parts: [] };
        expect(unmatched(buildPrompt({ settings, messages: seen, ...nothing }))).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });
  await expect(checked).resolves.toBeUndefined();
});
