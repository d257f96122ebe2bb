import { Stripe } from "stripe";
import { DomainError } from "../core/errors.ts";
import type { PaymentNews, PaymentPort } from "../core/ports.ts";

export type StripeOptions = {
  secretKey: string;
  webhookSecret: string;
  /** Another server than Stripe's own. */
  baseUrl: string | undefined;
  currency: string;
};

/** Payments by Stripe Checkout: Stripe's page takes the money, its webhook tells us of it. */
export function stripePayments(options: StripeOptions): PaymentPort {
  const { currency, webhookSecret } = options;
  let client: Stripe | null = null;
  const stripe = () => (client ??= openClient(options));
  return {
    provider: "stripe",
    currency,
    open: (invoice, { offer, origin }) =>
      calling(async () => {
        const page = `${origin}/pay/${invoice.id}`;
        const { url, id } = await stripe().checkout.sessions.create(
          {
            mode: "payment",
            client_reference_id: invoice.id,
            metadata: { invoice_id: invoice.id, project_id: invoice.projectId },
            line_items: [
              {
                quantity: 1,
                price_data: {
                  currency,
                  unit_amount: smallestUnits(invoice.amount, currency),
                  product_data: { name: offer.name },
                },
              },
            ],
            success_url: page,
            cancel_url: page,
          },
          { idempotencyKey: invoice.id },
        );
        if (!url) throw new DomainError("upstream_failed", "Stripe names no page to pay on");
        return { url, reference: id };
      }),
    async read({ headers, body }) {
      const signature = headers.get("stripe-signature") ?? "";
      const event = await stripe()
        .webhooks.constructEventAsync(body, signature, webhookSecret, undefined, Stripe.createSubtleCryptoProvider())
        .catch(() => {
          throw new DomainError("unauthenticated", "this call is not signed by Stripe");
        });
      return newsIn(event);
    },
  };
}

const openClient = ({ secretKey, baseUrl }: StripeOptions) =>
  new Stripe(secretKey, {
    httpClient: Stripe.createFetchHttpClient((input: string | URL | Request, init?: RequestInit) => fetch(input, init)),
    maxNetworkRetries: 2,
    timeout: 20_000,
    telemetry: false,
    ...(baseUrl ? addressOf(new URL(baseUrl)) : {}),
  });

const addressOf = ({ protocol, hostname, port }: URL) => ({
  protocol: protocol === "http:" ? ("http" as const) : ("https" as const),
  host: hostname,
  port: port || (protocol === "http:" ? 80 : 443),
});

async function calling<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    console.error("stripe", error.type, error.code, error.message);
    throw new DomainError("upstream_failed", "the payment provider does not take the invoice at the moment");
  }
}

/** What an event says about one of our invoices. A payment that is still under way is no news. */
function newsIn({ type, data }: Stripe.Event): PaymentNews | null {
  switch (type) {
    case "checkout.session.completed":
      return data.object.payment_status === "unpaid" ? null : newsOf(data.object, "paid");
    case "checkout.session.async_payment_succeeded":
      return newsOf(data.object, "paid");
    case "checkout.session.async_payment_failed":
    case "checkout.session.expired":
      return newsOf(data.object, "cancelled");
    default:
      return null;
  }
}

const newsOf = ({ metadata }: Stripe.Checkout.Session, status: PaymentNews["status"]): PaymentNews | null =>
  metadata?.["invoice_id"] ? { invoiceId: metadata["invoice_id"], status } : null;

/** Currencies without hundredths. */
const WHOLE = new Set("bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split(" "));

const smallestUnits = (hundredths: number, currency: string) =>
  WHOLE.has(currency) ? Math.ceil(hundredths / 100) : hundredths;
