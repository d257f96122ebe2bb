import type { Access } from "./access.ts";
import { askModel, type ModelEnv } from "./model.ts";

type Env = ModelEnv & { DB: D1Database };
export type Post = { access: Access; threadId: string; text: string };

const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
const REMEMBERED = 50;

/**
 * The least that an object can honestly do for the promise of a turn: the message is stored before the answer starts, the
 * answer is streamed, stored, listed and found.
 */
export class TurnObject {
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
    const post = await request.json<Post>();
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
    return askModel(this.#env, { model, messages, stream: true });
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
