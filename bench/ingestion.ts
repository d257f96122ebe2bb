import { setTimeout as wait } from "node:timers/promises";
import { ServerApi } from "../scripts/api.ts";
import { defineBench, type Bench, type Setting } from "./bench.ts";
import { inParallel } from "./parallel.ts";
import { cpuSeconds } from "./processes.ts";
import type { Row } from "./report.ts";
import { startParley, type Subject } from "./subjects.ts";

const DOCUMENTS = 200;
const SECTIONS = 12;
const SENTENCES = 12;
const LONGEST_WAIT_MS = 300_000;

type Stage = Setting & { parley: Subject; stop: () => Promise<void> };
type Store = { id: string; file_count: number; status: "ready" | "indexing" | "error" };

const TITLE = "documents into a store, embedded model";

/** From the first upload until a search finds the last of them. */
export const ingestion: Bench = defineBench<Stage>({
  name: "ingestion",
  async open(setting) {
    const parley = await startParley({
      folder: setting.folder,
      state: setting.state,
      upstreamUrl: "http://127.0.0.1:9/v1",
    });
    return { ...setting, parley, stop: parley.stop };
  },
  works: [{ title: TITLE, measure }],
});

async function measure({ parley, rounds }: Stage): Promise<Row[]> {
  const figures: { bytes: number; seconds: number; cpu: number }[] = [];
  for (let round = 0; round < rounds; round++) figures.push(await ingest(parley, round));
  const row = (figure: string, unit: string, of: (each: (typeof figures)[number]) => number): Row => ({
    work: TITLE,
    figure,
    unit,
    parley: figures.map(of),
  });
  return [
    row("documents", "a minute", ({ seconds }) => (DOCUMENTS / seconds) * 60),
    row("text", "MB a second", ({ bytes, seconds }) => bytes / 1e6 / seconds),
    row("CPU for 1 MB of text", "s", ({ bytes, cpu }) => cpu / (bytes / 1e6)),
  ];
}

async function ingest(parley: Subject, round: number) {
  const api = new ServerApi(parley.url, parley.key);
  const store = await api.post<Store>("/vector_stores", { name: `Round ${round}`, embedding_model: "embedded/hash" });
  const documents = Array.from({ length: DOCUMENTS }, (_, number) => documentOf(round * DOCUMENTS + number));
  const [cpuBefore, begun] = [cpuSeconds(parley.pid), performance.now()];
  await inParallel(4, 0, DOCUMENTS, async (number) => {
    const file = { filename: `document-${number}.md`, content: documents[number]! };
    await api.post(`/vector_stores/${store.id}/files`, file);
  });
  await indexed(api, store.id, begun + LONGEST_WAIT_MS);
  const seconds = (performance.now() - begun) / 1000;
  const bytes = documents.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return { bytes, seconds, cpu: cpuSeconds(parley.pid) - cpuBefore };
}

async function indexed(api: ServerApi, id: string, until: number): Promise<void> {
  for (;;) {
    const { status } = await api.get<Store>(`/vector_stores/${id}`);
    if (status === "ready") return;
    if (status === "error" || performance.now() > until) throw new Error(`the store is ${status}`);
    await wait(100);
  }
}

/** Markdown with headings and sentences, each document another one. */
function documentOf(number: number): string {
  const sections = Array.from({ length: SECTIONS }, (_, section) => {
    const sentences = Array.from({ length: SENTENCES }, (__, sentence) =>
      sentenceOf(number, section * SENTENCES + sentence),
    );
    return `## Part ${section + 1} of ${number}\n\n${sentences.join(" ")}\n`;
  });
  return `# Document ${number}\n\n${sections.join("\n")}`;
}

const SUBJECTS = ["The keeper", "A lighthouse", "Our bookshop", "The harbour master", "An old sailor", "The archive"];
const VERBS = ["describes", "keeps", "remembers", "repairs", "catalogues", "answers for"];
const OBJECTS = [
  "the lamp",
  "every shelf",
  "letters from the island",
  "the winter storms",
  "a rare edition",
  "the tide",
];

const sentenceOf = (number: number, sentence: number) => {
  const pick = (words: string[], step: number) => words[(number * step + sentence * 5 + step) % words.length]!;
  return `${pick(SUBJECTS, 7)} ${pick(VERBS, 11)} ${pick(OBJECTS, 13)} in chapter ${number + sentence}, as note ${number * 31 + sentence} says.`;
};
