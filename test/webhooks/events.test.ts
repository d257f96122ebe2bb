import { eq } from "drizzle-orm";
import { afterEach, describe, expect, it, vi } from "vitest";
import { loseAuth } from "../../src/core/channels/channel-accounts.ts";
import { getIntegration } from "../../src/core/channels/integrations.ts";
import { webhookInserts } from "../../src/core/webhooks/webhooks.ts";
import { projects } from "../../src/db/schema.ts";
import { eventually } from "../helpers/eventually.ts";
import { Store } from "../helpers/knowledge.ts";
import { newChat, newProject, readAnswer, type Thread } from "../helpers/project.ts";
import { contextOf, deliver, Receiver, register, SECRET, told, verify } from "../helpers/receiver.ts";
import { conversation, HOUR, inMs, passFor, sendLater } from "../helpers/schedules.ts";
import { SseReader } from "../helpers/sse.ts";
import { callsTool, FakeModel, HeldAnswer, says } from "../helpers/upstream.ts";

/** A thread whose project has a receiver; `tell` brings what it is owed. */
async function watched(...chat: Parameters<typeof newChat>) {
  const thread = (await newChat(...chat)).thread();
  const receiver = new Receiver();
  const endpointId = await register(thread.chat.project, receiver);
  return { thread, receiver, endpointId, tell: () => tellOf(thread, endpointId, receiver) };
}

async function tellOf(thread: Thread, endpointId: string, receiver: Receiver) {
  await told(thread.chat.project, endpointId);
  return receiver.events.toSorted((a, b) => a.created_at.localeCompare(b.created_at));
}

const kinds = (events: { type: string; data: Record<string, unknown> }[]) =>
  events.map(({ type, data }) => {
    const message = data["message"] as { content: string } | undefined;
    return message ? `${type}: ${message.content}` : type;
  });

afterEach(() => void vi.useRealTimers());

describe("a receiver", () => {
  it("is told of a conversation as the API lists it, with both signatures", async () => {
    const { thread, receiver, tell } = await watched(new FakeModel(says("Hello.")));
    await thread.ask("hi");
    await thread.setMode("manual");
    await thread.send("This is a human.");
    const events = await tell();
    const thread_id = thread.id;
    const messages = await thread.messages();
    expect(messages).toHaveLength(3);
    expect(events.filter(({ type }) => type === "thread.message.created").map(({ data }) => data)).toEqual(
      messages.map((message) => ({ thread_id, message })),
    );
    expect(
      events.filter(({ type }) => type !== "thread.message.created").map(({ type, data }) => [type, data]),
    ).toEqual([
      ["thread.created", { thread_id, chat_id: thread.chat.id }],
      ["thread.mode.changed", { thread_id, mode: "manual" }],
    ]);
    for (const delivery of receiver.deliveries) {
      expect(delivery.headers.get("content-type")).toBe("application/json");
      expect(verify(delivery, SECRET)).toEqual(delivery.event);
      expect(delivery.id).toBe(delivery.event.id);
      expect(delivery.headers.get("x-worken-signature")).toMatch(/^[0-9a-f]{64}$/);
      expect(Object.keys(delivery.event)).toEqual(["id", "type", "created_at", "data"]);
    }
    expect(new Set(receiver.deliveries.map(({ id }) => id)).size).toBe(5);
  });

  it("hears by itself, through the queue", async () => {
    const { thread, receiver } = await watched(new FakeModel(says("Hello.")));
    await thread.ask("hi");
    await eventually(() => expect(receiver.deliveries).toHaveLength(3));
  });

  it("is told of what a person wrote while the bot still answers", async () => {
    const held = new HeldAnswer();
    const { thread, receiver, endpointId } = await watched(new FakeModel(says("First."), held.answer));
    const hears = (content: string) =>
      eventually(async () => {
        await deliver(thread.chat.project, endpointId);
        expect(kinds(receiver.events)).toContain(`thread.message.created: ${content}`);
      });
    await thread.ask("one");
    held.say("Sec");
    const streaming = readAnswer(await thread.stream("two"));
    await hears("two");
    held.say("ond.");
    held.end();
    await streaming;
    await hears("Second.");
  });

  it("is told of a thread that begins before its first answer has ended", async () => {
    const held = new HeldAnswer();
    const { thread, receiver, endpointId } = await watched(new FakeModel(held.answer));
    held.say("Well");
    const streaming = readAnswer(await thread.stream("hi"));
    await eventually(async () => {
      await deliver(thread.chat.project, endpointId);
      expect(receiver.types.toSorted()).toEqual(["thread.created", "thread.message.created"]);
    });
    held.end();
    await streaming;
  });

  it("is told of a tool call that needs approval, of the decision, and of the answer that goes on", async () => {
    const reason = { reason: "angry" };
    const model = new FakeModel(callsTool("handoff_to_operator", reason), says("Done."));
    const { thread, tell } = await watched(model, { tools: { handoff_to_operator: "operator_approve" } });
    await thread.ask("a human, please");
    const path = `/threads/${thread.id}/approvals`;
    const [approval] = (await thread.chat.project.get(path)).json.data;
    await thread.chat.project.post(`${path}/${approval.id}`, { approved: true });
    await eventually(async () => expect((await thread.get()).json.mode).toBe("manual"));
    const events = await eventually(async () => {
      const found = await tell();
      expect(found).toHaveLength(7);
      return found;
    });
    const [requested] = events.filter(({ type }) => type === "thread.approval.requested");
    expect(requested!.data).toMatchObject({ thread_id: thread.id, approval: { id: approval.id, args: reason } });
    const [decided] = events.filter(({ type }) => type === "thread.approval.decided");
    expect(decided!.data).toMatchObject({ approval: { id: approval.id, status: "approved" } });
    const [updated] = events.filter(({ type }) => type === "thread.message.updated");
    expect(updated!.data).toMatchObject({ message: (await thread.messages()).at(-1) });
  });

  it("is told of what is planned, of what came of it, and of what is cancelled", async () => {
    const { thread, tell } = await watched(new FakeModel(says("Hello.")));
    await thread.ask("hi");
    await thread.setMode("manual");
    const [kept, dropped] = [
      await sendLater(thread, "Still there?", inMs(200)),
      await sendLater(thread, "No.", inMs(HOUR)),
    ];
    await thread.chat.project.delete(`/schedules/${dropped.json.schedule_id}`);
    await eventually(async () => expect(await conversation(thread)).toContain("assistant: Still there?"));
    const planned = (await tell()).filter(({ type }) => type.startsWith("schedule."));
    const about = ({ json }: typeof kept) => ({ schedule_id: json.schedule_id, thread_id: thread.id });
    // Deliveries have no order.
    const expected = [
      ["schedule.created", { ...about(kept), scheduled_at: kept.json.scheduled_at }],
      ["schedule.created", { ...about(dropped), scheduled_at: dropped.json.scheduled_at }],
      ["schedule.cancelled", { ...about(dropped), reason: "request" }],
      ["schedule.fired", { ...about(kept), message_id: kept.json.id }],
    ];
    expect(planned).toHaveLength(expected.length);
    expect(planned.map(({ type, data }) => [type, data])).toEqual(expect.arrayContaining(expected));
  });

  it("is told of a run that did not take place, and why", async () => {
    const { thread, tell } = await watched(new FakeModel(says("Hello.")));
    await thread.ask("hi");
    const task = { task: "Say what is new.", cron: "* * * * *", max_executions: 1 };
    const { json: schedule } = await thread.chat.project.post(`/threads/${thread.id}/schedules`, task);
    await thread.setMode("manual");
    await passFor(thread, 61_000);
    const failed = (await tell()).find(({ type }) => type === "schedule.failed");
    expect(failed?.data).toEqual({ schedule_id: schedule.id, thread_id: thread.id, error: expect.any(String) });
  });

  it("is told of an answer that is taken back for another one, and so is who watches", async () => {
    const { thread, tell } = await watched(new FakeModel(says("First."), says("Second.")));
    await thread.ask("hi");
    const [question, first] = await thread.messages();
    const listener = new SseReader(await thread.chat.project.fetch("GET", `/threads/events/${thread.id}`));
    const messages = [{ id: question!.id, role: "user", parts: [{ type: "text", text: "hi" }] }];
    const again = { id: thread.id, messages, trigger: "regenerate-message" };
    await (await thread.chat.project.fetch("POST", `/chats/${thread.chat.id}/threads`, again)).text();
    const gone = (await tell()).filter(({ type }) => type === "thread.message.deleted");
    expect(gone.map(({ data }) => data)).toEqual([{ thread_id: thread.id, message_id: first!.id }]);
    expect(await listener.json()).toEqual({ thread_id: thread.id, type: "message_deleted", message_id: first!.id });
  });

  it("hears nothing of an answer that a takeover cut off", async () => {
    const held = new HeldAnswer();
    const { thread, tell } = await watched(new FakeModel(held.answer));
    held.say("Half an ");
    const reader = new SseReader(await thread.stream("hi"));
    await reader.json();
    await thread.setMode("manual");
    held.end();
    await reader.rest();
    await thread.send("A human.");
    expect(await thread.messages()).toHaveLength(3);
    expect(kinds(await tell()).toSorted()).toEqual([
      "thread.created",
      "thread.message.created: A human.",
      "thread.message.created: hi",
      "thread.mode.changed",
    ]);
  });

  it("hears of its own project alone, and of nothing before it was there", async () => {
    const [mine, theirs] = [await newChat(new FakeModel(says("ok"))), await newProject()];
    const [own, foreign] = [new Receiver(), new Receiver()];
    const foreignId = await register(theirs, foreign);
    const thread = mine.thread();
    await thread.ask("before");
    const ownId = await register(mine.project, own);
    await thread.ask("after");
    await told(mine.project, ownId);
    await deliver(theirs, foreignId);
    expect(kinds(own.events).toSorted()).toEqual(["thread.message.created: after", "thread.message.created: ok"]);
    expect(foreign.deliveries).toEqual([]);
  });

  it("is spared what it could not take in", async () => {
    const { thread, tell } = await watched(new FakeModel(says("ok")));
    await thread.ask("long ".repeat(39_000));
    const event = (await tell()).find(({ data }) => data["truncated"])!;
    expect(event.type).toBe("thread.message.created");
    expect(JSON.stringify(event).length).toBeLessThan(100_000);
    expect((await thread.messages())[0]!.content).toHaveLength(195_000);
  });

  it("is told of what is raised beside another change if that change is made, and under one id once", async () => {
    const project = await newProject();
    const receiver = new Receiver();
    const id = await register(project, receiver);
    const ctx = contextOf(project);
    const lost = { type: "integration.auth_lost" as const, data: { integration_id: "i1" }, id: "one" };
    const rename = (name: string | null) =>
      ctx.db
        .update(projects)
        .set({ name: name as string })
        .where(eq(projects.id, project.id));
    await expect(ctx.db.batch([...webhookInserts(ctx, lost), rename(null)])).rejects.toThrow("NOT NULL");
    await deliver(project, id);
    expect(receiver.events).toEqual([]);
    await ctx.db.batch([rename("New"), ...webhookInserts(ctx, lost)]);
    await ctx.db.batch([rename("Newer"), ...webhookInserts(ctx, lost)]);
    const low = { type: "billing.balance.low" as const, data: { credits: 1, bonus: 0 } };
    await ctx.db.batch([rename("Newest"), ...webhookInserts(ctx, low, low)]);
    await deliver(project, id);
    expect(receiver.events.map(({ type, data }) => [type, data])).toEqual([
      ["integration.auth_lost", { integration_id: "i1" }],
      ["billing.balance.low", { credits: 1, bonus: 0 }],
      ["billing.balance.low", { credits: 1, bonus: 0 }],
    ]);
  });

  it("is told once of credentials that are lost, however many find it out", async () => {
    const project = await newProject();
    const receiver = new Receiver();
    const endpointId = await register(project, receiver);
    const { json } = await project.post("/integrations", { name: "Web", vendor: "worken", auth_data: {} });
    const ctx = contextOf(project);
    const integration = await getIntegration(ctx, json.id);
    await Promise.all([1, 2, 3].map(() => loseAuth(ctx, integration, "no")));
    await told(project, endpointId);
    expect(receiver.events.map(({ type, data }) => [type, data])).toEqual([
      ["integration.auth_lost", { integration_id: json.id }],
    ]);
  });

  it("is told of documents that have been read, and of those that could not be", async () => {
    const project = await newProject();
    const receiver = new Receiver();
    const endpointId = await register(project, receiver);
    const store = await Store.create(project);
    const good = await store.addAndWait("a.md", "# Delivery\n\nOne day.");
    const bad = await store.add("a.pdf", "%PDF-1.7 and nothing more");
    const { error } = await store.settled(bad);
    await told(project, endpointId);
    const ids = { vector_store_id: store.id };
    // Deliveries have no order.
    const events = receiver.events.map(({ type, data }) => [type, data]);
    expect(events).toHaveLength(2);
    expect(events).toContainEqual(["vector_store.file.processed", { ...ids, file_id: good }]);
    expect(events).toContainEqual(["vector_store.file.failed", { ...ids, file_id: bad, error }]);
  });
});
