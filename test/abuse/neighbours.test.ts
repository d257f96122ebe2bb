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
});

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

/** What is told later, by the queue or by the sweep, is done at once. */
async function workOff(): Promise<void> {
  const { id: projectId } = mine!;
  const { chat: chatId, store: storeId, file: fileId, webhook_endpoint: endpointId, thread: threadId } = own as Named;
  const jobs: Job[] = [
    { kind: "index-document", projectId, storeId, documentId: fileId },
    { kind: "rebuild-store", projectId, storeId },
    { kind: "fire-schedule", projectId, threadId, scheduleId: own["schedule"]! },
    { kind: "deliver-webhooks", projectId, endpointId },
    { kind: "deliver-webhooks", projectId, endpointId: null },
    { kind: "send-messages", projectId, threadId },
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
