import { Hono } from "hono";
import { html } from "hono/html";
import { creditsOf } from "../core/billing/credits.ts";
import { notFound } from "../core/errors.ts";
import { findInvoice, type Invoice } from "../core/billing/invoices.ts";
import { publicContext, type App } from "../http/tenant.ts";
import { limited } from "./limited.ts";

/** Where the link of an invoice leads whose payment an administrator confirms. Who has the link may read it. */
export const pay = new Hono<App>().get("/pay/:id", limited, async (c) => {
  const id = c.req.param("id");
  const invoice = await findInvoice(publicContext(c), id);
  if (!invoice) throw notFound("invoice", id);
  return c.html(page(invoice), 200, { "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'" });
});

const STATES: Record<Invoice["status"], string> = {
  pending: "This invoice is open. Its payment is confirmed by the administrator of this server.",
  paid: "This invoice is paid.",
  cancelled: "This invoice is cancelled.",
};

const page = ({ id, amount, currency, credits, status }: Invoice) =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Invoice</title>
        <style>
          body {
            font:
              16px/1.5 system-ui,
              sans-serif;
            margin: 4rem auto;
            max-width: 32rem;
            padding: 0 1rem;
          }
        </style>
      </head>
      <body>
        <h1>${(amount / 100).toFixed(2)} ${currency.toUpperCase()}</h1>
        <p>for ${creditsOf(credits).toLocaleString("en")} credits</p>
        <p>${STATES[status]}</p>
        <p><small>Invoice ${id}</small></p>
      </body>
    </html>`;
