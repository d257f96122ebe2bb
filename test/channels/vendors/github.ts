import { hmac } from "../../../src/lib/hash.ts";
import { fakeAt, FakeVendor, number, required, type Fields, type Said, type Sample } from "./fake-vendor.ts";

const accounts = new Map<string, FakeVendor>();

const refuse = (status: number, message: string, headers: Record<string, string> = {}) =>
  Response.json({ message, documentation_url: "https://docs.github.com" }, { status, headers });

fakeAt("http://github.test", async (request, url) => {
  const fake = accounts.get(request.headers.get("authorization")?.replace("Bearer ", "") ?? "");
  if (!fake || fake.revoked) return refuse(401, "Bad credentials");
  if (!request.headers.get("user-agent")) return refuse(403, "Request forbidden by administrative rules");
  if (url.pathname === "/user") return Response.json({ id: 77, login: "Shop-bot", avatar_url: "https://a.b/c.png" });
  const [, repository, issue] = /^\/repos\/([\w-]+\/[\w-]+)\/issues\/(\d+)\/comments$/.exec(url.pathname) ?? [];
  if (!repository) return refuse(404, "Not Found");
  const body = await request.json<Fields>();
  required(body, "body");
  if (fake.isLimited) return refuse(403, "secondary rate limit", { "retry-after": "1" });
  if (fake.unreachable) return refuse(404, "Not Found");
  const [text, mark] = String(body["body"]).split("\n\n<!-- ");
  if (text!.length > 65_536 || mark === undefined) return refuse(422, "Validation Failed");
  return Response.json(
    { id: Number(fake.send(`${repository}#${issue}`, text!).slice(5)), body: body["body"] },
    { status: 201 },
  );
});

const event = ({ chat, user, text, id, at }: Said, comment: object = {}, action = "created") => {
  const [repository, issue] = chat.split("#");
  return JSON.stringify({
    action,
    repository: { full_name: repository },
    issue: { number: Number(issue), title: "Broken", user: { id: 1, login: "ann" } },
    comment: {
      id: Number(id),
      body: text,
      user: { id: Number(user), login: "ann", type: "User" },
      created_at: at.toISOString(),
      updated_at: at.toISOString(),
      ...comment,
    },
  });
};

export const github: Sample = {
  vendor: "github",
  open: () => {
    const [fake, token] = [new FakeVendor(), `ghp_${number()}`];
    accounts.set(token, fake);
    return { fake, auth_data: { token, webhook_secret: `secret-${token}` } };
  },
  chat: () => `acme/shop#${number()}`,
  says: (said) => event(said),
  ignored: (said) => [
    event(said, { body: "I said this\n\n<!-- parley -->" }),
    event(said, { user: { id: 5, login: "ci[bot]", type: "Bot" } }),
    event(said, {}, "deleted"),
  ],
  /** A delivery is known by its number, which is no part of the body. */
  sign: async (body, account) => ({
    headers: {
      "x-github-event": "issue_comment",
      "x-github-delivery": await hmac("SHA-1", "delivery", body),
      "x-hub-signature-256": `sha256=${await hmac("SHA-256", String(account["webhook_secret"]), body)}`,
    },
  }),
  setsUp: false,
  tearsDown: false,
};
