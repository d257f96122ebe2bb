const TAGS = new Set(["b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "a", "code", "pre", "blockquote"]);

/** What the Bot API makes of HTML: the text without tags, or the complaint with which it refuses it. */
export function parseTelegramHtml(html: string): { text: string } | { error: string } {
  const open: string[] = [];
  let text = "";
  for (const [token] of html.matchAll(/<[^>]*>|&[^;\s&<]*;?|[^<&]+|[<&]/g)) {
    if (token.startsWith("&")) {
      const character = { "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"' }[token];
      if (character === undefined) return { error: `unescaped ${token}` };
      text += character;
    } else if (token.startsWith("<")) {
      const complaint = tag(token, open);
      if (complaint) return { error: complaint };
    } else text += token;
  }
  return open.length > 0 ? { error: `can't find end tag of ${open.at(-1)}` } : { text };
}

function tag(token: string, open: string[]): string | null {
  const [, slash, name = "", attributes = ""] = /^<(\/?)([a-z]+)((?: [a-z-]+="[^"<>]*")*)>$/.exec(token) ?? [];
  if (!TAGS.has(name)) return `unsupported start tag ${token}`;
  if (slash) return open.pop() === name ? null : `unexpected end tag ${token}`;
  const around = open.at(-1);
  if (around === "code" || (around === "pre" && name !== "code")) return `${name} inside ${around}`;
  if (name === "a" && (open.includes("a") || !/^ href="[^"]+"$/.test(attributes))) return `bad link ${token}`;
  if (name === "blockquote" && open.includes("blockquote")) return "nested blockquote";
  if (name === "code" && attributes && !/^ class="language-[^"]+"$/.test(attributes)) return `bad attribute ${token}`;
  open.push(name);
  return null;
}
