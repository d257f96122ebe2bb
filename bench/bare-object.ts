import type { D1Database, DurableObjectNamespace, DurableObjectState } from "@cloudflare/workers-types";

/**
 * The least that a Worker and an object per thread can honestly do for the promise of a turn: who calls is checked, the
 * message is stored before the answer starts, the answer is streamed, stored, listed and found. Parley is measured
 * against it.
 */
type Env = { DB: D1Database; THREADS: DurableObjectNamespace; OPENAI_BASE_URL: string; OPENAI_API_KEY: string };
type Access = { projectId: string; chatId: string; botId: string; settings: { model: string; instruction: string } };
type Post = { access: Access; threadId: string; text: string };

const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
const FRESH_MS = 2000;
const REMEMBERED = 50;

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const [, , chatId, , threadId] = new URL(request.url).pathname.split("/") as [
      string,
      string,
      string,
      string,
      string,
    ];
    const access = await findAccess(env, request.headers.get("authorization")?.slice(7) ?? "", chatId);
    if (!access) return new Response(null, { status: 401 });
    const { messages } = (await request.json()) as { messages: [{ content: string }] };
    const post: Post = { access, threadId, text: messages[0].content };
    const stub = env.THREADS.get(env.THREADS.idFromName(`${access.projectId}/${threadId}`));
    const response = await stub.fetch("https://object/", { method: "POST", body: JSON.stringify(post) });
    return response as unknown as Response;
  },
};

const known = new Map<string, { access: Access; readAt: number }>();

async function findAccess(env: Env, key: string, chatId: string): Promise<Access | null> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(key)));
  const hash = Buffer.from(digest).toString("hex");
  const cached = known.get(hash + chatId);
  if (cached && Date.now() - cached.readAt < FRESH_MS) return cached.access;
  const access = await readAccess(env.DB, hash, chatId);
  if (access) known.set(hash + chatId, { access, readAt: Date.now() });
  return access;
}

async function readAccess(db: D1Database, hash: string, chatId: string): Promise<Access | null> {
  const [keys, chats] = await db.batch<Record<string, string>>([
    db
      .prepare("select p.id as project_id from api_keys k join projects p on p.id = k.project_id where k.hash = ?")
      .bind(hash),
    db
      .prepare(
        "select c.project_id, b.id as bot_id, b.settings from chats c join bots b on b.id = c.bot_id where c.id = ?",
      )
      .bind(chatId),
  ]);
  const [[key], [chat]] = [keys!.results, chats!.results];
  if (!key || chat?.["project_id"] !== key["project_id"]) return null;
  const settings = JSON.parse(chat!["settings"]!) as Access["settings"];
  return { projectId: key["project_id"]!, chatId, botId: chat!["bot_id"]!, settings };
}

export class BareObject {
  readonly #state: DurableObjectState;
  readonly #env: Env;

  constructor(state: DurableObjectState, env: Env) {
    this.#state = state;
    this.#env = env;
    state.storage.sql.exec(
      "create table if not exists messages (seq integer primary key, id text, role text, content text, created_at integer)",
    );
  }

  async fetch(request: Request): Promise<Response> {
    const post = (await request.json()) as Post;
    this.#store("user", post.text);
    const upstream = await this.#askModel(post.access.settings);
    if (!upstream.ok) return new Response(null, { status: 502 });
    const start = (controller: ReadableStreamDefaultController) => void this.#answer(post, upstream, controller);
    return new Response(new ReadableStream({ start }), { headers: { "content-type": "text/event-stream" } });
  }

  #store(role: string, content: string): void {
    const id = crypto.randomUUID();
    const insert = "insert into messages (id, role, content, created_at) values (?, ?, ?, ?)";
    this.#state.storage.sql.exec(insert, id, role, content, Date.now());
  }

  #askModel({ model, instruction }: Access["settings"]): Promise<Response> {
    const newest = "select role, content from messages order by seq desc limit ?";
    const history = this.#state.storage.sql.exec(newest, REMEMBERED).toArray().toReversed();
    const messages = [{ role: "system", content: instruction }, ...history];
    return fetch(`${this.#env.OPENAI_BASE_URL}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#env.OPENAI_API_KEY}`, "content-type": "application/json" },
      body: JSON.stringify({ model, messages, stream: true }),
    });
  }

  async #answer(post: Post, upstream: Response, controller: ReadableStreamDefaultController): Promise<void> {
    try {
      const answer = await relay(upstream.body!, controller);
      this.#store("assistant", answer);
      await this.#list(post, `${post.text}\n${answer}`);
      controller.enqueue(encoder.encode('data: {"type":"finish","finishReason":"stop"}\n\n'));
      controller.close();
    } catch (error) {
      controller.error(error);
    }
  }

  async #list({ access, threadId }: Post, text: string): Promise<void> {
    const { projectId, chatId, botId } = access;
    const now = Date.now();
    await this.#env.DB.batch([
      this.#env.DB.prepare(
        `insert into threads
           (project_id, id, chat_id, bot_id, mode, pending_count, last_message_at, created_at, version)
         values (?, ?, ?, ?, 'auto', 0, ?, ?, 1)
         on conflict (project_id, id) do update set last_message_at = excluded.last_message_at, version = version + 1`,
      ).bind(projectId, threadId, chatId, botId, now, now),
      this.#env.DB.prepare("insert into message_search (scope, text, thread_id) values (?, ?, ?)").bind(
        `p${projectId.replaceAll("-", "")} t${threadId}`,
        text,
        threadId,
      ),
    ]);
  }
}

/** What arrives together leaves in one write, each word in a frame of its own; answers the whole text. */
async function relay(body: ReadableStream, controller: ReadableStreamDefaultController): Promise<string> {
  const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  let [answer, rest, count] = ["", "", 0];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return answer;
    const lines = (rest + decoder.decode(value)).split("\n");
    rest = lines.pop()!;
    let frames = "";
    for (const line of lines) {
      const textDelta = wordIn(line);
      if (!textDelta) continue;
      answer += textDelta;
      frames += `id: ${++count}\ndata: ${JSON.stringify({ type: "text-delta", textDelta })}\n\n`;
    }
    if (frames) controller.enqueue(encoder.encode(frames));
  }
}

function wordIn(line: string): string | undefined {
  if (!line.startsWith("data: {")) return undefined;
  const { choices } = JSON.parse(line.slice(6)) as { choices: { delta: { content?: string } }[] };
  return choices[0]?.delta.content;
}
