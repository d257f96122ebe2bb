import type { LiveEvent } from "./feed-listener.ts";
import { isBots, type StoredMessage, type ThreadRun } from "./thread-run.ts";
import type { World } from "./world.ts";

export type Detail = {
  id: string;
  chat_id: string;
  mode: string;
  pending_count: number;
  last_message_at: string;
  stats: { messages_total: number; user_messages: number; bot_messages: number };
};
export type Settled = { run: ThreadRun; messages: StoredMessage[]; detail: Detail; own: LiveEvent[] };

const wasSaid = (message: StoredMessage) =>
  message.role === "user" || (message.role === "assistant" && (message.content !== "" || message.status !== "failed"));

/** Everything that happened in a thread is in the project's feed and in the thread's own, once and in one order. */
export function checkFeed(world: World, events: LiveEvent[], settled: Settled[]): void {
  const places = events.map(({ id }) => id.split(".").map(Number) as [number, number]);
  const grows = places.every(([row, place], index) => {
    const [rowBefore, placeBefore] = places[index - 1] ?? [0, 0];
    return row > rowBefore || (row === rowBefore && place > placeBefore);
  });
  if (!grows)
    world.violated("live events come once, by id", "", JSON.stringify(events.map(({ id }) => id)).slice(0, 2000));
  for (const { run, messages, detail, own } of settled) {
    const told = events.filter(({ thread_id }) => thread_id === run.id);
    const say = (seen: string) => world.violated("live events are complete, each once", run.id, seen);
    const [all, alone] = [told, own].map((list) => list.map(shortly).join(" "));
    const ids = told.map(({ id }) => id).join(" ");
    if (all !== alone) say(`project: ${all}\n    thread:  ${alone}\n    ids:     ${ids}`);
    const created = told.filter(({ type }) => type === "message_created").map(({ message_id }) => message_id!);
    const stored = messages.filter(wasSaid).map(({ id }) => id);
    if (created.toSorted().join() !== stored.toSorted().join()) say(`told ${created.join()}, stored ${stored.join()}`);
    const mode = told.findLast(({ type }) => type === "mode_changed")?.mode ?? "auto";
    const pending = told.findLast(({ type }) => type === "pending_count")?.pending_count ?? 0;
    if (mode !== detail.mode) say(`the last mode told is ${mode}, it is ${detail.mode}`);
    if (pending !== detail.pending_count) say(`the last count told is ${pending}, it is ${detail.pending_count}`);
  }
}

const shortly = ({ type, message_id, mode, pending_count }: LiveEvent) =>
  `${type}:${message_id?.slice(-6) ?? mode ?? pending_count ?? ""}`;

/** What a thread says of itself follows from its messages. */
export function checkCounts(world: World, { run, messages, detail }: Settled): void {
  const [last, told] = [messages.at(-1)?.created_at ?? "", detail.last_message_at];
  if (told < last) world.violated("a thread's last message is its last", run.id, `${told}, there is one of ${last}`);
  const rows = messages.filter(({ role }) => role !== "tool");
  const answered = rows.findLastIndex(({ role, status }) => role === "assistant" && status !== "failed");
  const expected = {
    pending_count: rows.slice(answered + 1).filter(({ role }) => role === "user").length,
    user_messages: rows.filter(({ role }) => role === "user").length,
    bot_messages: rows.filter((message) => message.role === "assistant" && wasSaid(message)).length,
  };
  const { user_messages, bot_messages } = detail.stats;
  const is = { pending_count: detail.pending_count, user_messages, bot_messages };
  if (JSON.stringify(is) !== JSON.stringify(expected)) {
    world.violated(
      "a thread's counts are true",
      run.id,
      `${JSON.stringify(is)}, messages say ${JSON.stringify(expected)}`,
    );
  }
}

/** Lists, search and statistics are copies; they agree with the threads once these are at rest. */
export async function checkLists(world: World, settled: Settled[]): Promise<void> {
  const listed = await listThreads(world);
  for (const { run, messages, detail } of settled) {
    const { stats: _, person: __, ...expected } = detail as Detail & { person: unknown };
    const is = listed.filter(({ id }) => id === run.id);
    if (is.length !== 1 || JSON.stringify(is[0]) !== JSON.stringify(expected)) {
      world.violated(
        "lists agree with the threads",
        run.id,
        `${JSON.stringify(is)}, it is ${JSON.stringify(expected)}`,
      );
    }
    await checkSearch(world, run, messages);
  }
  for (const chat of Object.values(world.chats)) await checkStatistics(world, chat, settled);
}

async function listThreads(world: World): Promise<Detail[]> {
  const found: Detail[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const path: string = `/threads?limit=50${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const { json } = await world.call<{ data: Detail[]; next_cursor: string | null }>("GET", path);
    found.push(...json.data);
    cursor = json.next_cursor;
  }
  return found;
}

/** One word of a person, one of the bot. */
async function checkSearch(world: World, run: ThreadRun, messages: StoredMessage[]): Promise<void> {
  const said = [
    messages.findLast(({ role }) => role === "user"),
    messages.findLast((one) => isBots(one) && one.content !== ""),
  ];
  for (const word of said.flatMap((message) => /^\w+/.exec(message?.content ?? "")?.[0] ?? [])) {
    const { json } = await world.call<{ data: { id: string }[] }>("GET", `/threads?search=${word}`);
    const ids = json.data.map(({ id }) => id).join();
    if (ids !== run.id) world.violated("search finds what was said", run.id, `${word}: ${ids || "nothing"}`);
  }
}

async function checkStatistics(world: World, chat: string, settled: Settled[]): Promise<void> {
  const { json } = await world.call<{ events_24h: number }>("GET", `/chats/${chat}`);
  const details = settled.filter(({ detail }) => detail.chat_id === chat).map(({ detail }) => detail);
  const total = details.reduce((sum, { stats }) => sum + stats.messages_total, 0);
  if (json.events_24h !== total) {
    world.violated("each message is counted once", `chat ${chat}`, `counted ${json.events_24h}, there are ${total}`);
  }
}
