import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import type { Job } from "../../src/core/ports.ts";
import { consume } from "../../src/jobs/consumer.ts";
import { newProject } from "../helpers/project.ts";

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

it("a job that was given up is told to the operator by the log, and is not kept", async () => {
  const told = vi.spyOn(console, "error").mockReturnValue(undefined);
  const job: Job = { kind: "erase-chat", projectId: "p", chatId: "c" };
  const result = await deliver("parley-jobs-dead", job);
  expect(result.explicitAcks).toEqual(["0"]);
  expect(told.mock.calls.map((call) => call.join(" "))).toEqual([expect.stringContaining(JSON.stringify(job))]);
});
