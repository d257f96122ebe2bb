import { readFileSync } from "node:fs";

/** Linux counts a process's time in these, whatever the kernel. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** This process's children. */
export function children(): number[] {
  const pids = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ");
  return pids.filter(Boolean).map(Number);
}

export function childrenOf(name: string): number[] {
  return children().filter((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === name);
}

/** How much processor time a process has used so far, in user and kernel mode. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export function memoryMegabytes(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
  return (pages * PAGE_BYTES) / 1_000_000;
}
