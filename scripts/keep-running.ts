import { spawnSync, type ChildProcess } from "node:child_process";

const HEALTHY_MS = 20_000;
const MOST_FALLS = 3;

/** Keeps a local server up: wrangler falls now and then when a file is saved. What falls at once, again and again, is let be. */
export class KeepRunning {
  readonly #start: () => ChildProcess;
  #child: ChildProcess;
  #startedAt = 0;
  #falls = 0;
  #ending: { code?: number } | null = null;

  constructor(start: () => ChildProcess) {
    this.#start = start;
    this.#child = this.#run();
  }

  /** Ends it, and this process with it: with its code, if none is given. */
  end(signal: NodeJS.Signals, code?: number): void {
    this.#ending = { code };
    this.#child.kill(signal);
  }

  #run(): ChildProcess {
    this.#startedAt = Date.now();
    return this.#start().on("exit", (code) => this.#ended(code));
  }

  #ended(code: number | null): void {
    if (this.#ending) process.exit(this.#ending.code ?? code ?? 0);
    this.#falls = Date.now() - this.#startedAt < HEALTHY_MS ? this.#falls + 1 : 1;
    endOrphans();
    if (this.#falls > MOST_FALLS) {
      console.error("The server does not stay up. Look at the error above.");
      process.exit(code || 1);
    }
    console.error("The server has fallen; it is started again. What was said is stored.");
    this.#child = this.#run();
  }
}

const STARTED_BY_WRANGLER = /workerd\S* serve |esbuild\S* --service/;

/** A wrangler that was killed leaves behind what it started, and the runtimes keep the port. Where there is no `ps`, they stay. */
function endOrphans(): void {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,args="], { encoding: "utf8" });
  const processes = (stdout ?? "").split("\n").flatMap((line) => {
    const [, pid, parent, group, args] = /^ *(\d+) +(\d+) +(\d+) (.*)$/.exec(line) ?? [];
    return args === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), group: Number(group), args }];
  });
  const own = processes.find(({ pid }) => pid === process.pid);
  const ours = processes.filter(({ group }) => group === own?.group);
  const isOrphan = (parent: number) => !ours.some(({ pid }) => pid === parent);
  for (const { pid, parent, args } of ours) {
    if (STARTED_BY_WRANGLER.test(args) && isOrphan(parent)) process.kill(pid, "SIGKILL");
  }
}
