import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import { SilenceReporter } from "./test/process/silence-reporter.ts";

process.env["CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV"] = "false";

/** All of it is given here, so that nothing of a local `.env` has a say in the tests. */
const testEnvironment = {
  ROOT_KEY: "root-key-of-the-tests",
  ENCRYPTION_KEY: "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
  OPENAI_API_KEY: "upstream-key",
  OPENAI_BASE_URL: "http://upstream.test/v1",
  PUBLIC_URL: "https://parley.test",
  TELEGRAM_API_BASE_URL: "http://telegram.test",
  WHATSAPP_API_BASE_URL: "http://whatsapp.test/v21.0",
  VK_API_BASE_URL: "http://vk.test",
  OK_API_BASE_URL: "http://ok.test",
  MAX_API_BASE_URL: "http://max.test",
  AVITO_API_BASE_URL: "http://avito.test",
  AMOCRM_API_BASE_URL: "http://amocrm.test/{subdomain}",
  GITHUB_API_BASE_URL: "http://github.test",
  GOOGLE_API_BASE_URL: "http://google.test",
  YANDEX_API_BASE_URL: "http://yandex.test",
  YANDEX_OAUTH_BASE_URL: "http://yandex-oauth.test",
  SBER_API_BASE_URL: "http://sber.test",
  GOOGLE_OAUTH_BASE_URL: "http://google-oauth.test",
  GITHUB_OAUTH_BASE_URL: "http://github-oauth.test",
  VK_OAUTH_BASE_URL: "http://vk-oauth.test",
  BITRIX_OAUTH_BASE_URL: "http://bitrix-oauth.test",
  AMOJO_API_BASE_URL: "http://amojo.test",
  DEFAULT_MODEL: "embedded/reply",
  EMBEDDED_MODEL_DELAY_MS: "0",
  UPSTREAM_IDLE_TIMEOUT_MS: "1500",
  CONCURRENT_TURNS_PER_PROJECT: "60",
};

export default defineConfig({
  test: {
    silent: "passed-only",
    reporters: ["default", new SilenceReporter()],
    // One of them waits for a server most of the time.
    maxWorkers: 2,
    projects: [
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: { ...testEnvironment, TEST_MIGRATIONS: await readD1Migrations("./migrations") } },
          })),
        ],
        test: {
          name: "workerd",
          include: ["test/**/*.test.ts"],
          exclude: ["test/process/**"],
          setupFiles: ["./test/helpers/setup.ts", "./test/helpers/quiet-console.ts"],
          // One runtime for all files: every test makes its own project.
          isolate: false,
          testTimeout: 30_000,
          deps: {
            optimizer: {
              ssr: {
                enabled: true,
                include: [
                  "ai",
                  "marked",
                  "@ai-sdk/openai",
                  "zod",
                  "hono",
                  "@hono/zod-validator",
                  "drizzle-orm",
                  "drizzle-orm/d1",
                ],
              },
            },
          },
        },
      },
      {
        test: { name: "process", include: ["test/process/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 },
      },
    ],
  },
});
