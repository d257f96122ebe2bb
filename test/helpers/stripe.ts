import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { app } from "../../src/app.ts";
import type { Answer } from "./project.ts";

const SECRET_KEY = "sk_test_of_the_tests";
const WEBHOOK_SECRET = "whsec_of_the_tests";

const servers = new Map<string, FakeStripe>();
const realFetch = globalThis.fetch;

/** Set once for all files, which share one runtime. */
globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const server = servers.get(new URL(request.url).hostname);
  return server ? server.answer(request) : realFetch(request);
};

type Session = { id: string; url: string; fields: Record<string, string> };

/** Stripe as far as Checkout goes, under a name of its own: it checks what the real one would. */
export class FakeStripe {
  readonly host = `${crypto.randomUUID()}.stripe.test`;
  readonly sessions: Session[] = [];
  /** Statuses with which the next calls fail. */
  failures: number[] = [];
  readonly #byKey = new Map<string, { body: string; session: Session }>();

  constructor() {
    servers.set(this.host, this);
  }

  /** A server whose invoices are paid here. */
  async call(key: string, method: string, path: string, body?: object, headers: Record<string, string> = {}) {
    const settings = {
      ...env,
      STRIPE_SECRET_KEY: SECRET_KEY,
      STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
      STRIPE_API_BASE_URL: `https://${this.host}`,
    };
    const request = new Request(`http://test${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const response = await app.fetch(request, settings, createExecutionContext());
    return { status: response.status, json: await response.json<Answer["json"]>() };
  }

  /** Tells of an event as Stripe does. */
  async tell(type: string, session: Session, changes: object = {}, secret = WEBHOOK_SECRET, at = Date.now()) {
    const { id, fields } = session;
    const metadata = { invoice_id: fields["metadata[invoice_id]"], project_id: fields["metadata[project_id]"] };
    const object = { id, object: "checkout.session", payment_status: "paid", metadata, ...changes };
    const event = { id: `evt_${crypto.randomUUID()}`, object: "event", type, data: { object } };
    const body = JSON.stringify(event);
    const seconds = Math.floor(at / 1000);
    const signature = `t=${seconds},v1=${await hmac(secret, `${seconds}.${body}`)}`;
    const headers = { "stripe-signature": signature, "content-type": "application/json" };
    return this.call("none", "POST", "/payments/webhook", event, headers);
  }

  async answer(request: Request): Promise<Response> {
    const failure = this.failures.shift();
    if (failure) return refuse(failure, "api_error", "fails as the test wants");
    if (request.headers.get("authorization") !== `Bearer ${SECRET_KEY}`) {
      return refuse(401, "invalid_request_error", "Invalid API Key provided");
    }
    const { pathname } = new URL(request.url);
    if (request.method !== "POST" || pathname !== "/v1/checkout/sessions") {
      return refuse(404, "invalid_request_error", `Unrecognized request URL ${pathname}`);
    }
    return this.#create(request.headers.get("idempotency-key"), await request.text());
  }

  #create(key: string | null, body: string): Response {
    const fields = Object.fromEntries(new URLSearchParams(body));
    const missing = REQUIRED.find((name) => !fields[name]);
    if (missing) return refuse(400, "invalid_request_error", `Missing required param: ${missing}`);
    const known = key === null ? undefined : this.#byKey.get(key);
    if (known && known.body !== body) return refuse(400, "idempotency_error", "Keys for idempotent requests differ");
    const session = known?.session ?? this.#open(fields);
    if (key !== null) this.#byKey.set(key, { body, session });
    return Response.json({ id: session.id, object: "checkout.session", url: session.url });
  }

  #open(fields: Record<string, string>): Session {
    const id = `cs_test_${crypto.randomUUID()}`;
    const session = { id, url: `https://checkout.stripe.test/c/pay/${id}`, fields };
    this.sessions.push(session);
    return session;
  }
}

const REQUIRED = [
  "mode",
  "success_url",
  "line_items[0][quantity]",
  "line_items[0][price_data][currency]",
  "line_items[0][price_data][unit_amount]",
  "line_items[0][price_data][product_data][name]",
];

const refuse = (status: number, type: string, message: string) =>
  Response.json({ error: { type, message } }, { status });

async function hmac(secret: string, text: string): Promise<string> {
  const bytes = (value: string) => new TextEncoder().encode(value);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes(secret), algorithm, false, ["sign"]);
  const signed = await crypto.subtle.sign("HMAC", key, bytes(text));
  return Array.from(new Uint8Array(signed), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
