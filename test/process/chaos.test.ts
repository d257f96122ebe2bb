import { expect, it } from "vitest";
import { runChaos, SIZES } from "../chaos/run.ts";

it("keeps what is promised while it is killed, loaded anew, left and asked by many at once", async () => {
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const violations = await runChaos({ seed: "1", size: SIZES.short, only: null, project: ".", log });
  expect(violations, lines.join("\n")).toEqual([]);
}, 300_000);
