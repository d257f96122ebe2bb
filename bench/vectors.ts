import { defineBench, inTurn, type Bench, type Setting } from "./bench.ts";
import { timesOf } from "./requests.ts";
import type { Row } from "./report.ts";
import { median, percentile } from "./statistics.ts";
import { startWorker, type Worker } from "./workers.ts";

const COUNTS = [1000, 10_000, 50_000];
const DIMENSIONS = [256, 768, 1536];
/** A scan of many vectors takes long: fewer questions are asked of them. */
const questionsOf = ({ count }: Shape) => (count > 10_000 ? 10 : 40);
const NEAREST = 10;

type Stage = Setting & { worker: Worker; stop: () => Promise<void> };
type Shape = { count: number; dimensions: number };

const SHAPES = COUNTS.flatMap((count) => DIMENSIONS.map((dimensions) => ({ count, dimensions })));

/** Parley's object of vectors beside one that looks at every vector, both in the same process and with the same vectors. */
export const vectors: Bench = defineBench<Stage>({
  name: "vectors",
  async open(setting) {
    const worker = await startWorker("bare", setting);
    return { ...setting, worker, stop: worker.stop };
  },
  works: SHAPES.map((shape) => ({ title: titleOf(shape), measure: (stage) => measure(stage, shape) })),
});

function titleOf({ count, dimensions }: Shape): string {
  return `vectors, ${count.toLocaleString("en")} x ${dimensions}`;
}

async function measure({ rounds, worker }: Stage, { count, dimensions }: Shape): Promise<Row[]> {
  const questions = questionsOf({ count, dimensions });
  const at = `${worker.url}/vectors`;
  const shape = `count=${count}&dimensions=${dimensions}`;
  await fetch(`${at}/fill?${shape}`).then((response) => response.text());
  const urlOf = (object: string, question: number) =>
    `${at}/query?${shape}&limit=${NEAREST}&object=${object}&question=${question}`;
  const recall = await recallOf(questions, urlOf);
  const [parley, scan] = await inTurn(rounds, ["parley", "scan"], (object) =>
    timesOf(questions, (number) => ({ url: urlOf(object, number) })),
  );
  const work = titleOf({ count, dimensions });
  const wanted = { ratioAtMost: 1.2 };
  const p99 = (times: number[]) => percentile(times, 0.99);
  return [
    { work, figure: "query p50", unit: "ms", parley: parley!.map(median), bare: scan!.map(median), wanted },
    { work, figure: "query p99", unit: "ms", parley: parley!.map(p99), bare: scan!.map(p99), wanted },
    { work, figure: `recall@${NEAREST}`, unit: "share", parley: [recall], wanted: { atLeast: 0.99 } },
  ];
}

/** Which share of the vectors that are nearest is found. */
async function recallOf(questions: number, urlOf: (object: string, question: number) => string): Promise<number> {
  const read = async (url: string) => (await (await fetch(url)).json()) as number[];
  let found = 0;
  for (let question = 0; question < questions; question++) {
    const nearest = new Set(await read(urlOf("scan", question)));
    found += (await read(urlOf("parley", question))).filter((id) => nearest.has(id)).length;
  }
  return found / (questions * NEAREST);
}
