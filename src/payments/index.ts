import type { PaymentPort } from "../core/ports.ts";
import { manualPayments } from "./manual.ts";
import { stripePayments } from "./stripe.ts";

type PaymentSettings = {
  BILLING_CURRENCY: string;
  STRIPE_SECRET_KEY?: string | undefined;
  STRIPE_WEBHOOK_SECRET?: string | undefined;
  STRIPE_API_BASE_URL?: string | undefined;
};

/** The provider that is set up. To add one: its file here, and a line. */
export function openPayments(settings: PaymentSettings): PaymentPort {
  const { BILLING_CURRENCY: currency, STRIPE_SECRET_KEY: secretKey, STRIPE_WEBHOOK_SECRET: webhookSecret } = settings;
  if (!secretKey || !webhookSecret) return manualPayments(currency);
  return stripePayments({ secretKey, webhookSecret, baseUrl: settings.STRIPE_API_BASE_URL, currency });
}
