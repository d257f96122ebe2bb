import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Row } from "./report.ts";

export type Setting = {
  /** What is built lies here, for all benches. */
  folder: string;
  /** What the Workers of one bench store. */
  state: string;
  rounds: number;
  turns: number;
};

/** One thing that is measured with what a bench has started; its title says what is done. */
export type Work<Stage> = { title: string; measure: (stage: Stage) => Promise<Row[]> };

type Parts<Stage> = {
  name: string;
  /** Starts all that the works need. */
  open: (setting: Setting) => Promise<Stage>;
  works: Work<Stage>[];
};

export type Bench = {
  name: string;
  titles: string[];
  /** Does the works that are chosen, and hands over the rows of each as soon as there are any. */
  run: (setting: Omit<Setting, "state">, titles: string[], show: (rows: Row[]) => void) => Promise<void>;
};

export function defineBench<Stage extends { stop: () => Promise<void> }>({ name, open, works }: Parts<Stage>): Bench {
  return {
    name,
    titles: works.map(({ title }) => title),
    async run(setting, titles, show) {
      const state = join(setting.folder, name);
      const stage = await open({ ...setting, state });
      try {
        for (const work of works) if (titles.includes(work.title)) show(await work.measure(stage));
      } finally {
        await stage.stop();
        rmSync(state, { recursive: true, force: true, maxRetries: 10 });
      }
    },
  };
}

/** Measures one after the other, and again: A B A B. Answers what each gave in each round. */
export async function inTurn<Subject, Figures>(
  rounds: number,
  subjects: Subject[],
  measure: (subject: Subject) => Promise<Figures>,
): Promise<Figures[][]> {
  const figures: Figures[][] = subjects.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, subject] of subjects.entries()) figures[index]!.push(await measure(subject));
  }
  return figures;
}
