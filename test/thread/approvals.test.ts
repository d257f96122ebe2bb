import { abortAllDurableObjects } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { newChat, readAnswer } from "../helpers/project.ts";
import { callsTool, chunk, endChunks, FakeModel, HeldAnswer, says, sends } from "../helpers/upstream.ts";

const REASON = { reason: "angry" };

/** A thread whose bot wants to hand over, and may not without being allowed to. */
async function asked(mode: "user_approve" | "operator_approve" = "operator_approve", then = says("Done.")) {
  const model = new FakeModel(callsTool("handoff_to_operator", REASON), then);
  const thread = (await newChat(model, { tools: { handoff_to_operator: mode } })).thread();
  const { events, frames } = await thread.ask("I want a human");
  const path = `/threads/${thread.id}/approvals`;
  const list = async () => (await thread.chat.project.get(path)).json.data;
  const [approval] = await list();
  const decide = (body: object) => thread.chat.project.post(`${path}/${approval.id}`, body);
  return { model, thread, events, frames, list, approval, decide };
}

describe("a tool that needs approval", () => {
  it("is not carried out, but asked for", async () => {
    const { thread, events, approval } = await asked();
    expect(events).toEqual([
      { type: "tool-call", toolCallId: "call_1", toolName: "handoff_to_operator", args: REASON },
      { type: "finish", finishReason: "tool-calls" },
    ]);
    expect(approval).toMatchObject({
      tool_call_id: "call_1",
      tool_name: "handoff_to_operator",
      args: REASON,
      requested_from: "operator",
      status: "pending",
      reason: null,
    });
    expect((await thread.get()).json.mode).toBe("auto");
  });

  it("is carried out once it is approved, after days and restarts, and the answer goes on", async () => {
    const { model, thread, decide } = await asked();
    await abortAllDurableObjects();
    expect((await decide({ approved: true })).json).toMatchObject({ status: "approved" });
    await eventually(async () => expect((await thread.get()).json.mode).toBe("manual"));
    expect(model.requests[1]!.messages.at(-1)).toMatchObject({
      role: "tool",
      tool_call_id: "call_1",
      content: JSON.stringify({ handed_over: true }),
    });
    const messages = await thread.messages();
    expect(messages.map(({ role, content }) => [role, content])).toEqual([
      ["user", "I want a human"],
      ["tool", JSON.stringify({ toolName: "handoff_to_operator", args: REASON, result: { handed_over: true } })],
      ["assistant", "Done."],
    ]);
  });

  it("is not carried out when it is rejected, and the model is told why", async () => {
    const { model, thread, decide } = await asked();
    await decide({ approved: false, reason: "Nobody is here." });
    await eventually(async () => expect((await thread.messages()).at(-1)!.content).toBe("Done."));
    expect(model.requests[1]!.messages.at(-1)!.content).toBe("Nobody is here.");
    expect((await thread.get()).json.mode).toBe("auto");
  });

  it("leaves its question unanswered again while the answer goes on", async () => {
    const held = new HeldAnswer();
    const { thread, decide } = await asked("operator_approve", held.answer);
    const pending = async () => (await thread.get()).json.pending_count;
    expect(await pending()).toBe(0);
    await decide({ approved: false });
    expect(await pending()).toBe(1);
    held.say("Done.");
    held.end();
    await eventually(async () => expect(await pending()).toBe(0));
  });

  it("lets a reader of the answer come back to all that is new in it", async () => {
    const held = new HeldAnswer();
    const { thread, frames, decide } = await asked("operator_approve", held.answer);
    await decide({ approved: false });
    held.say("One", " two", " three");
    await eventually(async () => expect((await thread.messages()).at(-1)!.content).toBe("One two three"));
    const lastId = { "last-event-id": frames.at(-1)!.id! };
    const response = await thread.chat.project.fetch("GET", `${thread.path}/stream`, undefined, lastId);
    held.end();
    expect((await readAnswer(response)).text).toBe("One two three");
  });

  it("is decided once", async () => {
    const { decide } = await asked();
    const answers = await Promise.all([decide({ approved: true }), decide({ approved: false })]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
  });

  it("is superseded by the next message, and the model knows that nothing was done", async () => {
    const { model, thread, list, decide } = await asked();
    await thread.ask("never mind");
    expect(await list()).toMatchObject([{ status: "expired" }]);
    expect((await decide({ approved: true })).status).toBe(409);
    const [, , call, result] = model.requests[1]!.messages.map(({ role, content }) => ({ role, content })).slice(-4);
    expect([call, result]).toMatchObject([
      { role: "tool", content: "The tool call was not carried out." },
      { role: "user" },
    ]);
  });

  it("expires when an operator takes over", async () => {
    const { thread, list } = await asked();
    await thread.setMode("manual");
    expect(await list()).toMatchObject([{ status: "expired" }]);
  });
});

describe("in the AI SDK's stream", () => {
  const lastEvents = async (response: Response) =>
    (await response.text())
      .split("\n")
      .filter((line) => line.startsWith("data: {"))
      .map((line) => JSON.parse(line.slice(6)));

  const responded = (approvals: { id: string; tool_call_id: string }[], approved: boolean) => ({
    messages: [
      {
        id: "a1",
        role: "assistant",
        parts: approvals.map(({ id, tool_call_id: toolCallId }) => ({
          type: "tool-handoff_to_operator",
          toolCallId,
          state: "approval-responded",
          approval: { id, approved },
        })),
      },
    ],
  });

  it("a person's approval resumes the same message", async () => {
    const { thread, approval } = await asked("user_approve");
    const response = await thread.chat.project.fetch("POST", `${thread.path}/stream`, responded([approval], true));
    const events = await lastEvents(response);
    const [, answer] = (await thread.messages()).filter(({ role }) => role !== "tool");
    expect(events[0]).toEqual({ type: "start", messageId: answer!.id });
    expect(events).toContainEqual({
      type: "tool-output-available",
      toolCallId: "call_1",
      output: { handed_over: true },
    });
    expect(events.at(-1)).toEqual({ type: "finish", messageMetadata: { finishReason: "stop" } });
  });

  it("a person's approval that is sent again is answered by the same message", async () => {
    const { thread, approval } = await asked("user_approve");
    const send = (approved: boolean) =>
      thread.chat.project.fetch("POST", `${thread.path}/stream`, responded([approval], approved));
    const [first, again] = [await lastEvents(await send(true)), await lastEvents(await send(true))];
    expect([again[0], again.at(-1)]).toEqual([first[0], first.at(-1)]);
    expect((await send(false)).status).toBe(409);
  });

  it("a person may approve one after the other, while their client repeats what was approved before", async () => {
    const call = (index: number) => ({
      index,
      id: `call_${index}`,
      type: "function",
      function: { name: "handoff_to_operator", arguments: JSON.stringify(REASON) },
    });
    const both = chunk({ choices: [{ index: 0, delta: { tool_calls: [call(0), call(1)] } }] });
    const model = new FakeModel(sends(both, endChunks("tool_calls")), says("Goodbye."));
    const thread = (await newChat(model, { tools: { handoff_to_operator: "user_approve" } })).thread();
    await thread.ask("I want a human");
    const { data: approvals } = (await thread.chat.project.get(`/threads/${thread.id}/approvals`)).json;
    const send = async (some: object[]) =>
      lastEvents(await thread.chat.project.fetch("POST", `${thread.path}/stream`, responded(some as [], true)));
    expect((await send(approvals.slice(0, 1))).map(({ type }) => type)).toEqual(["start", "finish"]);
    expect(await send(approvals)).toContainEqual(expect.objectContaining({ type: "text-delta", delta: "Goodbye." }));
  });

  it.each([
    ["user_approve", 1],
    ["operator_approve", 0],
  ] as const)("asks the person for no approval but their own: %s", async (mode, times) => {
    const model = new FakeModel(callsTool("handoff_to_operator", REASON));
    const thread = (await newChat(model, { tools: { handoff_to_operator: mode } })).thread();
    const body = { messages: [{ id: "u1", role: "user", parts: [{ type: "text", text: "I want a human" }] }] };
    const events = await lastEvents(await thread.chat.project.fetch("POST", `${thread.path}/stream`, body));
    expect(events).toContainEqual(expect.objectContaining({ type: "tool-input-available", toolCallId: "call_1" }));
    expect(events.filter(({ type }) => type === "tool-approval-request")).toHaveLength(times);
  });

  it("a person cannot approve what an operator must", async () => {
    const { thread, approval, list } = await asked("operator_approve");
    const response = await thread.chat.project.fetch("POST", `${thread.path}/stream`, responded([approval], true));
    expect(response.status).toBe(403);
    expect(await list()).toMatchObject([{ status: "pending" }]);
  });
});
