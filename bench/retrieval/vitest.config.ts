import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

const { BENCH_EMBEDDING_MODEL = "embedded/hash", OPENAI_API_KEY = "", OPENAI_BASE_URL = "" } = process.env;

/** The server's own code, in its own runtime; the embedding model may be a real one. */
const environment = {
  ROOT_KEY: "root-key-of-the-bench",
  ENCRYPTION_KEY: "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
  DEFAULT_EMBEDDING_MODEL: BENCH_EMBEDDING_MODEL,
  ...(OPENAI_API_KEY && { OPENAI_API_KEY }),
  ...(OPENAI_BASE_URL && { OPENAI_BASE_URL }),
};

export default defineConfig({
  plugins: [
    cloudflareTest(async () => ({
      wrangler: { configPath: "./wrangler.toml" },
      miniflare: { bindings: { ...environment, TEST_MIGRATIONS: await readD1Migrations("./migrations") } },
    })),
  ],
  test: {
    include: ["bench/retrieval/run.test.ts"],
    setupFiles: ["./test/helpers/setup.ts"],
    reporters: [["default", { summary: false }]],
  },
});
