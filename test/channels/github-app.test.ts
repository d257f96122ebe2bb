import { describe, expect, it } from "vitest";
import { hmac } from "../../src/lib/hash.ts";
import { eventually } from "../helpers/eventually.ts";
import { callWorker, newProject, type Caller } from "../helpers/project.ts";
import { FakeModel, fakeVendors, says } from "../helpers/upstream.ts";
import { number } from "./vendors/fake-vendor.ts";

const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
/** What comes before the key itself where it is in the envelope of PKCS#8. */
const ENVELOPE = 26;

type App = {
  id: string;
  publicKey: CryptoKey;
  installation: string;
  tokens: string[];
  /** Tokens that were taken back. */
  ended: Set<string>;
  comments: { to: string; body: string }[];
  hooks: { id: number; config: { url: string; secret: string }; events: string[] }[];
};
const apps = new Map<string, App>();
const byInstallationToken = new Map<string, App>();
/** Repositories that a personal token may administer. */
const repositories = new Map<string, App>();
const theirs = fakeVendors.get("http://github.test");

const json = (status: number, body: object) => Response.json(body, { status });

/** GitHub, as far as it knows apps: whose key has signed, which installation is meant, what its token may. */
fakeVendors.set("http://github.test", async (request) => {
  const { pathname } = new URL(request.url);
  const token = request.headers.get("authorization")?.replace("Bearer ", "") ?? "";
  if (repositories.has(token)) return hooks(repositories.get(token)!, request, pathname);
  const installed = byInstallationToken.get(token);
  if (installed) return asInstallation(installed, token, request, pathname);
  if (!token.startsWith("eyJ")) return theirs?.(request) ?? json(401, { message: "Bad credentials" });
  const app = await signer(token);
  if (!app) return json(401, { message: "A JSON web token could not be decoded" });
  if (pathname === "/app") return json(200, { id: Number(app.id), slug: "shop-app", name: "Shop App", owner: {} });
  if (pathname !== `/app/installations/${app.installation}/access_tokens`) return json(404, { message: "Not Found" });
  const made = `ghs_${number()}`;
  app.tokens.push(made);
  byInstallationToken.set(made, app);
  return json(201, { token: made, expires_at: new Date(Date.now() + 3_600_000).toISOString() });
});

async function signer(token: string): Promise<App | null> {
  const [head, claims, signature] = token.split(".");
  const read = (part: string) =>
    Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const parsed = (part: string) => JSON.parse(new TextDecoder().decode(read(part))) as Record<string, unknown>;
  const { iss, iat, exp } = parsed(claims!) as { iss: string; iat: number; exp: number };
  const [app, now] = [apps.get(iss), Date.now() / 1000];
  const isInTime = iat <= now && exp > now && exp - iat <= 600;
  if (!app || parsed(head!)["alg"] !== "RS256" || !isInTime) return null;
  const signed = new TextEncoder().encode(`${head}.${claims}`);
  return (await crypto.subtle.verify(RSA.name, app.publicKey, read(signature!), signed)) ? app : null;
}

async function asInstallation(app: App, token: string, request: Request, path: string): Promise<Response> {
  if (app.ended.has(token)) return json(401, { message: "Bad credentials" });
  if (path === "/installation/repositories") return json(200, { total_count: 1, repositories: [] });
  const body = await request.json<{ body?: string; query?: string; variables?: { id: string; body: string } }>();
  if (path === "/graphql") {
    const { id, body: text } = body.variables!;
    if (!body.query?.includes("addDiscussionComment"))
      return json(200, { errors: [{ type: "INVALID", message: "?" }] });
    if (id === "D_gone")
      return json(200, { data: null, errors: [{ type: "NOT_FOUND", message: "Could not resolve" }] });
    app.comments.push({ to: id, body: text });
    return json(200, { data: { addDiscussionComment: { comment: { databaseId: 7 } } } });
  }
  app.comments.push({ to: path, body: body.body! });
  return json(201, { id: 8 });
}

async function hooks(app: App, request: Request, path: string): Promise<Response> {
  const [, id] = /^\/repos\/acme\/shop\/hooks(?:\/(\d+))?$/.exec(path) ?? [];
  if (request.method === "GET") return json(200, app.hooks);
  if (request.method === "DELETE") {
    app.hooks = app.hooks.filter((hook) => hook.id !== Number(id));
    return new Response(null, { status: 204 });
  }
  const { config, events } = await request.json<App["hooks"][number]>();
  const hook = { id: id ? Number(id) : number(), config, events };
  if (!id && app.hooks.length > 0) return json(422, { message: "Hook already exists on this repository" });
  app.hooks = [hook];
  return json(id ? 200 : 201, hook);
}

async function newApp(): Promise<{ app: App; pem: (pkcs1: boolean) => string }> {
  const generated = { ...RSA, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
  const keys = (await crypto.subtle.generateKey(generated, true, ["sign", "verify"])) as CryptoKeyPair;
  const der = new Uint8Array((await crypto.subtle.exportKey("pkcs8", keys.privateKey)) as ArrayBuffer);
  const [id, installation] = [String(number()), String(number())];
  const app = {
    id,
    publicKey: keys.publicKey,
    installation,
    tokens: [],
    ended: new Set<string>(),
    comments: [],
    hooks: [],
  };
  apps.set(id, app);
  const pem = (pkcs1: boolean) => {
    const text = btoa(Array.from(pkcs1 ? der.slice(ENVELOPE) : der, (byte) => String.fromCharCode(byte)).join(""));
    const name = pkcs1 ? "RSA PRIVATE KEY" : "PRIVATE KEY";
    return `-----BEGIN ${name}-----\n${text.replace(/.{64}/g, "$&\n")}\n-----END ${name}-----\n`;
  };
  return { app, pem };
}

const SECRET = "of the webhook";

async function open(model: FakeModel, pkcs1 = true) {
  const [project, { app, pem }] = [await newProject(), await newApp()];
  const auth_data = {
    app_id: app.id,
    private_key: pem(pkcs1),
    installation_id: app.installation,
    webhook_secret: SECRET,
  };
  const { json: bot } = await project.post("/bots", { name: "Bot" });
  await project.post(`/bots/${bot.id}/settings`, { ai: { model: { id: model.id } } });
  const { json: made } = await project.post("/integrations", { name: "G", vendor: "github", auth_data });
  const settings = { debounce_ms: 0 };
  await project.post(`/integrations/${made.id}/chats`, { bot_id: bot.id, name: "G", settings });
  return { project, app, path: `/integrations/${made.id}`, auth_data };
}

async function deliver({ path }: { path: string }, event: string, payload: object): Promise<number> {
  const body = JSON.stringify(payload);
  const headers = {
    "x-github-event": event,
    "x-github-delivery": crypto.randomUUID(),
    "x-hub-signature-256": `sha256=${await hmac("SHA-256", SECRET, body)}`,
  };
  return (await callWorker(new Request(`https://parley.test${path}/webhook`, { method: "POST", body, headers })))
    .status;
}

const issue = ({ app }: { app: App }, text: string, installation = Number(app.installation)) => ({
  action: "created",
  installation: { id: installation },
  repository: { full_name: "acme/shop" },
  issue: { number: 5, title: "Broken", user: { id: 1, login: "ann" } },
  comment: { id: number(), body: text, user: { id: 1, login: "ann", type: "User" } },
});

const profileOf = async ({ project, path }: { project: Caller; path: string }) => project.get(`${path}/profile`);

describe("a GitHub App", () => {
  it.each([true, false])("signs with its private key, in PKCS#1: %s, and says who it is", async (pkcs1) => {
    const opened = await open(new FakeModel(says("ok")), pkcs1);
    const { status, json: profile } = await profileOf(opened);
    expect([status, profile]).toEqual([200, { id: opened.app.id, name: "Shop App", username: "shop-app" }]);
  });

  it("answers comments with one token of its installation, and with a new one when that has ended", async () => {
    const opened = await open(new FakeModel(says("Fixed.")));
    const { app } = opened;
    expect(await deliver(opened, "issue_comment", issue(opened, "help"))).toBe(200);
    await eventually(() => expect(app.comments).toHaveLength(1));
    expect(app.comments[0]).toEqual({ to: "/repos/acme/shop/issues/5/comments", body: "Fixed.\n\n<!-- parley -->" });
    await deliver(opened, "issue_comment", issue(opened, "more"));
    await eventually(() => expect(app.comments).toHaveLength(2));
    expect(app.tokens).toHaveLength(1);
    app.ended.add(app.tokens[0]!);
    expect((await profileOf(opened)).status).toBe(422);
    expect((await profileOf(opened)).status).toBe(200);
    expect(app.tokens).toHaveLength(2);
  });

  it("answers discussions, and lets pass what belongs to another installation", async () => {
    const opened = await open(new FakeModel(says("I think so.")));
    const discussion = { number: 9, node_id: "D_kwDO", title: "Is it?", body: "Well?", user: { id: 2, login: "bob" } };
    const shared = { installation: { id: Number(opened.app.installation) }, repository: { full_name: "acme/shop" } };
    await deliver(opened, "issue_comment", issue(opened, "not ours", 1));
    await deliver(opened, "discussion", { action: "created", ...shared, discussion });
    await eventually(() => expect(opened.app.comments).toHaveLength(1));
    expect(opened.app.comments[0]).toEqual({ to: "D_kwDO", body: "I think so.\n\n<!-- parley -->" });
    const comment = { id: number(), body: "Sure?", user: { id: 2, login: "bob", type: "User" } };
    const gone = { ...discussion, node_id: "D_gone", number: 10 };
    await deliver(opened, "discussion_comment", { action: "created", ...shared, discussion: gone, comment });
    const reachable = async () => {
      const { json: list } = await opened.project.get("/threads");
      const details = list.data.map(
        async ({ id }: { id: string }) => (await opened.project.get(`/threads/${id}`)).json,
      );
      return Object.fromEntries(
        (await Promise.all(details)).map(({ channel }) => [channel.external_id, channel.reachable]),
      ) as Record<string, boolean>;
    };
    await eventually(async () =>
      expect(await reachable()).toEqual({ "acme/shop#9/D_kwDO": true, "acme/shop#10/D_gone": false }),
    );
  });

  it("has lost its access where the key is none, is another's, or the installation is gone", async () => {
    const opened = await open(new FakeModel(says("ok")));
    const { pem } = await newApp();
    for (const changed of [{ private_key: "no key" }, { private_key: pem(true) }, { installation_id: "1" }]) {
      await opened.project.post(opened.path, { auth_data: { ...opened.auth_data, ...changed } });
      expect((await profileOf(opened)).status).toBe(422);
      expect((await opened.project.get(opened.path)).json).toMatchObject({
        status: "error",
        error: expect.stringContaining("GitHub"),
      });
    }
  });
});

it("adds its webhook to a repository it may administer, renews it with new credentials, and takes it away", async () => {
  const [project, { app }, token] = [await newProject(), await newApp(), `ghp_hooks_${number()}`];
  repositories.set(token, app);
  const auth_data = { token, repository: "acme/shop", webhook_secret: "one" };
  const { json: made } = await project.post("/integrations", { name: "G", vendor: "github", auth_data });
  const url = `https://parley.test/integrations/${made.id}/webhook`;
  await eventually(() => expect(app.hooks).toMatchObject([{ config: { url, secret: "one" } }]));
  expect(app.hooks[0]!.events).toContain("issue_comment");
  await project.post(`/integrations/${made.id}`, { auth_data: { ...auth_data, webhook_secret: "two" } });
  await eventually(() => expect(app.hooks).toMatchObject([{ config: { url, secret: "two" } }]));
  await project.delete(`/integrations/${made.id}`);
  await eventually(() => expect(app.hooks).toEqual([]));
});
