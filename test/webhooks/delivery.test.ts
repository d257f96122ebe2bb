import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Job } from "../../src/core/ports.ts";
import { forgetOldWebhooks, sweepWebhooks } from "../../src/core/webhooks/webhook-queue.ts";
import { webhookInserts } from "../../src/core/webhooks/webhooks.ts";
import { eventually } from "../helpers/eventually.ts";
import { newChat, newProject, type Thread } from "../helpers/project.ts";
import {
  answers,
  contextOf,
  deliver,
  heldAnswer,
  isDown,
  ok,
  Receiver,
  register,
  SECRET,
  told,
  verify,
} from "../helpers/receiver.ts";
import { SseReader } from "../helpers/sse.ts";

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;

type Project = Awaited<ReturnType<typeof newProject>>;

/** A project with a receiver that is owed some events. */
async function owed(receiver: Receiver, count = 1) {
  const project = await newProject();
  const endpointId = await register(project, receiver);
  await raise(project, count);
  return {
    project,
    endpointId,
    path: `/webhook-endpoints/${endpointId}`,
    run: (laterMs = 0, changes: Parameters<typeof deliver>[3] = {}) => deliver(project, endpointId, laterMs, changes),
    deliveries: async () => (await project.get(`/webhook-endpoints/${endpointId}/deliveries`)).json,
    attempts: async () => (await project.get(`/webhook-endpoints/${endpointId}/attempts`)).json,
    endpoint: async () => (await project.get(`/webhook-endpoints/${endpointId}`)).json,
  };
}

async function raise(project: Project, count = 1): Promise<void> {
  const ctx = contextOf(project);
  const events = Array.from({ length: count }, (_, index) => ({
    type: "integration.auth_lost" as const,
    data: { integration_id: String(index) },
  }));
  const [first, ...others] = events;
  await ctx.db.batch(webhookInserts(ctx, first!, ...others));
}

const statuses = (deliveries: { status: string }[]) => deliveries.map(({ status }) => status);
const idsOf = (receiver: Receiver) => receiver.deliveries.map(({ id }) => id);

describe("a receiver that fails", () => {
  it("gets everything once it is there again, with the same ids and the same bytes", async () => {
    const receiver = new Receiver(isDown, isDown, isDown, answers(500), ok);
    const { run, deliveries } = await owed(receiver, 3);
    await run();
    const before = receiver.deliveries.map(({ id, body }) => [id, body]);
    expect(new Set(before.map(([id]) => id)).size).toBe(3);
    await run(4 * SECOND);
    expect(receiver.deliveries).toHaveLength(3);
    await run(6 * SECOND);
    expect(receiver.deliveries).toHaveLength(6);
    await run(400 * SECOND);
    expect(receiver.deliveries).toHaveLength(7);
    expect(new Set(receiver.deliveries.map(({ id, body }) => `${id} ${body}`)).size).toBe(3);
    expect(statuses(await deliveries())).toEqual(["delivered", "delivered", "delivered"]);
  });

  it("is asked again on schedule, and given up at its end; by hand it can begin anew", async () => {
    const receiver = new Receiver(answers(500));
    const { project, endpointId, path, run, deliveries, attempts } = await owed(receiver);
    let later = 0;
    const waits: number[] = [];
    for (;;) {
      await run(later);
      const [{ next_attempt_at, status }] = await deliveries();
      if (status !== "pending") break;
      const next = Date.parse(next_attempt_at) - Date.now();
      waits.push(Math.round((next - later) / SECOND));
      later = next + SECOND;
    }
    const schedule = [5, 300, 1800, 7200, 18000, 36000, 36000, 50400, 72000, 86400];
    expect(waits).toHaveLength(schedule.length);
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(schedule[index]! - 1);
      expect(wait).toBeLessThanOrEqual(schedule[index]! * 1.1 + 1);
    }
    expect(await attempts()).toHaveLength(11);
    expect(statuses(await deliveries())).toEqual(["failed"]);
    await run(30 * DAY);
    expect(receiver.deliveries).toHaveLength(11);
    receiver.answers = [ok];
    const [{ event_id }] = await deliveries();
    const again = await project.post(`${path}/deliveries/${event_id}/redeliver`);
    expect(again.json).toMatchObject({ event_id, status: "pending", attempts: 0 });
    await told(project, endpointId);
    expect(new Set(receiver.deliveries.map(({ body }) => body)).size).toBe(1);
  });

  it.each(["7200", () => new Date(Date.now() + 7200 * SECOND).toUTCString()])(
    "is left alone as long as it asks for: Retry-After %s",
    async (header) => {
      const value = typeof header === "string" ? header : header();
      const { run, deliveries } = await owed(new Receiver(answers(429, { "retry-after": value })));
      await run();
      const [{ next_attempt_at }] = await deliveries();
      expect(Date.parse(next_attempt_at) - Date.now()).toBeGreaterThan(7190 * SECOND);
    },
  );

  it("cannot send us elsewhere", async () => {
    const other = new Receiver();
    const { run, attempts } = await owed(new Receiver(answers(307, { location: other.url })));
    await run();
    expect(other.deliveries).toEqual([]);
    expect(await attempts()).toMatchObject([{ status: "failed", status_code: 307 }]);
  });

  it("is not called where it may not be, though it was saved", async () => {
    const receiver = new Receiver();
    const { endpointId, run, attempts } = await owed(receiver);
    const moved = "update webhook_endpoints set url = 'http://10.0.0.1/' where id = ?";
    await env.DB.prepare(moved).bind(endpointId).run();
    await run();
    expect(await attempts()).toMatchObject([
      { status_code: null, error: "10.0.0.1 must not be a private, reserved or local address" },
    ]);
  });

  it("is not waited for longer than fifteen seconds", async () => {
    const { answer } = heldAnswer();
    const { run, attempts } = await owed(new Receiver(answer));
    const { outbound } = contextOf({ id: "any" });
    let limit: number | undefined;
    await run(0, {
      outbound(url, init) {
        limit = init?.timeoutMs;
        return outbound(url, { ...init, timeoutMs: 10 });
      },
    });
    expect(limit).toBe(15_000);
    expect(await attempts()).toMatchObject([{ status: "failed", error: expect.stringContaining("did not answer") }]);
  });
});

describe("an endpoint", () => {
  it("is disabled at once by 410, and those who watch are told", async () => {
    const receiver = new Receiver(answers(410), ok);
    const { project, endpointId, run, deliveries, endpoint } = await owed(receiver);
    const feed = new SseReader(await project.fetch("GET", "/threads/events"));
    await run();
    expect(await feed.json()).toEqual({
      thread_id: null,
      type: "webhook_endpoint_disabled",
      endpoint_id: endpointId,
      reason: "gone",
    });
    await feed.cancel();
    expect(await endpoint()).toMatchObject({ status: "disabled", disabled_reason: "gone" });
    expect(statuses(await deliveries())).toEqual(["dropped"]);
  });

  it("is disabled after five days of failures, without losing the list of what it missed", async () => {
    const receiver = new Receiver(isDown);
    const { project, endpointId, path, run, deliveries, endpoint } = await owed(receiver);
    await run();
    await run(4.9 * DAY);
    expect((await endpoint()).status).toBe("active");
    await raise(project);
    await run(5.1 * DAY);
    expect(await endpoint()).toMatchObject({ status: "disabled", disabled_reason: "failing" });
    expect(statuses(await deliveries())).toEqual(["dropped", "dropped"]);
    receiver.answers = [ok];
    await project.call("PUT", path, { status: "active" });
    expect(await endpoint()).not.toHaveProperty("disabled_reason");
    const calls = receiver.deliveries.length;
    await run(6 * DAY);
    expect(receiver.deliveries).toHaveLength(calls);
    for (const { event_id } of await deliveries()) {
      await project.post(`/webhook-endpoints/${endpointId}/deliveries/${event_id}/redeliver`);
    }
    await told(project, endpointId);
  });

  it("is given five new days by every success", async () => {
    const receiver = new Receiver(isDown, ok, isDown);
    const { project, run, endpoint } = await owed(receiver);
    await run();
    await run(4 * DAY);
    await raise(project);
    await run(8 * DAY);
    expect((await endpoint()).status).toBe("active");
    await run(13.5 * DAY);
    expect((await endpoint()).status).toBe("disabled");
  });

  it("hears nothing while it is disabled, not even later what it was owed before", async () => {
    const receiver = new Receiver();
    const { project, path, run, deliveries } = await owed(receiver);
    await project.call("PUT", path, { status: "disabled" });
    await raise(project);
    await run();
    const [{ event_id }] = await deliveries();
    expect((await project.post(`${path}/deliveries/${event_id}/redeliver`)).status).toBe(409);
    await project.call("PUT", path, { status: "active" });
    await run(60 * SECOND);
    expect(receiver.deliveries).toEqual([]);
    expect(statuses(await deliveries())).toEqual(["dropped"]);
    await raise(project);
    await run();
    expect(receiver.deliveries).toHaveLength(1);
  });

  it("leaves nothing behind when it is deleted, even while it is being told something", async () => {
    const { answer, release } = heldAnswer();
    const receiver = new Receiver(answer);
    const { project, endpointId, path, run } = await owed(receiver, 12);
    const sending = run();
    await eventually(() => expect(receiver.deliveries).toHaveLength(10));
    await project.delete(path);
    release();
    await sending;
    expect(receiver.deliveries).toHaveLength(10);
    for (const table of ["webhook_deliveries", "webhook_attempts"]) {
      const rows = env.DB.prepare(`select count(*) as count from ${table} where endpoint_id = ?`).bind(endpointId);
      expect(await rows.first()).toEqual({ count: 0 });
    }
  });

  it("with a new secret is understood by receivers that know the new one, and for a day by those that know the old", async () => {
    const receiver = new Receiver(ok);
    const { project, path, run } = await owed(receiver);
    for (const _ of "12") await project.call("PUT", path, { secret: "the next one" });
    await run();
    const [delivery] = receiver.deliveries;
    expect(verify(delivery!, SECRET)).toEqual(delivery!.event);
    expect(verify(delivery!, "the next one")).toEqual(delivery!.event);
    await raise(project);
    await run(1.1 * DAY);
    expect(receiver.deliveries[1]!.headers.get("webhook-signature")).not.toContain(" ");
  });
});

describe("bells that are lost, doubled or late", () => {
  it("change nothing: of many at once, each event is sent by one", async () => {
    const receiver = new Receiver();
    const { run } = await owed(receiver, 20);
    await Promise.all(Array.from({ length: 5 }, () => run()));
    await run(60 * SECOND);
    expect(idsOf(receiver)).toHaveLength(20);
    expect(new Set(idsOf(receiver)).size).toBe(20);
  });

  it("are rung again by the sweep for what is due, and twice does no harm", async () => {
    const receiver = new Receiver(isDown, ok);
    const { project, endpointId, run } = await owed(receiver, 2);
    const ctx = contextOf(project);
    const sweep = async (laterMs = 0) => {
      const rung: { job: Job; delaySeconds: number | undefined }[] = [];
      const ring = async (job: Job, delaySeconds?: number) => void rung.push({ job, delaySeconds });
      await sweepWebhooks(ctx.db, { ring }, new Date(Date.now() + laterMs));
      return rung.filter(({ job }) => job.projectId === project.id);
    };
    const job = { kind: "deliver-webhooks", projectId: project.id, endpointId };
    expect(await sweep()).toEqual([{ job, delaySeconds: 0 }]);
    expect(await sweep()).toEqual([{ job, delaySeconds: 0 }]);
    await run();
    const [retry] = await sweep();
    expect(retry!.delaySeconds).toBeGreaterThan(3);
    expect(retry!.delaySeconds).toBeLessThan(7);
    await Promise.all([run(10 * SECOND), run(10 * SECOND)]);
    expect(receiver.deliveries).toHaveLength(3);
    expect(await sweep(60 * SECOND)).toEqual([]);
  });

  it("do not lose an attempt of which nothing is heard any more: it is made again under its id", async () => {
    const receiver = new Receiver();
    const { project, endpointId, run, deliveries } = await owed(receiver);
    await run(0, { outbound: () => Promise.reject(new Error("the server was killed")) });
    expect(statuses(await deliveries())).toEqual(["sending"]);
    await run(10 * SECOND);
    expect(receiver.deliveries).toEqual([]);
    const rung: Job[] = [];
    const ring = async (job: Job) => void rung.push(job);
    await sweepWebhooks(contextOf(project).db, { ring }, new Date());
    expect(rung).toContainEqual({ kind: "deliver-webhooks", projectId: project.id, endpointId });
    await run(26 * SECOND);
    expect(idsOf(receiver)).toEqual([(await deliveries())[0].event_id]);
    expect(statuses(await deliveries())).toEqual(["delivered"]);
  });

  it("do not let a late failure call back what is being sent again", async () => {
    const [late, again] = [heldAnswer(), heldAnswer()];
    const failing = async () => (await late.answer(), answers(500)());
    const receiver = new Receiver(failing, again.answer);
    const { run, deliveries } = await owed(receiver);
    const first = run();
    await eventually(() => expect(receiver.deliveries).toHaveLength(1));
    const second = run(26 * SECOND);
    await eventually(() => expect(receiver.deliveries).toHaveLength(2));
    late.release();
    await first;
    expect(await deliveries()).toMatchObject([{ status: "sending", attempts: 2 }]);
    again.release();
    await second;
    expect(await deliveries()).toMatchObject([{ status: "delivered", attempts: 2 }]);
  });

  it("do not let a late answer undo what came after it", async () => {
    const { answer, release } = heldAnswer();
    const receiver = new Receiver(answer, ok);
    const { run, deliveries } = await owed(receiver);
    const slow = run();
    await eventually(() => expect(receiver.deliveries).toHaveLength(1));
    receiver.answers = [ok];
    await run(26 * SECOND);
    expect(await deliveries()).toMatchObject([{ status: "delivered", attempts: 2 }]);
    release();
    await slow;
    expect(await deliveries()).toMatchObject([{ status: "delivered", attempts: 2 }]);
    expect(new Set(idsOf(receiver)).size).toBe(1);
  });
});

describe("a slow receiver", () => {
  it("keeps no other waiting, nor the queue, and has ten things to do at most", async () => {
    const project = await newProject();
    const { answer, release } = heldAnswer();
    const [slow, quick] = [new Receiver(answer), new Receiver()];
    const [slowId, quickId] = [await register(project, slow), await register(project, quick)];
    await raise(project, 25);
    const waiting = Promise.all([deliver(project, slowId), deliver(project, slowId), deliver(project, slowId)]);
    await eventually(() => expect(slow.deliveries).toHaveLength(10));
    await deliver(project, quickId);
    expect(quick.deliveries).toHaveLength(25);
    expect(slow.deliveries).toHaveLength(10);
    release();
    await waiting;
    expect(slow.deliveries).toHaveLength(25);
    expect(slow.mostAtOnce).toBe(10);
  });
});

describe("events of a thread", () => {
  const objectOf = (thread: Thread) => env.THREADS.getByName(`${thread.chat.project.id}/${thread.id}`);

  async function watched() {
    const thread = (await newChat()).thread();
    const receiver = new Receiver();
    const id = await register(thread.chat.project, receiver);
    return { thread, receiver, tell: () => told(thread.chat.project, id), id, path: `/webhook-endpoints/${id}` };
  }

  it("reach the receiver once, though the object died between storing and telling", async () => {
    const { thread, receiver, tell } = await watched();
    await env.DB.exec("alter table chat_hours rename to chat_hours_away");
    await thread.ask("hi");
    await env.DB.exec("alter table chat_hours_away rename to chat_hours");
    await tell();
    expect(receiver.deliveries).toEqual([]);
    await abortAllDurableObjects();
    await runDurableObjectAlarm(objectOf(thread));
    await eventually(async () => {
      await tell();
      expect(receiver.types.toSorted()).toEqual(["thread.created", ...Array(2).fill("thread.message.created")]);
    });
  });

  it("reach the receiver once, though they are told again after a crash between telling and noting", async () => {
    const { thread, receiver, tell } = await watched();
    await thread.ask("hi");
    await tell();
    await runInDurableObject(objectOf(thread), (_, state) => {
      state.storage.sql.exec("update thread set record = json_set(record, '$.projected', 0)");
    });
    await abortAllDurableObjects();
    await thread.ask("again");
    await tell();
    expect(receiver.deliveries).toHaveLength(5);
    expect(new Set(idsOf(receiver)).size).toBe(5);
  });

  it("that have not arrived are forgotten with the thread", async () => {
    const { thread, receiver, id, path } = await watched();
    receiver.answers = [isDown];
    await thread.ask("a secret");
    await deliver(thread.chat.project, id);
    await contextOf(thread.chat.project).thread(thread.id).erase();
    receiver.answers = [ok];
    const calls = receiver.deliveries.length;
    await deliver(thread.chat.project, id, 60 * SECOND);
    expect(receiver.deliveries).toHaveLength(calls);
    expect((await thread.chat.project.get(`${path}/deliveries`)).json).toEqual([]);
  });
});

it("does not list for ever what was sent long ago", async () => {
  const { project, run, deliveries, attempts } = await owed(new Receiver(), 2);
  await run();
  const { db } = contextOf(project);
  await forgetOldWebhooks({ db, now: () => new Date(Date.now() + 29 * DAY) });
  expect([(await deliveries()).length, (await attempts()).length]).toEqual([2, 2]);
  const old = await newProject();
  await forgetOldWebhooks({ db: contextOf(old).db, now: () => new Date(Date.now() + 31 * DAY) });
  expect([await deliveries(), await attempts()]).toEqual([[], []]);
});
