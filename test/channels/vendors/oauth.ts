import { base64Url, sha256Bytes } from "../../../src/lib/hash.ts";
import { fakeVendors } from "../../helpers/upstream.ts";
import { number } from "./fake-vendor.ts";

const REDIRECT = "https://parley.test/integrations/oauth/callback";

/** A client that is known to a fake of a vendor's authorization server. */
export type Client = {
  id: string;
  secret: string;
  vendor: OAuthVendor;
  challenge: string | null;
  grants: string[];
  access: string;
  refresh: string;
  /** With what the authorization server answers for now; null: as it should. */
  fails: number | null;
  failed: number;
  /** Nobody answers where the access is used. */
  isDown: boolean;
  /** What happens while the authorization server makes up its mind. */
  meanwhile: (() => Promise<unknown>) | null;
};

const clients = new Map<string, Client>();

export type OAuthVendor = {
  name: string;
  /** What the integration is given besides its client. */
  auth: Record<string, string>;
  consent: string;
  /** What the consent page is asked for. */
  asks: Record<string, string>;
  pkce: boolean;
  /** Whether the consent page is told where to send the person back to. */
  namesRedirect: boolean;
  /** Whether access ends, and is renewed. */
  refreshes: boolean;
  /** What asking for the profile answers before access is allowed. */
  withoutAccess: number;
  profile: Record<string, string>;
  newClient: () => Client;
};

type Api = {
  /** Where tokens are asked for: origin and path. */
  token: [origin: string, path: string];
  grant?: (client: Client) => object;
  /** Where the access is used, whose token a request shows, and what it is answered. */
  api: string;
  path: RegExp;
  shown: (request: Request) => Promise<string> | string;
  answer: object;
};

const bearer = (request: Request) => request.headers.get("authorization")?.replace(/^(Bearer|OAuth) /, "") ?? "";

/** What another fake has at an origin stays there, but for what is said here. */
function before(origin: string, answer: (request: Request, url: URL) => Promise<Response | null>): void {
  const theirs = fakeVendors.get(origin);
  fakeVendors.set(origin, async (request) => {
    const ours = await answer(request.clone(), new URL(request.url));
    return ours ?? theirs?.(request) ?? Response.json({}, { status: 401 });
  });
}

const refuse = (error: string) => Response.json({ error, error_description: `${error}!` }, { status: 400 });

async function fieldsOf(request: Request): Promise<Record<string, string>> {
  const isJson = request.headers.get("content-type")?.includes("json");
  if (isJson) return request.json();
  return Object.fromEntries(await request.formData()) as Record<string, string>;
}

const grantOf = (client: Client) => ({
  access_token: client.access,
  refresh_token: client.refresh,
  expires_in: 3600,
  token_type: "Bearer",
});

/** Checks what an authorization server checks: whose client, which code, from where, and the proof that it is the same who began. */
async function grant(vendor: OAuthVendor, api: Api, request: Request): Promise<Response | null> {
  const fields = await fieldsOf(request);
  const client = clients.get(fields["client_id"] ?? "");
  if (client?.vendor !== vendor) return null;
  if (client.fails !== null) {
    client.failed += 1;
    return client.fails < 500 ? refuse("invalid_grant") : new Response("<html>oops", { status: client.fails });
  }
  if (fields["client_secret"] !== client.secret) return refuse("invalid_client");
  const kind = fields["grant_type"] ?? "authorization_code";
  const isRight =
    kind === "refresh_token" ? fields["refresh_token"] === client.refresh : await isTheirs(client, fields);
  if (!isRight) return refuse("invalid_grant");
  client.grants.push(kind);
  client.access = `access-${client.grants.length}-${client.id}`;
  client.refresh = `refresh-${client.grants.length}-${client.id}`;
  const granted = (api.grant ?? grantOf)(client);
  await client.meanwhile?.();
  return Response.json(granted);
}

async function isTheirs(client: Client, fields: Record<string, string>): Promise<boolean> {
  const verifier = fields["code_verifier"];
  const challenge = verifier === undefined ? null : base64Url(await sha256Bytes(verifier));
  return fields["code"] === "the-code" && fields["redirect_uri"] === REDIRECT && challenge === client.challenge;
}

const VK_GROUP = "777";

function vendorOf(given: Omit<OAuthVendor, "newClient">, api: Api): OAuthVendor {
  const vendor: OAuthVendor = {
    ...given,
    newClient: () => {
      const id = `client-${number()}`;
      const fresh = {
        challenge: null,
        grants: [],
        access: "",
        refresh: "",
        fails: null,
        failed: 0,
        isDown: false,
        meanwhile: null,
      };
      const client: Client = { id, secret: "shh", vendor, ...fresh };
      clients.set(id, client);
      return client;
    },
  };
  const [origin, path] = api.token;
  before(origin, async (request, url) => (url.pathname === path ? grant(vendor, api, request) : null));
  before(api.api, async (request, url) => {
    if (!api.path.test(url.pathname)) return null;
    const shown = await api.shown(request);
    const ours = [...clients.values()].find((client) => client.vendor === vendor && shown.endsWith(client.id));
    if (ours?.isDown) throw new TypeError("Network connection lost.");
    if (!ours) return null;
    return shown === ours.access ? Response.json(api.answer) : null;
  });
  return vendor;
}

/** A portal of Bitrix24 that knows nobody, but lets whoever has access register a bot. */
fakeVendors.set("https://oauth.bitrix24.test", async (request) => {
  const { auth } = await request.json<{ auth?: string }>();
  const isKnown = auth && !request.url.endsWith("/profile.json");
  return isKnown ? Response.json({ result: 1 }) : Response.json({ error: "NO_AUTH_FOUND" }, { status: 401 });
});

const PKCE = { pkce: true, namesRedirect: true, refreshes: true, withoutAccess: 422 };
const PLAIN = { pkce: false, namesRedirect: false, refreshes: true, withoutAccess: 422 };

export const vendors = {
  google: vendorOf(
    {
      name: "google",
      auth: {},
      consent: "https://accounts.google.com/o/oauth2/v2/auth",
      asks: { response_type: "code", scope: "openid email profile", access_type: "offline", prompt: "consent" },
      ...PKCE,
      profile: { id: "1", name: "Ann", username: "ann@a.com" },
    },
    {
      token: ["http://google-oauth.test", "/token"],
      api: "http://google.test",
      path: /^\/oauth2\/v3\/userinfo$/,
      shown: bearer,
      answer: { sub: "1", name: "Ann", email: "ann@a.com" },
    },
  ),
  yandex: vendorOf(
    {
      name: "yandex",
      auth: {},
      consent: "http://yandex-oauth.test/authorize",
      asks: { response_type: "code" },
      ...PKCE,
      profile: { id: "2", name: "Ann", username: "ann" },
    },
    {
      token: ["http://yandex-oauth.test", "/token"],
      api: "http://yandex.test",
      path: /^\/info$/,
      shown: bearer,
      answer: { id: "2", login: "ann", real_name: "Ann" },
    },
  ),
  github: vendorOf(
    {
      name: "github",
      auth: {},
      consent: "http://github-oauth.test/login/oauth/authorize",
      asks: { scope: "repo" },
      ...PKCE,
      profile: { id: "3", username: "ann" },
    },
    {
      token: ["http://github-oauth.test", "/login/oauth/access_token"],
      api: "http://github.test",
      path: /^\/user$/,
      shown: bearer,
      answer: { id: 3, login: "ann" },
    },
  ),
  vk: vendorOf(
    {
      name: "vk",
      auth: { group_id: VK_GROUP },
      consent: "http://vk-oauth.test/authorize",
      asks: { group_ids: VK_GROUP, scope: "messages,manage", response_type: "code" },
      ...PLAIN,
      namesRedirect: true,
      refreshes: false,
      profile: { id: VK_GROUP, name: "Ann's" },
    },
    {
      token: ["http://vk-oauth.test", "/access_token"],
      grant: ({ access }) => ({ groups: [{ group_id: Number(VK_GROUP), access_token: access }], expires_in: 0 }),
      api: "http://vk.test",
      path: /^\/method\//,
      shown: async (request) => (await fieldsOf(request))["access_token"] ?? "",
      answer: { response: { groups: [{ id: Number(VK_GROUP), name: "Ann's" }], server_id: 1 } },
    },
  ),
  avito: vendorOf(
    {
      name: "avito",
      auth: {},
      consent: "https://avito.ru/oauth",
      asks: { response_type: "code", scope: "messenger:read,messenger:write,user:read" },
      ...PLAIN,
      profile: { id: "5", name: "Ann" },
    },
    {
      token: ["http://avito.test", "/token"],
      api: "http://avito.test",
      path: /^\/(core|messenger)\//,
      shown: bearer,
      answer: { id: 5, name: "Ann" },
    },
  ),
  amocrm: vendorOf(
    {
      name: "amocrm",
      auth: { subdomain: "oauth-shop" },
      consent: "https://www.amocrm.ru/oauth",
      asks: { mode: "popup" },
      ...PLAIN,
      profile: { id: "6", name: "Ann" },
    },
    {
      token: ["http://amocrm.test", "/oauth-shop/oauth2/access_token"],
      api: "http://amocrm.test",
      path: /^\/oauth-shop\/api\/v4\/account$/,
      shown: bearer,
      answer: { id: 6, name: "Ann" },
    },
  ),
  bitrix: vendorOf(
    {
      name: "bitrix",
      auth: { domain: "oauth.bitrix24.test" },
      consent: "https://oauth.bitrix24.test/oauth/authorize/",
      asks: {},
      ...PLAIN,
      profile: { id: "7", name: "Ann" },
    },
    {
      token: ["http://bitrix-oauth.test", "/oauth/token/"],
      api: "https://oauth.bitrix24.test",
      path: /^\/rest\/profile\.json$/,
      shown: async (request) => (await request.json<{ auth?: string }>()).auth ?? "",
      answer: { result: { ID: "7", NAME: "Ann" } },
    },
  ),
} satisfies Record<string, OAuthVendor>;
