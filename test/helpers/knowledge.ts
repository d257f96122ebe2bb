import { env } from "cloudflare:workers";
import { runJob } from "../../src/jobs/index.ts";
import { openContext } from "../../src/runtime/context.ts";
import { eventually } from "./eventually.ts";
import { callWorker, type Caller } from "./project.ts";

/** What must be so before a test can go on. */
function must(holds: boolean, seen: unknown): void {
  if (!holds) throw new Error(`unexpected: ${JSON.stringify(seen)}`);
}

/** A vector store of a caller, with files as a test needs them. */
export class Store {
  readonly caller: Caller;
  readonly id: string;

  constructor(caller: Caller, id: string) {
    this.caller = caller;
    this.id = id;
  }

  static async create(caller: Caller, body: object = {}): Promise<Store> {
    const { status, json } = await caller.post("/vector_stores", { name: "Store", ...body });
    must(status === 200, json);
    return new Store(caller, json.id);
  }

  get path(): string {
    return `/vector_stores/${this.id}`;
  }

  async add(filename: string, content: string, more: object = {}): Promise<string> {
    const { status, json } = await this.caller.post(`${this.path}/files`, { filename, content, ...more });
    must(status === 200, json);
    return json.id;
  }

  file = async (id: string) => (await this.caller.get(`${this.path}/files/${id}`)).json;

  /** Waits until a file is processed, or has failed. */
  settled = (id: string) =>
    eventually(async () => {
      const file = await this.file(id);
      must(file.status !== "pending", file);
      return file;
    });

  /** Reads a file now, which else waits for its bell, or some seconds before it is tried again. */
  async readNow(id: string): Promise<void> {
    const { project_id: projectId } = (await env.DB.prepare(
      "update documents set due_at = 0 where store_id = ? and id = ? returning project_id",
    )
      .bind(this.id, id)
      .first<{ project_id: string }>())!;
    const defer = (work: Promise<unknown>) => void work;
    const ctx = openContext(env, { id: projectId }, { actor: { type: "system", job: "test" }, defer });
    await runJob(ctx, { kind: "index-document", projectId, storeId: this.id, documentId: id });
  }

  async addAndWait(filename: string, content: string, more: object = {}): Promise<string> {
    const id = await this.add(filename, content, more);
    const file = await this.settled(id);
    must(file.status === "processed" && file.error === null, file);
    return id;
  }

  async search(query: string | string[], more: object = {}) {
    const { status, json } = await this.caller.post(`${this.path}/search`, { query, ...more });
    must(status === 200, json);
    return json.data as { file_id: string; filename: string; score: number; content: { text: string }[] }[];
  }

  /** The files that a search finds, the best first. */
  async finds(query: string | string[], more: object = {}): Promise<string[]> {
    return (await this.search(query, more)).map(({ filename }) => filename);
  }
}

/** Uploads a file that is in no store yet; to another path, with the fields of its form. */
export async function upload(
  caller: Caller,
  filename: string,
  content: string | Uint8Array<ArrayBuffer>,
  { path = "/files", ...fields }: Record<string, string> & { path?: string } = {},
): Promise<{ id: string }> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set("file", new File([content], filename, { type: "text/markdown" }));
  const headers = { authorization: `Bearer ${caller.key}` };
  const response = await callWorker(new Request(`http://test${path}`, { method: "POST", headers, body: form }));
  must(response.status === 200, await response.clone().text());
  return response.json();
}
