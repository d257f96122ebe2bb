import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { newProject } from "../helpers/project.ts";

it("starts on the database of a version that knew a migration by another name, and leaves what is in it", async () => {
  const project = await newProject();
  const renamed =
    "update d1_migrations set name = replace(name, '0008_usage', '0007_usage') where name like '0008_usage%'";
  expect((await env.DB.prepare(renamed).run()).meta.changes).toBe(1);
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
  const { results } = await env.DB.prepare(
    "select name from d1_migrations where name like '%usage_and_invoices%'",
  ).all();
  expect(results).toHaveLength(2);
  expect((await project.get("/bots")).status).toBe(200);
});
