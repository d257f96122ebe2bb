import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { defineBench, inTurn, type Bench, type Setting } from "./bench.ts";
import { cpuSeconds } from "./processes.ts";
import type { Row } from "./report.ts";
import { build, CONFIGS, migrate, openWorker } from "./workers.ts";

type Scripts = Record<"parley" | "bare" | "empty", string>;
type Stage = Setting & { scripts: Scripts; stop: () => Promise<void> };

/** What is uploaded, and how long it takes until a fresh process has answered its first request. */
export const size: Bench = defineBench<Stage>({
  name: "size",
  async open(setting) {
    const [parley, bare] = [await build("parley", setting.folder), await build("bare", setting.folder)];
    await migrate("parley", setting);
    const stage = { ...setting, scripts: { parley, bare, empty: writeEmpty(setting.folder) }, stop: async () => {} };
    // The first process of all also waits for what starts it.
    await start(stage, "empty");
    return stage;
  },
  works: [
    { title: "size of the Worker", measure: async (stage) => measureSize(stage) },
    { title: "start", measure: measureStart },
  ],
});

/** A Worker with all of Parley's bindings that does nothing. */
function writeEmpty(folder: string): string {
  const { workerOptions } = unstable_getMiniflareWorkerOptions(CONFIGS.parley);
  const classes = Object.values(workerOptions.durableObjects ?? {}).map((designator) =>
    typeof designator === "string" ? designator : designator.className,
  );
  const lines = classes.map((name) => `export class ${name} {}`);
  mkdirSync(join(folder, "empty-built"));
  const script = join(folder, "empty-built", "worker.js");
  writeFileSync(script, ["export default { fetch: () => new Response() };", ...lines].join("\n"));
  return script;
}

function measureSize({ scripts: { parley, bare } }: Stage): Row[] {
  const row = (figure: string, files: string[], bareFiles: string[]): Row => ({
    work: "size of the Worker",
    figure,
    unit: "KB gzip",
    parley: [kilobytes(files)],
    ...(bareFiles.length > 0 ? { bare: [kilobytes(bareFiles)] } : {}),
  });
  return [
    { ...row("its script", [parley], [bare]), wanted: { atMost: 600 } },
    row("modules loaded when they are needed", modulesBeside(parley), []),
  ];
}

const kilobytes = (files: string[]) =>
  files.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0) / 1000;

const modulesBeside = (script: string) =>
  readdirSync(dirname(script), { recursive: true, encoding: "utf8" })
    .map((name) => join(dirname(script), name))
    .filter((file) => file !== script && /\.m?js$/.test(file));

/** What an empty Worker needs is the start of the process itself. */
async function measureStart(stage: Stage): Promise<Row[]> {
  const [parley, empty] = await inTurn(stage.rounds, ["parley", "empty"] as const, (name) => start(stage, name));
  const added = (figure: keyof Start) => parley!.map((each, round) => each[figure] - empty![round]![figure]);
  return [
    { work: "start", figure: "until the first answer, more than an empty Worker", unit: "ms", parley: added("wallMs") },
    {
      work: "start",
      figure: "processor time of the same",
      unit: "ms",
      parley: added("cpuMs"),
      wanted: { atMost: 100 },
    },
  ];
}

type Start = { wallMs: number; cpuMs: number };

async function start(stage: Stage, name: keyof Scripts): Promise<Start> {
  const begun = performance.now();
  const worker = await openWorker("parley", stage.scripts[name], stage);
  const response = await fetch(`${worker.url}/nothing`);
  await response.text();
  const wallMs = performance.now() - begun;
  const cpuMs = cpuSeconds(worker.pid) * 1000;
  await worker.stop();
  return { wallMs, cpuMs };
}
