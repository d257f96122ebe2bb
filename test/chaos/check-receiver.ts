import { setTimeout as wait } from "node:timers/promises";
import type { Settled } from "./check-project.ts";
import type { Told } from "./receiver.ts";
import type { World } from "./world.ts";

/** Without any progress: what was under way in a crash is taken for lost after 25 s, and the minute's sweep sends it again. */
const PATIENCE_MS = 90_000;

/** Everything that was said is told once by its id; only what a takeover cut off may be kept back. */
export async function checkReceiver(world: World, settled: Settled[]): Promise<void> {
  const { receiver } = world;
  const said = settled.flatMap(({ messages }) => messages.filter(({ role }) => role !== "tool"));
  const due = said.filter(({ status, content }) => status !== "stopped" && (content !== "" || status !== "failed"));
  const missing = () => {
    const told = new Set(receiver.messages);
    return due.filter(({ id }) => !told.has(id));
  };
  for (
    let [left, at] = [Infinity, Date.now()];
    missing().length > 0 && Date.now() < at + PATIENCE_MS;
    await wait(500)
  ) {
    if (missing().length < left) [left, at] = [missing().length, Date.now()];
  }
  for (const { id } of missing()) world.violated("a receiver that was down is told everything", "", id);
  const known = new Set(said.map(({ id }) => id));
  const threads = new Set(settled.map(({ run }) => run.id));
  const counts = Object.entries(Object.groupBy(receiver.messages, (id) => id));
  for (const [id, times] of counts) {
    if (times!.length > 1) world.violated("a receiver is told each thing under one id", "", `${id} ${times!.length}`);
  }
  for (const [id, bodies] of receiver.bodies) {
    if (bodies.size > 1) world.violated("a delivery has the same bytes each time", "", [...bodies].join("\n"));
    const { type, data } = JSON.parse([...bodies][0]!) as Told;
    const isStrange = type === "thread.message.created" && threads.has(data.thread_id!) && !known.has(data.message!.id);
    if (isStrange) world.violated("a receiver is told nothing that is not stored", "", id);
  }
}
