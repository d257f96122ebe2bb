import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import { newProject } from "../helpers/project.ts";
import { pass } from "../helpers/schedules.ts";

afterEach(() => void vi.useRealTimers());

it("a key that another isolate has deleted is refused within two seconds", async () => {
  const project = await newProject();
  const status = async () => (await project.get("/bots")).status;
  expect(await status()).toBe(200);
  await env.DB.prepare("delete from api_keys where project_id = ?").bind(project.id).run();
  pass(2001);
  expect(await status()).toBe(401);
});
