import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findSettings, requireSettings, writeEnvFile } from "./settings.ts";
import { outputOf, runWrangler } from "./wrangler.ts";

const CONFIG = "wrangler.deploy.toml";
const DATABASE = "parley";

/** Makes what the Worker needs on the account where it is not there yet, migrates the database, deploys. Repeatable. */
const settings = findSettings();
const missing = ["ROOT_KEY", "ENCRYPTION_KEY"].filter((key) => !settings[key]);
if (missing.length > 0) {
  console.error(`${missing.join(" and ")} must be set, in the environment or in .env, before anything is deployed.`);
  process.exit(1);
}

requireSettings(settings);

const folder = mkdtempSync(join(tmpdir(), "parley-deploy-"));
try {
  writeFileSync(CONFIG, readFileSync("wrangler.toml", "utf8").replace(/0{8}-[0-]{27}/, await databaseId()));
  await create("r2", "bucket", "create", "parley-files");
  const queues = ["parley-jobs", "parley-long-jobs", "parley-jobs-dead"];
  for (const queue of queues) await create("queues", "create", queue);
  await runWrangler(["d1", "migrations", "apply", "DB", "--remote", "--config", CONFIG], "inherit");
  await runWrangler(["deploy", "--config", CONFIG, "--secrets-file", writeEnvFile(folder, settings)], "inherit");
} finally {
  rmSync(folder, { recursive: true });
  rmSync(CONFIG, { force: true });
}

async function databaseId(): Promise<string> {
  const known = await findDatabase();
  if (known) return known;
  await runWrangler(["d1", "create", DATABASE], "inherit");
  const made = await findDatabase();
  if (!made) throw new Error(`the database ${DATABASE} was created and cannot be found`);
  return made;
}

async function findDatabase(): Promise<string | undefined> {
  const { code, output } = await outputOf(["d1", "list", "--json"]);
  if (code !== 0) {
    console.error(
      `${output}\nThe Cloudflare account cannot be used. Log in with \`npx wrangler login\`, or set CLOUDFLARE_API_TOKEN.`,
    );
    process.exit(1);
  }
  const databases = JSON.parse(output) as { name: string; uuid: string }[];
  return databases.find(({ name }) => name === DATABASE)?.uuid;
}

/** What is there already is as good as what is made now. */
async function create(...command: string[]): Promise<void> {
  const { code, output } = await outputOf(command);
  if (code === 0 || /already|exists|taken/i.test(output)) return;
  console.error(output);
  process.exit(1);
}
