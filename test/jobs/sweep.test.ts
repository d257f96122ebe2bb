import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Job } from "../../src/core/ports.ts";
import { webhookInserts } from "../../src/core/webhooks/webhooks.ts";
import { Store, upload } from "../helpers/knowledge.ts";
import { newChat, newProject, type Chat } from "../helpers/project.ts";
import { contextOf, Receiver, register } from "../helpers/receiver.ts";
import { HOUR, inMs, pass, tick } from "../helpers/schedules.ts";
import { FakeTelegram } from "../helpers/telegram.ts";

const MINUTE = 61_000;
const DAY = 24 * HOUR;

/** The bells of the HTTP side; nobody hears them. */
let rung: Job[] = [];

beforeEach(() => {
  rung = [];
  for (const queue of [env.JOBS, env.LONG_JOBS]) {
    vi.spyOn(queue, "send").mockImplementation(async (job) => void rung.push(job) as never);
    vi.spyOn(queue, "sendBatch").mockImplementation(
      async (bells) => void rung.push(...[...bells].map(({ body }) => body)) as never,
    );
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const write = (sql: string, ...values: (string | number)[]) =>
  env.DB.prepare(sql)
    .bind(...values)
    .run();

const newStore = async ({ project }: Chat) => Store.create(project);
const aTelegram = (chat: Chat) =>
  chat.project.post("/integrations", { name: "T", vendor: "telegram", auth_data: { token: new FakeTelegram().token } });

/** A row as a conversation with a messenger leaves it; `ended_at`: it is sent. */
const addSend = (chat: Chat, threadId: string, status: string, endedAt: number | string = "") =>
  write(
    `insert into channel_sends (id, project_id, thread_id, integration_id, chat_key, position, message_id, author,
       epoch, body, status, attempts, sent_pieces, due_at, created_at, ended_at)
     values (?, ?, ?, 'i', 'c', 1, 'm', 'bot', 0, '{}', ?, 0, 0, 0, 0, nullif(?, ''))`,
    crypto.randomUUID(),
    chat.project.id,
    threadId,
    status,
    endedAt,
  );

const addReceived = (chat: Chat, doneAt: number | string = "") =>
  write(
    `insert into inbound_events (project_id, integration_id, event_id, chat_key, body, attempts, due_at, received_at, done_at)
     values (?, ?, ?, 'c', '{}', 0, 0, 0, nullif(?, ''))`,
    chat.project.id,
    chat.integrationId,
    crypto.randomUUID(),
    doneAt,
  );

const isOwed = async (chat: Chat) => {
  const endpointId = await register(chat.project, new Receiver());
  const ctx = contextOf(chat.project);
  await ctx.db.batch(webhookInserts(ctx, { type: "integration.auth_lost", data: { integration_id: "1" } }));
  return endpointId;
};

/** Leaves work undone whose bell nobody has heard, and says which. */
const UNDONE: { [K in Job["kind"]]: (chat: Chat) => Promise<Omit<Job & { kind: K }, "kind" | "projectId">> } = {
  "receive-messages": async (chat) => {
    await addReceived(chat);
    return { integrationId: chat.integrationId, chatKey: "c" };
  },
  "send-messages": async (chat) => {
    await addSend(chat, "t1", "waiting");
    return { threadId: "t1" };
  },
  "set-up-channel": async (chat) => ({ integrationId: (await aTelegram(chat)).json.id as string }),
  "collect-messages": async (chat) => {
    await write("update integrations set vendor = 'google', set_up = 'done' where id = ?", chat.integrationId);
    return { integrationId: chat.integrationId };
  },
  "renew-access": async (chat) => {
    await write("update integrations set access_ends_at = ? where id = ?", Date.now(), chat.integrationId);
    return { integrationId: chat.integrationId };
  },
  "tell-low-balance": async ({ project }) => {
    const row = "insert into balance_alerts (id, project_id, credits, bonus) values (?, ?, 1, 0)";
    await write(row, crypto.randomUUID(), project.id);
    return {};
  },
  "erase-chat": async ({ project, integrationId, id }) => {
    await project.delete(`/integrations/${integrationId}/chats/${id}`);
    return { chatId: id };
  },
  "deliver-webhooks": async (chat) => ({ endpointId: await isOwed(chat) }),
  "index-document": async (chat) => {
    const store = await newStore(chat);
    return { storeId: store.id, documentId: await store.add("a.md", "a") };
  },
  "erase-document": async (chat) => {
    const store = await newStore(chat);
    const documentId = await store.add("a.md", "a");
    await chat.project.delete(`${store.path}/files/${documentId}`);
    return { storeId: store.id, documentId };
  },
  "erase-store": async (chat) => {
    const store = await newStore(chat);
    await chat.project.delete(store.path);
    return { storeId: store.id };
  },
  "rebuild-store": async (chat) => {
    const store = await newStore(chat);
    await chat.project.post(store.path, { embedding_model: "openai/another" });
    return { storeId: store.id };
  },
  "erase-file": async ({ project }) => {
    const { id } = await upload(project, "a.md", "a");
    await project.delete(`/files/${id}`);
    return { fileId: id };
  },
  "remember-messages": async ({ project }) => {
    const row = `insert into recalled_threads (project_id, thread_id, embedding_model, done_seq, wanted, due_at, attempts)
      values (?, 't1', 'm', 0, 1, 1, 0)`;
    await write(row, project.id);
    return { threadId: "t1" };
  },
  "fire-schedule": async (chat) => {
    const thread = chat.thread();
    await thread.ask("hi");
    const plan = { task: "Ask again.", scheduledAt: inMs(2 * MINUTE) };
    const { json } = await chat.project.post(`/threads/${thread.id}/schedules`, plan);
    return { threadId: thread.id, scheduleId: json.id as string };
  },
};

describe("work whose bell was lost is rung for again within a minute", () => {
  it.each(Object.entries(UNDONE))("%s", async (kind, leave) => {
    const chat = await newChat();
    const place = await leave(chat);
    rung = [];
    pass(MINUTE);
    await tick();
    expect(rung.filter(({ projectId }) => projectId === chat.project.id)).toContainEqual({
      kind,
      projectId: chat.project.id,
      ...place,
    });
  });
});

/** Leaves a row, and says for how long it is kept. */
const AGEING: Record<string, (chat: Chat) => Promise<number>> = {
  idempotent_answers: async ({ project }) => {
    await project.post("/bots", { name: "B" }, { "idempotency-key": "once" });
    return DAY;
  },
  webhook_deliveries: async (chat) => {
    await isOwed(chat);
    return 30 * DAY;
  },
  channel_sends: async (chat) => {
    await addSend(chat, "t1", "sent", Date.now());
    return 30 * DAY;
  },
  inbound_events: async (chat) => {
    await addReceived(chat, Date.now());
    return 7 * DAY;
  },
};

describe("what has aged is forgotten, and not before", () => {
  it.each(Object.entries(AGEING))("%s", async (table, leave) => {
    const chat = await newChat();
    const keptMs = await leave(chat);
    const count = () =>
      env.DB.prepare(`select count(*) as count from ${table} where project_id = ?`)
        .bind(chat.project.id)
        .first("count");
    pass(keptMs - MINUTE);
    await tick();
    expect(await count()).toBe(1);
    pass(2 * MINUTE);
    await tick();
    expect(await count()).toBe(0);
  });
});

it("a project that is at rest is rung for no more", async () => {
  const { id } = await newProject();
  await tick();
  expect(rung.filter(({ projectId }) => projectId === id)).toEqual([]);
});
