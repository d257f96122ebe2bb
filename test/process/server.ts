import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demoFile, type Demo } from "../../scripts/seed.ts";

export const KEYS = {
  ROOT_KEY: "root-key-of-the-tests",
  ENCRYPTION_KEY: "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
};

/** The local server as a user starts it, in a process group of its own, so that it can be killed with all it has started. */
export class Server {
  readonly folder = mkdtempSync(join(tmpdir(), "parley-"));
  readonly port: number;
  readonly #project: string;
  #child: ChildProcess | null = null;
  #output = "";

  private constructor(port: number, project: string) {
    this.port = port;
    this.#project = project;
  }

  /** `project`: the folder of the sources that it runs. */
  static async start(env: Record<string, string> = {}, project = "."): Promise<Server> {
    const server = await Server.create(project);
    await server.start(env);
    return server;
  }

  /** Knows its address already, and is yet to be started. */
  static create = async (project = ".") => new Server(await freePort(), project);

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get env(): Record<string, string> {
    return { PORT: String(this.port), PERSIST_TO: this.folder };
  }

  get output(): string {
    return this.#output;
  }

  get demo(): Demo {
    return JSON.parse(readFileSync(demoFile(this.folder), "utf8")) as Demo;
  }

  /** Resolves once the server has said how to talk to it. */
  async start(env: Record<string, string> = {}): Promise<void> {
    this.#output = "";
    const child = spawn(process.execPath, ["scripts/dev.ts"], {
      cwd: this.#project,
      detached: true,
      env: { ...process.env, ...KEYS, ...this.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => (this.#output += String(chunk)));
    }
    while (!this.#output.includes("npm run demo")) {
      if (child.exitCode !== null) throw new Error(`the server ended: ${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Ends the server as a power failure would: nothing gets to say goodbye. */
  async kill(): Promise<void> {
    await this.#signal("SIGKILL", true);
  }

  /** Asks the server alone to stop; what it has started is its own affair. */
  async stop(): Promise<void> {
    await this.#signal("SIGTERM", false);
  }

  /** Whether any process of the server's group is left. */
  get isGone(): boolean {
    try {
      process.kill(-this.#child!.pid!, 0);
      return false;
    } catch {
      return true;
    }
  }

  fetch(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${this.demo.key}`, "content-type": "application/json", ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  }

  /** What cron does each minute, now. */
  async sweep(): Promise<void> {
    await fetch(`${this.url}/cdn-cgi/handler/scheduled?cron=*+*+*+*+*`).catch(() => undefined);
  }

  /** Ends what the server runs on, as if that had crashed by itself. */
  crash(): void {
    const { stdout } = spawnSync("pgrep", ["-P", String(this.#child!.pid)], { encoding: "utf8" });
    for (const pid of stdout.trim().split("\n")) process.kill(Number(pid), "SIGKILL");
  }

  async #signal(signal: NodeJS.Signals, group: boolean): Promise<void> {
    const child = this.#child!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    process.kill(group ? -child.pid! : child.pid!, signal);
    await ended;
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
