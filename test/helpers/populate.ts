import { env } from "cloudflare:workers";
import { runJob } from "../../src/jobs/index.ts";
import { openContext } from "../../src/runtime/context.ts";
import { eventually } from "./eventually.ts";
import { Store } from "./knowledge.ts";
import { newProject, root, type Caller } from "./project.ts";
import { deliver, Receiver, register } from "./receiver.ts";
import { fillPath, parametersOf, routes } from "./routes.ts";
import { callsTool, FakeModel } from "./upstream.ts";

/** A project that must not show in anybody else's answers: whatever it says and is called holds its `secret`. */
export type Tenant = Caller & { id: string; secret: string };

/** One thing of each kind that a path, a query or a body can name. */
export type Ids = Record<string, string>;

export const newTenant = async (): Promise<Tenant> =>
  Object.assign(await newProject(), { secret: `secret${crypto.randomUUID().replaceAll("-", "")}` });

/**
 * Makes one thing of each kind. A route that names a new kind of thing needs its line here. `called`: what the caller
 * may choose himself, so that two projects can have things that are called alike.
 */
export async function populate(tenant: Tenant, called: { thread?: string } = {}): Promise<Ids> {
  const name = `${tenant.secret} ${crypto.randomUUID().slice(0, 8)}`;
  const create = async (path: string, body: object) => {
    const { status, json } = await tenant.post(path, body);
    if (status >= 300) throw new Error(`populate: POST ${path} is ${status}: ${JSON.stringify(json)}`);
    return json.id as string;
  };
  const bot = await create("/bots", { name, description: name });
  const integration = await create("/integrations", { name, vendor: "worken", auth_data: {} });
  const chat = await create(`/integrations/${integration}/chats`, { bot_id: bot, name });
  const key = await create(`/projects/${tenant.id}/api-keys`, { name });
  await setEndpoints(tenant, "disabled");
  const { store, file, batch } = await document(tenant);
  const webhook_endpoint = await register(tenant, new Receiver());
  const { thread, approval } = await converse(tenant, {
    bot,
    chat,
    thread: called.thread ?? `thread-${crypto.randomUUID()}`,
  });
  const schedule = await create(`/threads/${thread}/schedules`, { task: tenant.secret, cron: "0 9 * * 1" });
  const event = await firstEventOf(tenant, webhook_endpoint);
  const invoice = (await tenant.post("/billing/invoices", { offer_id: "topup-100k" })).json.invoice.id as string;
  // A file that came with a message, under the same id as the other one.
  await env.FILES.put(`${tenant.id}/threads/${thread}/${file}`, tenant.secret);
  return {
    project: tenant.id,
    bot,
    integration,
    chat,
    key,
    thread,
    approval,
    schedule,
    webhook_endpoint,
    event,
    store,
    file,
    batch,
    invoice,
    any: "any",
  };
}

/** A vector store with a file, which came with a batch and which a search finds; it is read at once, not when the queue's bell rings. */
async function document(tenant: Tenant): Promise<{ store: string; file: string; batch: string }> {
  const store = await Store.create(tenant, { name: tenant.secret });
  const file = await store.add(`${tenant.secret}.md`, tenant.secret);
  const defer = (work: Promise<unknown>) => void work;
  const ctx = openContext(env, tenant, { actor: { type: "system", job: "test" }, defer });
  await runJob(ctx, { kind: "index-document", projectId: tenant.id, storeId: store.id, documentId: file });
  await store.settled(file);
  const { json: batch } = await tenant.post(`${store.path}/file_batches`, { file_ids: [file] });
  return { store: store.id, file, batch: batch.id };
}

/** A thread in which a tool call waits for approval. */
async function converse(tenant: Tenant, { bot, chat, thread }: { bot: string; chat: string; thread: string }) {
  const model = new FakeModel(callsTool("handoff_to_operator", { reason: tenant.secret }));
  const tools = { handoff_to_operator: "operator_approve" };
  await tenant.post(`/bots/${bot}/settings`, { ai: { instruction: tenant.secret, model: { id: model.id }, tools } });
  const person = { external_id: tenant.secret, name: tenant.secret };
  const messages = [{ role: "user", content: tenant.secret }];
  await (await tenant.fetch("POST", `/chats/${chat}/threads/${thread}/stream`, { messages, person })).text();
  const { json } = await tenant.get(`/threads/${thread}/approvals`);
  await tenant.post(`/bots/${bot}/settings`, { ai: { model: { id: "embedded/reply" } } });
  return { thread, approval: json.data[0].id as string };
}

/** While others are made their events are nobody's business here. */
async function setEndpoints(tenant: Tenant, status: "active" | "disabled"): Promise<void> {
  const { json: endpoints } = await tenant.get("/webhook-endpoints");
  for (const { id } of endpoints) await tenant.call("PUT", `/webhook-endpoints/${id}`, { status });
}

/** An event that only this endpoint was told of; afterwards nothing moves by itself. */
async function firstEventOf(tenant: Tenant, endpoint: string): Promise<string> {
  await deliver(tenant, endpoint);
  await setEndpoints(tenant, "disabled");
  const list = async (query = "") => (await tenant.get(`/webhook-endpoints/${endpoint}/deliveries${query}`)).json;
  await eventually(async () => {
    if ((await list("?status=sending")).length > 0) throw new Error("an event is under way");
  });
  await setEndpoints(tenant, "active");
  const [delivery] = await list();
  return delivery.event_id;
}

/** Sentences about what `populate` lacks: without it a route would be tested with ids of nothing. */
export const unpopulated = (ids: Ids): string[] =>
  routes.flatMap(({ title, path }) =>
    parametersOf(path)
      .filter(({ kind }) => !(kind in ids))
      .map(
        ({ name, kind }) =>
          `${title}: nothing is known for :${name}; let populate() in test/helpers/populate.ts create a ${kind} and answer its id as \`${kind}\``,
      ),
  );

export const pathWith = (path: string, ids: Ids): string => fillPath(path, ({ kind }) => ids[kind]!);

export const callerOf = (spec: { access?: string }, tenant: Tenant): Caller => (spec.access === "root" ? root : tenant);
