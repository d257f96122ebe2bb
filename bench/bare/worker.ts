import { findAccess } from "./access.ts";
import { askModel, type ModelEnv } from "./model.ts";
import { listThreads, searchThreads } from "./queries.ts";
import type { Post } from "./turn-object.ts";
import { fill, query } from "./vectors.ts";

export { HubObject } from "./hub-object.ts";
export { ScanObject } from "./scan-object.ts";
export { TurnObject } from "./turn-object.ts";
export { VectorObject } from "../../src/vectors/vector-object.ts";

/**
 * The bare limits: each does the least that a Worker can honestly do for one of Parley's promises. Parley is measured
 * against them.
 */
type Env = ModelEnv & {
  DB: D1Database;
  THREADS: DurableObjectNamespace;
  HUBS: DurableObjectNamespace;
  SCANS: DurableObjectNamespace;
  VECTOR_STORES: DurableObjectNamespace;
};

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const [, noun, id, , threadId, action] = pathname.split("/");
    switch (noun) {
      case "chats":
        return action === "passed" ? await askModel(env, { stream: true }) : takeTurn(request, env, id!, threadId!);
      case "hub":
        return env.HUBS.get(env.HUBS.idFromName("hub")).fetch(request);
      case "threads":
        return Response.json(await listThreads(env.DB, id!));
      case "found":
        return Response.json(await searchThreads(env.DB, id!, searchParams.get("search")!));
      case "vectors":
        return Response.json(await (id === "fill" ? fill : query)(env, searchParams));
      default:
        return new Response("ready");
    }
  },
};

async function takeTurn(request: Request, env: Env, chatId: string, threadId: string): Promise<Response> {
  const access = await findAccess(env.DB, request.headers.get("authorization")?.slice(7) ?? "", chatId);
  if (!access) return new Response(null, { status: 401 });
  const { messages } = await request.json<{ messages: [{ content: string }] }>();
  const post: Post = { access, threadId, text: messages[0].content };
  const stub = env.THREADS.get(env.THREADS.idFromName(`${access.projectId}/${threadId}`));
  return stub.fetch("https://object/", { method: "POST", body: JSON.stringify(post) });
}
