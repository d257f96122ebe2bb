import type { Context } from "hono";
import type { Page } from "../../core/pages.ts";
import type { App } from "../../http/tenant.ts";

/** A bare list, as this API has them; where the next page is says a `Link` header. */
export function pageView<T, V>(c: Context<App>, page: Page<T>, view: (item: T) => V): V[] {
  if (page.next) {
    const next = new URL(c.req.url);
    next.searchParams.set("cursor", page.next);
    next.searchParams.delete("api_key");
    c.header("link", `<${next.pathname}${next.search}>; rel="next"`);
  }
  return page.items.map(view);
}
