import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { Config, readConfig } from "../src/runtime/config.ts";

const DOTENV = ".env";

/** What is set: the process environment over `.env`, and of both only what is a setting of ours. */
export function findSettings(): Record<string, string> {
  const file = existsSync(DOTENV) ? parseEnv(readFileSync(DOTENV, "utf8")) : {};
  const given = Object.keys(Config.shape).flatMap((key) => {
    const value = process.env[key] ?? file[key];
    return value ? [[key, value] as const] : [];
  });
  return Object.fromEntries(given);
}

/** The settings of a local server. Keys that are missing are made and kept in `.env`. */
export function localSettings(): Record<string, string> {
  const settings = findSettings();
  settings["ROOT_KEY"] ??= keep("ROOT_KEY", randomBytes(32).toString("hex"));
  settings["ENCRYPTION_KEY"] ??= keep("ENCRYPTION_KEY", `k1:${randomBytes(32).toString("base64")}`);
  settings["OUTBOUND_POLICY"] ??= "local";
  return settings;
}

/** Where something is missing or wrong, a server would start all the same, and refuse every call. */
export function requireSettings(settings: Record<string, string>): void {
  try {
    readConfig(settings);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

function keep(key: string, value: string): string {
  const before = existsSync(DOTENV) ? readFileSync(DOTENV, "utf8") : "";
  appendFileSync(DOTENV, `${before && !before.endsWith("\n") ? "\n" : ""}${key}=${value}\n`, { mode: 0o600 });
  return value;
}

/** Writes the settings where wrangler reads them; answers the file. */
export function writeEnvFile(folder: string, settings: Record<string, string>): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "settings.env");
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${quoted(value)}\n`);
  writeFileSync(file, lines.join(""), { mode: 0o600 });
  return file;
}

/** Within double quotes a quote cannot be written, and JSON is full of them. */
const quoted = (value: string) => (value.includes('"') && !value.includes("'") ? `'${value}'` : JSON.stringify(value));
