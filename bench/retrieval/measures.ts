/** What one way of searching answered to one question: where the first right passage stood, and how sure the best one was. */
export type Outcome = { rank: number | null; best: number };

const mean = (numbers: number[]) => numbers.reduce((sum, each) => sum + each, 0) / Math.max(1, numbers.length);

export const hitsAt = (outcomes: Outcome[], limit: number) =>
  mean(outcomes.map(({ rank }) => (rank !== null && rank <= limit ? 1 : 0)));

/** Mean reciprocal rank: 1 if the first is always right, 1/2 if always the second. */
export const reciprocalRank = (outcomes: Outcome[]) => mean(outcomes.map(({ rank }) => (rank === null ? 0 : 1 / rank)));

/**
 * How well the best score tells a question that the documents answer from one that they do not: the chance that the first
 * has the higher of two, 1/2 being a coin.
 */
export function separation(answerable: Outcome[], unanswerable: Outcome[]): number {
  const pairs = answerable.flatMap((yes) => unanswerable.map((no) => yes.best - no.best));
  return mean(pairs.map((difference) => (difference > 0 ? 1 : difference === 0 ? 0.5 : 0)));
}

/** The exact sign test, which is McNemar's: how likely so uneven a split would be if both ways were equally good. */
export function signTest(wins: number, losses: number): number {
  const trials = wins + losses;
  let [term, tail] = [0.5 ** trials, 0];
  for (let count = 0; count <= Math.min(wins, losses); count++) {
    tail += term;
    term *= (trials - count) / (count + 1);
  }
  return Math.min(1, 2 * tail);
}

const RESAMPLED = 2000;

/** What a figure of so many questions would be with 95 % if other questions of the same kind had been asked (bootstrap). */
export function interval<T>(questions: T[], figure: (sample: T[]) => number): [low: number, high: number] {
  const random = randomFrom(7);
  const figures = Array.from({ length: RESAMPLED }, () =>
    figure(questions.map(() => questions[Math.floor(random() * questions.length)]!)),
  ).toSorted((a, b) => a - b);
  return [figures[Math.floor(RESAMPLED * 0.025)]!, figures[Math.floor(RESAMPLED * 0.975)]!];
}

/** Numbers from 0 to 1, the same each time (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
