import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const NEEDED = ["src", "scripts", "migrations", "wrangler.toml", "package.json", "tsconfig.json"];
const SAVED = "src/app.ts";
const HEALTHY = "{ ok: true";

/** A copy of the project's sources, which may be changed under a running server. */
export class Sources {
  readonly folder = mkdtempSync(join(tmpdir(), "parley-sources-"));
  #saves = 0;

  constructor(project: string) {
    for (const name of NEEDED) cpSync(join(project, name), join(this.folder, name), { recursive: true });
    symlinkSync(resolve("node_modules"), join(this.folder, "node_modules"));
  }

  /** Saves a file, which makes the server load itself anew; answers the number that `/healthz` says from then on. */
  save(): number {
    const file = join(this.folder, SAVED);
    const [before, after] = readFileSync(file, "utf8").split(/\{ ok: true(?:, save: \d+)?/);
    if (before === undefined || after === undefined) throw new Error(`${SAVED} does not say ${HEALTHY}`);
    this.#saves += 1;
    writeFileSync(file, `${before}${HEALTHY}, save: ${this.#saves}${after}`);
    return this.#saves;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
