import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Bench } from "./bench.ts";
import { cellsOf, resultOf, tableOf, writeResults } from "./report.ts";
import { children } from "./processes.ts";
import { feed } from "./feed.ts";
import { ingestion } from "./ingestion.ts";
import { lists } from "./lists.ts";
import { retrieval } from "./retrieval.ts";
import { schedules } from "./schedules.ts";
import { size } from "./size.ts";
import { freeTurns, turns } from "./turns.ts";
import { vectors } from "./vectors.ts";

/**
 * Parley, as it is deployed, beside bare limits that do the least for the same promise, both in workerd and in turn; what
 * counts is the ratio. `--only`, which may be said several times, names a bench, or how
 * the titles of its works begin.
 */
const { values: given } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    turns: { type: "string", default: "600" },
    only: { type: "string", multiple: true, default: [""] },
    json: { type: "string", default: "bench/results.json" },
  },
});

const BENCHES: Bench[] = [size, turns, freeTurns, feed, lists, vectors, ingestion, retrieval, schedules];

const titlesOf = ({ name, titles }: Bench) =>
  titles.filter((title) => given.only.some((start) => name === start || title.startsWith(start)));

const machine = {
  date: new Date().toISOString(),
  cores: cpus().length,
  processor: cpus()[0]?.model,
  node: process.version,
};
const loadBefore = loadavg()[0];
const setting = {
  folder: mkdtempSync(join(tmpdir(), "parley-bench-")),
  rounds: Number(given.rounds),
  turns: Number(given.turns),
};
// What was just ended may still write.
const removing = { recursive: true, force: true, maxRetries: 10, retryDelay: 100 };
process.once("exit", () => rmSync(setting.folder, removing));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, stopAll);

function stopAll(): void {
  for (const pid of children()) process.kill(pid, "SIGKILL");
  process.exit(1);
}

const results: ReturnType<typeof resultOf>[] = [];
for (const bench of BENCHES) {
  const titles = titlesOf(bench);
  if (titles.length === 0) continue;
  await bench.run(setting, titles, (rows) => {
    for (const row of rows) {
      results.push(resultOf(row));
      console.log(cellsOf(results.at(-1)!).join("   "));
    }
  });
}
if (results.length === 0)
  throw new Error(
    `nothing is called ${given.only.join(", ")}: ${BENCHES.flatMap(({ name, titles }) => [name, ...titles]).join(", ")}`,
  );
console.log(`\n${tableOf(results)}`);
writeResults(given.json, { ...machine, rounds: setting.rounds, loadBefore }, results);
