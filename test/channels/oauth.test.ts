import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import worker from "../../src/worker.ts";
import { base64Url, sha256Bytes } from "../../src/lib/hash.ts";
import { eventually } from "../helpers/eventually.ts";
import { callWorker, newProject, type Caller } from "../helpers/project.ts";
import { fakeVendors } from "../helpers/upstream.ts";
import { users } from "./vendors/google.ts";

const REDIRECT = "https://parley.test/integrations/oauth/callback";
type Project = Caller & { id: string };
type Client = { id: string; challenge: string; refused: boolean; grants: string[]; refresh: string; access: string };
const clients = new Map<string, Client>();

const refuse = (error: string) => Response.json({ error, error_description: `${error}!` }, { status: 400 });

/** An authorization server that checks what Google's checks. */
fakeVendors.set("http://google-oauth.test", async (request) => {
  const form = Object.fromEntries(await request.formData()) as Record<string, string>;
  const client = clients.get(form["client_id"] ?? "");
  if (!client || form["client_secret"] !== "shh" || client.refused) return refuse("invalid_grant");
  client.grants.push(form["grant_type"]!);
  if (form["grant_type"] === "refresh_token") {
    if (form["refresh_token"] !== client.refresh) return refuse("invalid_grant");
  } else {
    const challenge = base64Url(await sha256Bytes(form["code_verifier"] ?? ""));
    if (form["code"] !== "the-code" || form["redirect_uri"] !== REDIRECT || challenge !== client.challenge) {
      return refuse("invalid_grant");
    }
  }
  users.delete(client.access);
  client.access = `access-${client.grants.length}-${client.id}`;
  users.set(client.access, { sub: "1", name: "Ann", email: "ann@a.com" });
  client.refresh = `refresh-${client.grants.length}`;
  return Response.json({
    access_token: client.access,
    refresh_token: client.refresh,
    expires_in: 3600,
    token_type: "Bearer",
  });
});

async function newGoogle(): Promise<{ project: Project; path: string; client: Client }> {
  const project = await newProject();
  const client: Client = {
    id: crypto.randomUUID(),
    challenge: "",
    refused: false,
    grants: [],
    refresh: "",
    access: "none",
  };
  clients.set(client.id, client);
  const auth_data = { client_id: client.id, client_secret: "shh" };
  const { json } = await project.post("/integrations", { name: "G", vendor: "google", auth_data });
  return { project, path: `/integrations/${json.id}`, client };
}

/** Begins, and lets the person allow it; the address to which the vendor sends them back. */
async function allow({ project, path, client }: Awaited<ReturnType<typeof newGoogle>>): Promise<string> {
  const { json } = await project.post(`${path}/oauth/start`);
  const url = new URL(json.url);
  client.challenge = url.searchParams.get("code_challenge")!;
  return `${url.searchParams.get("redirect_uri")}?state=${url.searchParams.get("state")}&code=the-code`;
}

const visit = async (address: string) => {
  const response = await callWorker(new Request(address));
  return { status: response.status, text: await response.text() };
};

async function sweep(): Promise<void> {
  const execution = createExecutionContext();
  await worker.scheduled(createScheduledController(), env, execution);
  await waitOnExecutionContext(execution);
}

describe("OAuth", () => {
  it("sends a person to the vendor with what the vendor needs to know", async () => {
    const google = await newGoogle();
    const { status, json } = await google.project.post(`${google.path}/oauth/start`);
    expect(status).toBe(200);
    const url = new URL(json.url);
    expect(url.origin + url.pathname).toBe("https://accounts.google.com/o/oauth2/v2/auth");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: google.client.id,
      redirect_uri: REDIRECT,
      response_type: "code",
      scope: "openid email profile",
      state: expect.stringMatching(/^[0-9a-f]{32}$/),
      access_type: "offline",
      prompt: "consent",
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: "S256",
    });
  });

  it("keeps the access that was allowed, and says whose it is", async () => {
    const google = await newGoogle();
    expect((await google.project.get(`${google.path}/profile`)).status).toBe(422);
    expect((await visit(await allow(google))).status).toBe(200);
    expect((await google.project.get(google.path)).json.status).toBe("active");
    const { json } = await google.project.get(`${google.path}/profile`);
    expect(json).toEqual({ id: "1", name: "Ann", username: "ann@a.com" });
  });

  it("takes a state once, and none that it did not give", async () => {
    const google = await newGoogle();
    const address = await allow(google);
    const twins = await Promise.all([visit(address), visit(address)]);
    expect(twins.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 403]);
    expect((await visit(`${REDIRECT}?state=${"0".repeat(32)}&code=the-code`)).status).toBe(403);
    expect((await visit(`${REDIRECT}?code=the-code`)).status).toBe(403);
    expect(google.client.grants).toHaveLength(1);
  });

  it("does not take a state after ten minutes", async () => {
    const google = await newGoogle();
    const address = await allow(google);
    await env.DB.prepare("update oauth_states set expires_at = ? where project_id = ?")
      .bind(Date.now(), google.project.id)
      .run();
    expect((await visit(address)).status).toBe(403);
  });

  it("keeps nothing when the person or the vendor refuses, and shows nothing of what came with it", async () => {
    const google = await newGoogle();
    const refused = (await allow(google)).replace("code=the-code", "error=<script>");
    expect(await visit(refused)).toEqual({ status: 403, text: expect.not.stringContaining("<script>") });
    expect((await visit((await allow(google)).replace("the-code", "forged"))).status).toBe(502);
    expect((await google.project.get(`${google.path}/profile`)).status).toBe(422);
  });

  it("can be begun by nobody else, and not where a vendor has none", async () => {
    const google = await newGoogle();
    expect((await (await newProject()).post(`${google.path}/oauth/start`)).status).toBe(404);
    const auth_data = { token: "1:A" };
    const { json } = await google.project.post("/integrations", { name: "T", vendor: "telegram", auth_data });
    expect((await google.project.post(`/integrations/${json.id}/oauth/start`)).status).toBe(422);
    const { json: clientless } = await google.project.post("/integrations", {
      name: "G",
      vendor: "google",
      auth_data: {},
    });
    expect((await google.project.post(`/integrations/${clientless.id}/oauth/start`)).json.issues[0].path).toBe(
      "auth_data.client_id",
    );
  });

  const endSoon = (project: Project) =>
    env.DB.prepare("update integrations set access_ends_at = ? where project_id = ?")
      .bind(Date.now() + 60_000, project.id)
      .run();

  it("renews access before it ends, once", async () => {
    const google = await newGoogle();
    await visit(await allow(google));
    await endSoon(google.project);
    await Promise.all([sweep(), sweep(), sweep()]);
    await eventually(() => expect(google.client.grants).toEqual(["authorization_code", "refresh_token"]));
    await eventually(async () => expect((await google.project.get(`${google.path}/profile`)).status).toBe(200));
    await sweep();
    expect(google.client.grants).toHaveLength(2);
  });

  it("says so when access cannot be renewed any more, and takes it back when it is allowed again", async () => {
    const google = await newGoogle();
    await visit(await allow(google));
    await endSoon(google.project);
    google.client.refused = true;
    await sweep();
    await eventually(async () =>
      expect((await google.project.get(google.path)).json).toMatchObject({ status: "error" }),
    );
    google.client.refused = false;
    await visit(await allow(google));
    expect((await google.project.get(google.path)).json.status).toBe("active");
  });
});
