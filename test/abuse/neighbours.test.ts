import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { Job } from "../../src/core/ports.ts";
import { runJob } from "../../src/jobs/index.ts";
import { openContext } from "../../src/runtime/context.ts";
import { about, attempt, complaintsOf } from "../helpers/attempt.ts";
import { newTenant, pathWith, populate, type Ids, type Tenant } from "../helpers/populate.ts";
import { root } from "../helpers/project.ts";
import { those, type RouteRow } from "../helpers/routes.ts";
import { bodyOf } from "../helpers/schema-values.ts";
import { ignoreEarlierObjects, takeSnapshot } from "../helpers/snapshot.ts";

/** Two projects, whose threads are called alike. */
let [mine, theirs]: Tenant[] = [];
let own: Ids;
let foreign: Ids;

beforeAll(async () => {
  await ignoreEarlierObjects();
  [mine, theirs] = [await newTenant(), await newTenant()];
  const thread = `twin-${crypto.randomUUID()}`;
  [own, foreign] = [await populate(mine, { thread }), await populate(theirs, { thread })];
  for (const { id, secret } of [mine, theirs]) {
    await root.post(`/projects/${id}/billing/adjust`, { type: "topup", amount: 7, description: secret });
  }
  await leaveTraces(mine, own);
  await leaveTraces(theirs, foreign);
});

/** What a messenger, and a bot that remembers, leave behind in a thread: rows that are found by the thread's name. */
async function leaveTraces({ id, secret }: Tenant, { thread, chat, integration }: Ids): Promise<void> {
  const place = { project_id: id, thread_id: thread! };
  const vendor = { ...place, integration_id: integration!, chat_key: secret, created_at: 0 };
  const kept = { ...place, message_id: secret, seq: 1, author: "person", text: secret, created_at: 0 };
  const send = { id: crypto.randomUUID(), message_id: secret, author: "bot", epoch: 0, body: "{}", status: "waiting" };
  await insert("conversations", { ...vendor, chat_id: chat!, reachable: 1 });
  await insert("channel_sends", { ...vendor, ...send, position: 1, attempts: 0, sent_pieces: 0, due_at: 0 });
  await insert("recalled_messages", kept);
  await insert("recalled_threads", { ...place, embedding_model: "m", done_seq: 0, wanted: 1, attempts: 0, due_at: 0 });
}

const insert = (table: string, row: Record<string, string | number>) =>
  env.DB.prepare(`insert into ${table} (${Object.keys(row).join()}) values (${Object.keys(row).fill("?").join()})`)
    .bind(...Object.values(row))
    .run();

/** By what something of the other project is known. */
const traces = () => [
  theirs!.secret,
  `p${theirs!.id.replaceAll("-", "")}`,
  ...Object.entries(foreign).flatMap(([kind, id]) => (own[kind] === id ? [] : [id])),
];

const isOfProject = ({ spec }: RouteRow) => spec.access !== "root";

describe("what is asked in one project", () => {
  it.each(those((row) => row.method === "GET" && isOfProject(row)))("shows nothing of another: %s", async (_, row) => {
    const outcome = await attempt(row, { path: pathWith(row.path, own), caller: mine! });
    expect(complaintsOf(row, outcome, { hidden: traces() })).toEqual([]);
  });
});

it("a thread that is called like another project's is begun, listed, found and counted like any other", async () => {
  const { secret } = theirs!;
  const { thread, chat } = foreign;
  const { json } = await theirs!.get(`/threads/${thread}`);
  expect(json).toMatchObject({ id: thread, chat_id: chat, person: { external_id: secret, name: secret } });
  for (const query of ["", `?search=${secret}`]) {
    expect((await theirs!.get(`/threads${query}`)).json.data).toMatchObject([{ id: thread, chat_id: chat }]);
  }
  expect((await theirs!.get(`/chats/${chat}`)).json).toMatchObject({ events_24h: json.stats.messages_total });
});

it("what another project has planned and registered takes no room", async () => {
  const counted = "with recursive n(i) as (select 1 union all select i + 1 from n where i < ?2)";
  const full = [
    `insert into schedules (id, project_id, thread_id, kind, status, text, due_at, cancel_if_reply, created_by, cron,
       executions, created_at, updated_at, version)
     ${counted} select 'full' || i, ?1, 't', 'task', 'paused', 'x', 0, 0, 'operator', '* * * * *', 0, 0, 0, 1 from n`,
    `insert into webhook_endpoints (id, project_id, url, status, secret, created_at, updated_at)
     ${counted} select 'full' || i, ?1, 'https://a.example/', 'disabled', 'x', 0, 0 from n`,
  ];
  await env.DB.batch(full.map((insertAll) => env.DB.prepare(insertAll).bind(theirs!.id, 1000)));
  const empty = ["schedules", "webhook_endpoints"].map((table) => `delete from ${table} where id like 'full%'`);
  try {
    const plan = { task: "x", cron: "0 9 * * 1" };
    const endpoint = { url: "https://a.example/", secret: "a secret of the tests" };
    const asked = async (caller: Tenant) => [
      (await caller.post(`/threads/${own["thread"]}/schedules`, plan)).status,
      (await caller.post("/webhook-endpoints", endpoint)).status,
    ];
    expect(await asked(theirs!)).toEqual([429, 409]);
    expect(await asked(mine!)).toEqual([200, 200]);
  } finally {
    await env.DB.batch(empty.map((deleteAll) => env.DB.prepare(deleteAll)));
  }
});

/** What is told later, by the queue or by the sweep, is done at once. */
async function workOff(): Promise<void> {
  const { id: projectId } = mine!;
  const { chat: chatId, store: storeId, file: fileId, webhook_endpoint: endpointId, thread: threadId } = own as Named;
  const integrationId = own["integration"]!;
  const jobs: Job[] = [
    { kind: "index-document", projectId, storeId, documentId: fileId },
    { kind: "rebuild-store", projectId, storeId },
    { kind: "fire-schedule", projectId, threadId, scheduleId: own["schedule"]! },
    { kind: "deliver-webhooks", projectId, endpointId },
    { kind: "deliver-webhooks", projectId, endpointId: null },
    { kind: "send-messages", projectId, threadId },
    { kind: "remember-messages", projectId, threadId },
    { kind: "receive-messages", projectId, integrationId, chatKey: theirs!.secret },
    { kind: "set-up-channel", projectId, integrationId },
    { kind: "renew-access", projectId, integrationId },
    { kind: "tell-low-balance", projectId },
    { kind: "erase-document", projectId, storeId, documentId: fileId },
    { kind: "erase-store", projectId, storeId },
    { kind: "erase-file", projectId, fileId },
    { kind: "erase-chat", projectId, chatId },
  ];
  for (const job of jobs) {
    const [deferred, defer] = [[] as Promise<unknown>[], (work: Promise<unknown>) => void deferred.push(work)];
    const ctx = openContext(env, { id: projectId }, { actor: { type: "system", job: job.kind }, defer });
    // What it was for may be gone already.
    await runJob(ctx, job).catch(() => undefined);
    await Promise.allSettled(deferred);
  }
}

type Named = Record<"chat" | "store" | "file" | "webhook_endpoint" | "thread", string>;

/** All that belongs to the other project: its rows, its objects, its files. */
async function theirThings(): Promise<Record<string, string[]>> {
  const known = traces();
  const objects = [
    `THREADS ${env.THREADS.idFromName(`${theirs!.id}/${foreign["thread"]}`).toString()}`,
    `FEEDS ${env.FEEDS.idFromName(theirs!.id).toString()}`,
    `VECTOR_STORES ${env.VECTOR_STORES.idFromName(`${theirs!.id}/${foreign["store"]}`).toString()}`,
  ];
  const found = Object.entries(await takeSnapshot()).flatMap(([table, rows]) => {
    const isTheirs = objects.some((title) => table.startsWith(title));
    const kept = rows
      .map((row) => JSON.stringify(row))
      .filter((row) => isTheirs || known.some((id) => row.includes(id)));
    return kept.length > 0 ? [[table, kept]] : [];
  });
  return Object.fromEntries(found) as Record<string, string[]>;
}

/** Children before their parents, and what removes them last. */
const inOrder = (rows: [string, RouteRow][]) =>
  rows
    .map(([, row]) => row)
    .toSorted((a, b) => Number(a.method === "DELETE") - Number(b.method === "DELETE") || b.path.length - a.path.length);

it("whatever is done in one project changes nothing of another", async () => {
  const before = await theirThings();
  expect(Object.keys(before).length).toBeGreaterThan(20);
  let hasWorked = false;
  for (const row of inOrder(those((each) => each.method !== "GET" && isOfProject(each)))) {
    if (row.method === "DELETE" && !hasWorked) hasWorked = (await workOff(), true);
    const outcome = await attempt(row, { path: pathWith(row.path, own), caller: mine!, ...bodyOf(row, own) });
    expect(about(row.title, complaintsOf(row, outcome, { hidden: traces() }))).toEqual([]);
  }
  await workOff();
  expect(await theirThings()).toEqual(before);
}, 60_000);
