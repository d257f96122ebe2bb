import { existsSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { Worken, type AnswerEvent, type Message, type ThreadEvent } from "../src/client/index.ts";
import { Screen } from "./screen.ts";
import { demoFile, type Demo } from "./seed.ts";

/**
 * The main job, played on a running server: a customer asks, the bot answers in a stream, an operator watches, takes over
 * in the middle of an answer, replies and gives back; and somebody asks what the documentation says. Ends with 1 when anything of it did not happen.
 */
const baseUrl = `http://127.0.0.1:${process.env["PORT"] ?? "8787"}`;
const folder = process.env["PERSIST_TO"] ?? ".wrangler/state";
const { key, chatId } = readDemo();
const worken = new Worken({ apiKey: key, baseUrl });
const threadId = `demo-${Date.now().toString(36)}`;
const screen = new Screen();
const feed: ThreadEvent[] = [];
let [seen, lost] = [0, ""];
const watching = new AbortController();

const WORDS_BEFORE_TAKEOVER = 11;

try {
  await requireServer();
  screen.header("Customer and bot", "Operator's live feed");
  void watch().catch((error: unknown) => (lost = ` (the feed broke: ${String(error)})`));
  await wait(200);

  const policy = await ask("What is your return policy?");
  expect(policy.text.includes("30 days"), "the bot answers from the shop's documents");

  const delivery = await ask("How long does delivery take, and what does it cost?", takeOver);
  screen.note("the operator has taken over");
  await untilFeed(
    (event) => event.type === "mode_changed" && event.mode === "manual",
    "the feed tells of the takeover",
  );
  const [, , , stopped] = await messages();
  expect(stopped?.status === "stopped", "the answer that was taken over is stopped");
  expect(stopped?.content === delivery.text, "what it had said is what the customer saw, and what is stored");

  await ask("Hello? Are you still there?");
  await untilFeed((event) => event.pending_count === 1, "the feed tells that somebody waits");
  expect((await messages()).at(-1)?.role === "user", "nobody but the operator answers now");

  const reply = "Hi, this is Mara from the shop. Two to four days, and it is free from 30 euros.";
  await worken.threads.send(threadId, { text: reply });
  screen.say("Mara", reply);
  await untilFeed((event) => event.pending_count === 0, "the feed tells that nobody waits any more");

  await worken.threads.setMode(threadId, "auto");
  screen.note("the operator gives back");
  await untilFeed((event) => event.type === "mode_changed" && event.mode === "auto", "the feed tells of the return");

  const hours = await ask("When is the shop open?");
  expect(hours.text.includes("Saturday"), "the bot answers again");

  const handbook = await ask("How do I take over a conversation?");
  const cited = handbook.citations.find(({ filename }) => filename === "docs/operators.md");
  expect(
    cited?.text.includes("set its mode to `manual`"),
    "an answer about Parley cites the passage of its documentation",
  );

  printTranscript(await messages());
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  watching.abort();
}

function readDemo(): Demo {
  const file = demoFile(folder);
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as Demo;
  console.error(`No server has been started here: there is no ${file}. Start one first: npm run dev`);
  process.exit(1);
}

/** A demo that finds no server says where it looked, and what is to be done. */
async function requireServer(): Promise<void> {
  const start = `Start a server first, with the same PORT and PERSIST_TO: npm run dev`;
  const response = await fetch(`${baseUrl}/chats/${chatId}`, { headers: { authorization: `Bearer ${key}` } }).catch(
    () => {
      throw new Error(`nothing answers at ${baseUrl}. ${start}`);
    },
  );
  if (!response.ok) throw new Error(`what answers at ${baseUrl} is not the server of ${folder}. ${start}`);
}

type Citations = NonNullable<Extract<AnswerEvent, { type: "finish" }>["citations"]>;
type Said = { text: string; citations: Citations };

/** Asks as the customer; shows and answers what the bot says, word by word, and what it says it from. */
async function ask(question: string, afterSomeWords?: () => Promise<void>): Promise<Said> {
  screen.say("Customer", question);
  const answer = await worken.chats.threads.stream(chatId, threadId, {
    messages: [{ role: "user", content: question }],
  });
  screen.begin("Bot");
  let [text, words, citations] = ["", 0, [] as Citations];
  for await (const event of answer) {
    const { textDelta = "" } = event;
    if (event.type === "finish") citations = event.citations ?? [];
    text += textDelta;
    screen.add(textDelta);
    if (++words === WORDS_BEFORE_TAKEOVER) await afterSomeWords?.();
  }
  if (text === "") screen.add("(is silent)");
  screen.end();
  for (const { number, filename, headings } of citations)
    screen.note(`[${number}] ${[filename, ...headings].join(" > ")}`);
  return { text, citations };
}

async function takeOver(): Promise<void> {
  await worken.threads.setMode(threadId, "manual");
}

async function watch(): Promise<void> {
  for await (const event of worken.threads.events(undefined, { signal: watching.signal })) {
    if (event.thread_id !== threadId) continue;
    feed.push(event);
    screen.beside(describe(event));
  }
}

function describe({ type, role, status, mode, pending_count, title }: ThreadEvent): string {
  if (type === "message_created") return `${type}  ${role} (${status})`;
  return `${type}  ${mode ?? pending_count ?? title ?? ""}`;
}

/** Looks only at what has come since the event that was waited for last. */
async function untilFeed(isIt: (event: ThreadEvent) => boolean, what: string): Promise<void> {
  const find = () => feed.findIndex((event, index) => index >= seen && isIt(event));
  for (let tries = 0; tries < 100 && find() < 0; tries++) await wait(50);
  expect(find() >= 0, what + lost);
  seen = find() + 1;
  screen.end();
}

async function messages(): Promise<Message[]> {
  return worken.chats.threads.messages.list(chatId, threadId);
}

function expect(holds: boolean | undefined, what: string): void {
  if (!holds) throw new Error(`it is not so that ${what}`);
}

function printTranscript(transcript: Message[]): void {
  console.log("\nThe conversation, as it is stored:\n");
  for (const { role, content, status, metadata } of transcript) {
    const who = role === "user" ? "Customer" : metadata ? "Operator" : "Bot";
    console.log(`  ${who}${status === "complete" ? "" : ` (${status})`}: ${content.replaceAll("\n", "\n    ")}`);
  }
}
