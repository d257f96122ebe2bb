import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import worker from "../../src/worker.ts";
import { eventually } from "../helpers/eventually.ts";
import { callWorker, newProject, type Caller } from "../helpers/project.ts";
import { Receiver, register, told } from "../helpers/receiver.ts";
import { SseReader } from "../helpers/sse.ts";
import { vendors, type Client, type OAuthVendor } from "./vendors/oauth.ts";

const REDIRECT = "https://parley.test/integrations/oauth/callback";

/** An integration that is to be allowed to act in somebody's name. */
class Account {
  readonly vendor: OAuthVendor;
  readonly project: Caller & { id: string };
  readonly id: string;
  readonly client: Client;

  constructor(given: Pick<Account, "vendor" | "project" | "id" | "client">) {
    this.vendor = given.vendor;
    this.project = given.project;
    this.id = given.id;
    this.client = given.client;
  }

  get path(): string {
    return `/integrations/${this.id}`;
  }

  start = () => this.project.post(`${this.path}/oauth/start`);
  profile = () => this.project.get(`${this.path}/profile`);
  state = async () => (await this.project.get(this.path)).json;

  /** Begins, and lets the person allow it; the address to which the vendor sends them back. */
  async allow(): Promise<string> {
    const { json } = await this.start();
    const query = new URL(json.url).searchParams;
    this.client.challenge = query.get("code_challenge");
    return `${REDIRECT}?state=${query.get("state")}&code=the-code`;
  }

  endSoon = () =>
    env.DB.prepare("update integrations set access_ends_at = ? where id = ?")
      .bind(Date.now() + 60_000, this.id)
      .run();
}

async function open(vendor: OAuthVendor, project?: Account["project"]): Promise<Account> {
  const [owner, client] = [project ?? (await newProject()), vendor.newClient()];
  const auth_data = { client_id: client.id, client_secret: client.secret, ...vendor.auth };
  const { json } = await owner.post("/integrations", { name: "V", vendor: vendor.name, auth_data });
  return new Account({ vendor, project: owner, id: json.id, client });
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

it("knows every vendor that has OAuth", async () => {
  const project = await newProject();
  const { json } = await project.post("/integrations", { name: "T", vendor: "telegram", auth_data: { token: "1:A" } });
  expect((await project.post(`/integrations/${json.id}/oauth/start`)).status).toBe(422);
  expect(Object.keys(vendors)).toEqual(["google", "yandex", "github", "vk", "avito", "amocrm", "bitrix"]);
});

describe.each(Object.values(vendors))("OAuth of $name", (vendor) => {
  it("sends a person to the vendor with what the vendor needs to know", async () => {
    const account = await open(vendor);
    const { status, json } = await account.start();
    expect(status).toBe(200);
    const url = new URL(json.url);
    expect(url.origin + url.pathname).toBe(vendor.consent);
    const given = Object.fromEntries(url.searchParams);
    expect(given).toMatchObject({ client_id: account.client.id, state: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(/^[\w-]{43}$/.test(given["code_challenge"] ?? "")).toBe(vendor.pkce);
    expect(given["redirect_uri"]).toBe(vendor.namesRedirect ? REDIRECT : undefined);
    expect(given).toMatchObject(vendor.asks);
  });

  it("keeps the access that was allowed, sealed, and says whose it is", async () => {
    const account = await open(vendor);
    expect((await account.profile()).status).toBe(vendor.withoutAccess);
    expect((await visit(await account.allow())).status).toBe(200);
    expect((await account.profile()).json).toMatchObject(vendor.profile);
    expect((await account.state()).status).toBe("active");
    const row = await env.DB.prepare("select * from integrations where id = ?").bind(account.id).first();
    expect(JSON.stringify(row)).not.toContain(account.client.access);
    expect(JSON.stringify(await account.state())).not.toContain(account.client.access);
  });

  it("takes a state once, soon, and for the integration that it was begun for", async () => {
    const account = await open(vendor);
    const neighbour = await open(vendor, account.project);
    const address = await account.allow();
    const twins = await Promise.all([visit(address), visit(address)]);
    expect(twins.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 403]);
    expect(account.client.grants).toEqual(["authorization_code"]);
    expect((await neighbour.profile()).status).toBe(vendor.withoutAccess);
    const late = await account.allow();
    await env.DB.prepare("update oauth_states set expires_at = ? where integration_id = ?")
      .bind(Date.now(), account.id)
      .run();
    expect((await visit(late)).status).toBe(403);
    expect((await visit(`${REDIRECT}?state=${"0".repeat(32)}&code=the-code`)).status).toBe(403);
    expect((await visit(`${REDIRECT}?code=the-code`)).status).toBe(403);
    const stranger = await newProject();
    expect((await stranger.post(`${account.path}/oauth/start`)).status).toBe(404);
    expect(account.client.grants).toHaveLength(1);
  });

  it("keeps nothing when the person or the vendor refuses or fails, and shows nothing of what came with it", async () => {
    const account = await open(vendor);
    const refused = (await account.allow()).replace("code=the-code", "error=access_denied&error_description=<script>");
    expect(await visit(refused)).toEqual({ status: 403, text: expect.not.stringContaining("<script>") });
    expect((await visit((await account.allow()).replace("the-code", "forged"))).status).toBe(502);
    account.client.fails = 500;
    expect((await visit(await account.allow())).status).toBe(502);
    account.client.fails = null;
    expect((await account.profile()).status).toBe(vendor.withoutAccess);
    expect(account.client.access).toBe("");
  });

  it.skipIf(!vendor.refreshes)(
    "renews access before it ends, once, and again after a failure of the vendor",
    async () => {
      const account = await open(vendor);
      await visit(await account.allow());
      const first = account.client.access;
      await account.endSoon();
      await Promise.all([sweep(), sweep(), sweep()]);
      await eventually(() => expect(account.client.grants).toEqual(["authorization_code", "refresh_token"]));
      await eventually(async () => expect((await account.profile()).json).toMatchObject(vendor.profile));
      expect(account.client.access).not.toBe(first);
      account.client.fails = 500;
      await account.endSoon();
      await sweep();
      await eventually(() => expect(account.client.failed).toBeGreaterThan(0));
      expect((await account.state()).status).toBe("active");
      account.client.fails = null;
      await account.endSoon();
      await sweep();
      await eventually(() => expect(account.client.grants.length).toBeGreaterThan(2));
    },
  );

  it.skipIf(!vendor.refreshes)(
    "says by status, event and webhook, once, that access is lost, until it is allowed again",
    async () => {
      const account = await open(vendor);
      const receiver = new Receiver();
      const endpoint = await register(account.project, receiver);
      const events = new SseReader(await account.project.fetch("GET", "/threads/events"));
      await visit(await account.allow());
      account.client.fails = 400;
      await account.endSoon();
      await Promise.all([sweep(), sweep()]);
      await eventually(async () =>
        expect(await account.state()).toMatchObject({ status: "error", error: expect.any(String) }),
      );
      expect(await events.json()).toMatchObject({ type: "integration.auth_lost", integration_id: account.id });
      await events.cancel();
      await told(account.project, endpoint);
      expect(receiver.events.map(({ type, data }) => [type, data])).toEqual([
        ["integration.auth_lost", { integration_id: account.id }],
      ]);
      account.client.fails = null;
      expect((await visit(await account.allow())).status).toBe(200);
      expect(await account.state()).toMatchObject({ status: "active" });
      expect((await account.profile()).status).toBe(200);
    },
  );

  it("keeps credentials that are given while access is asked for, and says so to the person", async () => {
    const account = await open(vendor);
    const { client } = account;
    const replaceBy = (access_token: string) => async () => {
      client.meanwhile = null;
      const auth_data = { client_id: client.id, client_secret: client.secret, ...vendor.auth, access_token };
      await account.project.post(account.path, { auth_data });
      client.access = access_token;
    };
    client.meanwhile = replaceBy(`first-${client.id}`);
    expect((await visit(await account.allow())).status).toBe(409);
    expect((await account.profile()).json).toMatchObject(vendor.profile);
    if (!vendor.refreshes) return;
    expect((await visit(await account.allow())).status).toBe(200);
    client.meanwhile = replaceBy(`second-${client.id}`);
    await account.endSoon();
    await sweep();
    await eventually(() => expect(client.access).toBe(`second-${client.id}`));
    await eventually(async () => expect((await account.profile()).json).toMatchObject(vendor.profile));
  });

  it("has a profile that says what is wrong: access taken back, or a vendor that is not there", async () => {
    const account = await open(vendor);
    await visit(await account.allow());
    account.client.isDown = true;
    const away = await account.profile();
    expect([away.status, away.json.error]).toEqual([502, expect.any(String)]);
    expect((await account.state()).status).toBe("active");
    account.client.isDown = false;
    account.client.access = "another";
    expect((await account.profile()).status).toBe(422);
    expect((await account.state()).status).toBe("error");
  });

  it("asks for a client where none is given", async () => {
    const project = await newProject();
    const auth_data = { token: "t", access_token: "a", ...vendor.auth };
    const { json, status } = await project.post("/integrations", { name: "V", vendor: vendor.name, auth_data });
    // A vendor that cannot do without a client says so at once.
    const refusal = status === 422 ? json : (await project.post(`/integrations/${json.id}/oauth/start`)).json;
    expect(refusal.issues[0].path).toBe("auth_data.client_id");
  });
});
