import type { Markup } from "../pieces.ts";
import type { Block, Run } from "../rich-text.ts";

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Code can hold no other style; the rest may be nested in one another. */
function runHtml({ text, bold, italic, strike, code, href }: Run): string {
  if (text.trim() === "") return escaped(text);
  if (code) return `<code>${escaped(text)}</code>`;
  let html = escaped(text);
  if (strike) html = `<s>${html}</s>`;
  if (italic) html = `<i>${html}</i>`;
  if (bold) html = `<b>${html}</b>`;
  return href ? `<a href="${escaped(href)}">${html}</a>` : html;
}

function blockHtml({ runs, pre, quote }: Block): string {
  if (pre === undefined) {
    const html = runs.map(runHtml).join("");
    return quote ? `<blockquote>${html}</blockquote>` : html;
  }
  const text = escaped(runs.map((run) => run.text).join(""));
  return pre ? `<pre><code class="language-${pre}">${text}</code></pre>` : `<pre>${text}</pre>`;
}

/** The HTML that the Bot API takes. The limit counts what is left without tags; we keep within it with them. */
export const TELEGRAM_HTML: Markup = { limit: 4096, block: blockHtml };
