import { expect, it } from "vitest";
import { callWorker, newProject } from "../helpers/project.ts";

/** Routes of no dialect, where nobody has a key: each with every kind of nonsense. */
const IDS = ["x", "%00", "%ff", "..%2f..", "a".repeat(5000), "\u{1F600}", "%ED%A0%80", "' or 1=1 --", "__proto__"];
const BODIES = ["", "null", "[]", '{"', "x".repeat(1_100_000), "[".repeat(100_000), '{"id":"\\ud800"}', "\u0000"];
const HEADERS: Record<string, string>[] = [
  {},
  { "stripe-signature": "t=1,v1=00" },
  { "stripe-signature": "t=,v1=,v1=x".repeat(200) },
  { "content-type": "multipart/form-data; boundary=" },
  { "content-length": "5" },
];

const INTERNALS = /\bat \S+ \(|\.ts:\d|node_modules|SQLITE|D1_|TypeError/;

async function statusOf(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  const response = await callWorker(
    new Request(`http://test${path}`, { method, headers, ...(body === undefined ? {} : { body }) }),
  );
  const text = await response.text();
  return [`${method} ${path.slice(0, 80)}`, response.status >= 400 && response.status < 500, INTERNALS.test(text)];
}

const refused = (method: string, path: string) => [`${method} ${path.slice(0, 80)}`, true, false];

it("refuses an id of nothing, whatever it looks like", async () => {
  const project = await newProject();
  const { json } = await project.post("/integrations", { name: "Web", vendor: "worken", auth_data: {} });
  const paths = [...IDS, json.id].flatMap((id) => [`/pay/${id}`, `/integrations/${id}/webhook`]);
  for (const path of paths) expect.soft(await statusOf("GET", path)).toEqual(refused("GET", path));
  for (const path of paths) expect.soft(await statusOf("POST", path, "{}")).toEqual(refused("POST", path));
});

it("takes no news of payments from anybody", async () => {
  for (const headers of HEADERS) {
    for (const body of BODIES) {
      const path = "/payments/webhook";
      expect.soft(await statusOf("POST", path, body, headers), JSON.stringify(headers)).toEqual(refused("POST", path));
    }
  }
});

it("finishes no consent that nobody began", async () => {
  for (const id of IDS) {
    for (const query of [`state=${id}`, `code=${id}`, `state=${id}&code=${id}`, `error=${id}`, `state=a&state=${id}`]) {
      const path = `/integrations/oauth/callback?${query}`;
      expect.soft(await statusOf("GET", path)).toEqual(refused("GET", path));
    }
  }
});
