import type { ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { ServerApi } from "./api.ts";
import { ingestDocuments } from "./demo-documents.ts";
import { KeepRunning } from "./keep-running.ts";
import { passOnQuietly } from "./quiet-log.ts";
import { PATIENCE, seedDemo, type Demo } from "./seed.ts";
import { localSettings, requireSettings, writeEnvFile } from "./settings.ts";
import { runWrangler, startWrangler } from "./wrangler.ts";

const HOST = "127.0.0.1";
const port = process.env["PORT"] ?? "8787";
const folder = process.env["PERSIST_TO"] ?? ".wrangler/state";
const url = `http://${HOST}:${port}`;

await requireFreePort();
const settings = localSettings();
settings["PUBLIC_URL"] ??= url;
requireSettings(settings);
const envFile = writeEnvFile(folder, settings);
await runWrangler(
  ["d1", "migrations", "apply", "DB", "--local", "--persist-to", folder, "--env-file", envFile],
  "quiet",
);

const args = ["dev", "--ip", HOST, "--port", port, "--inspector-port", "0", "--log-level", "error"];
const interactive = ["--show-interactive-dev-session", "false"];
const allArgs = args.concat(interactive, ["--persist-to", folder, "--env-file", envFile]);
const server = new KeepRunning(start);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => server.end("SIGTERM"));

await untilReady();
setInterval(() => void tick(), 60_000);
await tick();
if (settings["OUTBOUND_POLICY"] === "local") console.log("\nOUTBOUND_POLICY=local: webhooks may call this machine");
const demo = await seedDemo(url, settings["ROOT_KEY"]!, folder).catch(giveUp);
await readDocuments(demo);
printWelcome(demo);

/** A second server on the same port would be a confusing one: wrangler looks for another port by itself. */
async function requireFreePort(): Promise<void> {
  if (!(Number(port) > 0 && Number(port) < 65_536)) {
    console.error(`PORT is ${port}, and must be a number from 1 to 65535.`);
    process.exit(1);
  }
  const probe = createServer().listen(Number(port), HOST);
  const failure = await Promise.race([once(probe, "listening").then(() => null), once(probe, "error")]);
  if (failure) {
    console.error(`Port ${port} is taken. Set PORT to another one.`);
    process.exit(1);
  }
  probe.close();
  await once(probe, "close");
}

function start(): ChildProcess {
  const child = startWrangler(allArgs, ["ignore", "inherit", "pipe"]);
  passOnQuietly(child.stderr!, process.stderr);
  return child;
}

async function untilReady(): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/healthz`).catch(() => null);
    if (response?.ok) return;
    await wait(100);
  }
}

/** Ends the server too: what it was started for is not there. */
function giveUp(error: unknown): Promise<never> {
  console.error(`The demo could not be made: ${error instanceof Error ? error.message : String(error)}`);
  server.end("SIGTERM", 1);
  return new Promise(() => undefined);
}

/** wrangler does not fire cron triggers locally. */
async function tick(): Promise<void> {
  await fetch(`${url}/cdn-cgi/handler/scheduled?cron=*+*+*+*+*`).catch(() => undefined);
}

/** That a document cannot be read, as without its embedding model, is no reason not to start. */
async function readDocuments({ key, storeId }: Demo): Promise<void> {
  const problems = await ingestDocuments(new ServerApi(url, key, PATIENCE), storeId).catch((error: unknown) => [
    String(error),
  ]);
  if (problems.length > 0) console.log(`\nThe demo's bot cannot answer from all documents: ${problems.join(", ")}`);
}

function printWelcome({ key, chatId }: Demo): void {
  const given = ["PORT", "PERSIST_TO"].filter((name) => process.env[name]);
  const where = given.map((name) => `${name}=${process.env[name]} `).join("");
  console.log(`
Parley is running at ${url}   (API reference: ${url}/docs)

Ask the demo's bot something, about the shop that it serves or about Parley ("How do I take over a conversation?"):

curl -N "${url}/chats/${chatId}/threads/first/stream" \\
  -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" \\
  -d '{"messages": [{"role": "user", "content": "What is your return policy?"}]}'

What the README's examples begin with:

URL=${url} KEY=${key} CHAT=${chatId} AUTH="Authorization: Bearer $KEY"

A conversation with a takeover, in this terminal's neighbour:   ${where}npm run demo
`);
}
