import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { sweepLowBalances } from "../../src/core/billing/balance-alerts.ts";
import { openDb } from "../../src/db/client.ts";
import type { Job } from "../../src/core/ports.ts";
import { adjust, poorChat, setCredits, TURN_COST } from "../helpers/money.ts";
import { eventually } from "../helpers/eventually.ts";
import { newProject } from "../helpers/project.ts";
import { Receiver, register } from "../helpers/receiver.ts";
import { SseReader } from "../helpers/sse.ts";
import { FakeModel, says } from "../helpers/upstream.ts";

const LOW = "billing.balance.low";

const alertsOf = async ({ id }: { id: string }) =>
  (await env.DB.prepare("select * from balance_alerts where project_id = ?").bind(id).all()).results;

it("a project that runs low is told once for each crossing, by a live event and by a webhook", async () => {
  const model = new FakeModel(says("ok"));
  const chat = await poorChat(model, 0);
  const { project } = chat;
  await adjust(project, "topup", 100 + TURN_COST);
  await eventually(async () => expect(await alertsOf(project)).toEqual([]));
  const receiver = new Receiver();
  await register(project, receiver);
  const events = new SseReader(await project.fetch("GET", "/threads/events"));
  const told = async () => {
    for (;;) {
      const event = await events.json();
      if (event["type"] === LOW) return event;
    }
  };

  await chat.thread().ask("still enough");
  await chat.thread().ask("now it is low");
  await chat.thread().ask("and stays low");
  expect(await told()).toEqual({ thread_id: null, type: LOW, credits: 99.981, bonus: 0 });
  await eventually(() => expect(receiver.types.filter((type) => type === LOW)).toHaveLength(1));

  await adjust(project, "bonus", 1);
  await adjust(project, "charge", 0.5);
  const { json } = await adjust(project, "charge", 1);
  expect(await told()).toEqual({ thread_id: null, type: LOW, credits: json.credits, bonus: 0 });
  await eventually(() =>
    expect(receiver.events.filter(({ type }) => type === LOW).map(({ data }) => data)).toEqual([
      { credits: 99.981, bonus: 0 },
      { credits: json.credits, bonus: 0 },
    ]),
  );
  await events.cancel();
  expect(await alertsOf(project)).toEqual([]);
});

it("what nobody was told of, because the bell was lost, is rung for again", async () => {
  const project = await newProject();
  await setCredits(project, 200);
  await eventually(async () => expect(await alertsOf(project)).toEqual([]));
  await env.DB.prepare("insert into balance_alerts values (?, ?, 1, 0)").bind(crypto.randomUUID(), project.id).run();
  const rung: Job[] = [];
  await sweepLowBalances(openDb(env.DB), { ring: async (job) => void rung.push(job) });
  expect(rung).toContainEqual({ kind: "tell-low-balance", projectId: project.id });
});
