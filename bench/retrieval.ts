import { spawn } from "node:child_process";
import { once } from "node:events";
import { defineBench, type Bench } from "./bench.ts";
import type { Row } from "./report.ts";
import type { Figures } from "./retrieval/tables.ts";

const VITEST = ["node_modules/vitest/vitest.mjs", "run", "--config", "bench/retrieval/vitest.config.ts"];
const TITLE = "questions about documents";
const TABLE = /^(\d+ questions| +hit@1|(en|ru|pt|all) )/;

/** Real questions over real documents. `BENCH_EMBEDDING_MODEL` with `OPENAI_API_KEY` measures a real model. */
export const retrieval: Bench = defineBench({
  name: "retrieval",
  open: async () => ({ stop: async () => {} }),
  works: [{ title: TITLE, measure }],
});

async function measure(): Promise<Row[]> {
  const lines = (await outputOfVitest()).split("\n");
  console.log(lines.filter((line) => TABLE.test(line)).join("\n"));
  const figures = lines.find((line) => line.startsWith("figures "));
  return (JSON.parse(figures!.slice("figures ".length)) as Figures[]).flatMap(rowsOf);
}

const rowsOf = ({ language, served, words, separation }: Figures): Row[] => {
  const work = `${TITLE}, ${language}`;
  return [
    {
      work,
      figure: "found among 5 (bare: by words alone)",
      unit: "share",
      parley: [served],
      bare: [words],
      wanted: { ratioAtLeast: 1 },
    },
    { work, figure: "AUC of answerable and unanswerable", unit: "share", parley: [separation] },
  ];
};

async function outputOfVitest(): Promise<string> {
  const child = spawn(process.execPath, VITEST, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => (output += String(bytes)));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`the questions could not be asked:\n${output}`);
  return output;
}
