import { DomainError } from "../core/errors.ts";
import type { PaymentPort } from "../core/ports.ts";

/** Payments that an administrator confirms: the page says what is due, nobody calls. */
export const manualPayments = (currency: string): PaymentPort => ({
  provider: "manual",
  currency,
  open: async ({ id }, { origin }) => ({ url: `${origin}/pay/${id}`, reference: null }),
  read: async () => {
    throw new DomainError("not_found", "no payment provider is set up");
  },
});
