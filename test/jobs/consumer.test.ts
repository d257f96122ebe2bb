import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import type { Job } from "../../src/core/ports.ts";
import { consume } from "../../src/jobs/consumer.ts";
import { eventually } from "../helpers/eventually.ts";
import { Store } from "../helpers/knowledge.ts";
import { newChat, newProject } from "../helpers/project.ts";
import { Receiver, register } from "../helpers/receiver.ts";
import { FakeModel, says } from "../helpers/upstream.ts";

afterEach(() => vi.restoreAllMocks());

async function deliver(queue: string, ...jobs: Job[]) {
  const messages = jobs.map((body, index) => ({ id: String(index), timestamp: new Date(), attempts: 1, body }));
  const [batch, execution] = [createMessageBatch<Job>(queue, messages), createExecutionContext()];
  await consume(batch, env, execution);
  return getQueueResult(batch, execution);
}

it("a bell for what is done already, or was never there, is heard and nothing happens", async () => {
  const { id: projectId } = await newProject();
  const [storeId, documentId, fileId, chatId, threadId, scheduleId] = Array.from({ length: 6 }, () =>
    crypto.randomUUID(),
  );
  const result = await deliver(
    "parley-jobs",
    { kind: "index-document", projectId, storeId: storeId!, documentId: documentId! },
    { kind: "erase-document", projectId, storeId: storeId!, documentId: documentId! },
    { kind: "erase-store", projectId, storeId: storeId! },
    { kind: "rebuild-store", projectId, storeId: storeId! },
    { kind: "erase-file", projectId, fileId: fileId! },
    { kind: "erase-chat", projectId, chatId: chatId! },
    { kind: "send-messages", projectId, threadId: threadId! },
    { kind: "fire-schedule", projectId, threadId: threadId!, scheduleId: scheduleId! },
    { kind: "deliver-webhooks", projectId, endpointId: chatId! },
    { kind: "tell-low-balance", projectId },
  );
  expect(result.explicitAcks).toHaveLength(10);
  expect(result.retryMessages).toEqual([]);
});

it("a job that fails is tried again later, and holds up no other", async () => {
  const { id: projectId } = await newProject();
  vi.spyOn(console, "error").mockReturnValue(undefined);
  const failing = { kind: "no such job", projectId } as unknown as Job;
  const result = await deliver("parley-jobs", failing, { kind: "tell-low-balance", projectId });
  expect(result.retryMessages).toEqual([{ msgId: "0" }]);
  expect(result.explicitAcks).toEqual(["1"]);
});

it("a document that takes long to read holds up nothing that is to happen now", async () => {
  const [gate, receiver] = [Promise.withResolvers<void>(), new Receiver()];
  const slow = new FakeModel(async () => {
    await gate.promise;
    return Response.json({ error: { message: "no" } }, { status: 400 });
  });
  const chat = await newChat(new FakeModel(says("Hello.")), { vector_store_ids: [] });
  const store = await Store.create(chat.project, { embedding_model: slow.id });
  await register(chat.project, receiver);
  await store.add("a.md", "A lighthouse.");
  await eventually(() => expect(slow.requests).toHaveLength(1));
  await chat.thread().ask("Hi.");
  await eventually(() => expect(receiver.types).toContain("thread.message.created"));
  gate.resolve();
});

it("a job that was given up is told to the operator by the log, and is not kept", async () => {
  const told = vi.spyOn(console, "error").mockReturnValue(undefined);
  const job: Job = { kind: "erase-chat", projectId: "p", chatId: "c" };
  const result = await deliver("parley-jobs-dead", job);
  expect(result.explicitAcks).toEqual(["0"]);
  expect(told.mock.calls.map((call) => call.join(" "))).toEqual([expect.stringContaining(JSON.stringify(job))]);
});
