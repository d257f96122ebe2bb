import { parseArgs } from "node:util";
import { runChaos, SIZES, stopChaos } from "./run.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    short: { type: "boolean", default: false },
    threads: { type: "string" },
    thread: { type: "string" },
    project: { type: "string", default: "." },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(`npm run chaos -- [--seed N] [--short] [--threads N] [--thread t7] [--project folder]

  --seed     the plan: what happens in which thread; printed at the start, so that it can be played again
  --short    under a minute instead of some minutes
  --threads  how many threads
  --thread   only this one of the plan
  --project  run the server of another folder of sources`);
  process.exit(0);
}

// Ended by hand, it takes the server with it.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => void stopChaos().finally(() => process.exit(1)));
}

const size = values.short ? SIZES.short : SIZES.full;
const threads = values.threads ? Number(values.threads) : size.threads;
const violations = await runChaos({
  seed: values.seed,
  size: { ...size, threads },
  only: values.thread ?? null,
  project: values.project,
  log: (line) => console.log(line),
});
process.exit(violations.length > 0 ? 1 : 0);
