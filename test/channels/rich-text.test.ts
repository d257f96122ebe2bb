import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutIntoPieces } from "../../src/channels/pieces.ts";
import { plainText, richText } from "../../src/channels/rich-text.ts";
import { TELEGRAM_HTML } from "../../src/channels/telegram/html.ts";
import { parseTelegramHtml } from "../helpers/telegram-html.ts";

const html = (markdown: string) => cutIntoPieces(markdown, TELEGRAM_HTML).map(({ text }) => text);
const plain = (markdown: string) => plainText(richText(markdown));

describe("Markdown as Telegram's HTML", () => {
  it.each([
    ["**b** *i* ~~s~~ `c`", "<b>b</b> <i>i</i> <s>s</s> <code>c</code>"],
    ["**bold and *both***", "<b>bold and </b><b><i>both</i></b>"],
    ["# Title\n\ntext", "<b>Title</b>\n\ntext"],
    ["a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"],
    ["&lt;b&gt; &amp;amp;", "&lt;b&gt; &amp;amp;"],
    ['[shop](https://a.b/?x=1&y="2)', '<a href="https://a.b/?x=1&amp;y=%222">shop</a>'],
    ["[bad](javascript:alert(1))", "bad"],
    ["![logo](https://a.b/c.png)", '<a href="https://a.b/c.png">logo</a>'],
    ["```js\nif (a < b) {}\n```", '<pre><code class="language-js">if (a &lt; b) {}</code></pre>'],
    ["```\nplain\n```", "<pre>plain</pre>"],
    ["> wise\n> words", "<blockquote>wise\nwords</blockquote>"],
    ["- one\n- two\n  - deep\n- [x] done", "• one\n• two\n   • deep\n☑ done"],
    ["3. three\n4. four", "3. three\n4. four"],
    ["- **a**: x\n\n- b", "• <b>a</b>: x\n• b"],
    ["| a | b |\n|---|---|\n| 1 | 22 |", "<pre>a  b\n-  --\n1  22</pre>"],
    ["one\n\n---\n\ntwo", "one\n\n———\n\ntwo"],
    ["<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"],
    ["line one\nline two", "line one\nline two"],
    ["see [1]\n\n[1]: https://a.b", 'see <a href="https://a.b">1</a>\n\n[1]: https://a.b'],
    ["**unclosed", "**unclosed"],
    ["snake_case_name and 2*3", "snake_case_name and 2*3"],
    ["\\*not bold\\*", "*not bold*"],
  ])("%j", (markdown, expected) => {
    expect(html(markdown)).toEqual([expected]);
  });

  it("says where a link leads when there is no markup for it", () => {
    expect(plain("[shop](https://a.b) and https://c.d")).toBe("shop (https://a.b) and https://c.d");
  });

  it("cuts a long list between its lines, and keeps what is bold bold on both sides of a cut", () => {
    const list = Array.from({ length: 300 }, (_, index) => `- item number ${index}`).join("\n");
    for (const piece of html(list)) expect(piece).toMatch(/^• item number \d+\n[^]*• item number \d+$/);
    const [first, second] = html(`**${"word ".repeat(1200)}end**`);
    expect(first).toMatch(/^<b>word .*<\/b>$/);
    expect(second).toMatch(/^<b>word .*end<\/b>$/);
  });

  it("never cuts a character in half", () => {
    const pieces = html("😀".repeat(5000));
    expect(pieces.join("")).toBe("😀".repeat(5000));
    expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
  });
});

const syntax = fc.constantFrom(
  ..."*_~`#>-[]()!|<&\n\\ ".split(""),
  "**",
  "```",
  "\n\n",
  "1. ",
  "- ",
  "    ",
  "| a | b |\n|--|--|\n",
  "](http://a.b)",
  "<b>",
  "</i>",
  "&amp;",
  "&lt",
  "😀",
);
const markdown = fc
  .array(
    fc.oneof({ weight: 3, arbitrary: syntax }, fc.string({ maxLength: 8 }), fc.constantFrom("word ", "x".repeat(2000))),
    {
      maxLength: 60,
    },
  )
  .map((parts) => parts.join(""));

it("whatever a model writes, Telegram can read it, within its limit, and nothing that was said is lost", () => {
  fc.assert(
    fc.property(markdown, (text) => {
      const pieces = cutIntoPieces(text, TELEGRAM_HTML);
      for (const piece of pieces) {
        const read = parseTelegramHtml(piece.text);
        expect(read).toHaveProperty("text");
        expect(piece.text.length).toBeLessThanOrEqual(4096);
        expect(piece.plain.length).toBeLessThanOrEqual(4096);
        expect("text" in read && read.text.trim()).not.toBe("");
      }
      // A row's surplus cells are not part of a table.
      if (text.includes("|")) return;
      const said = pieces.map((piece) => piece.plain).join("");
      for (const [word] of text.matchAll(/(?<![\w/&])word(?!\w)/g)) expect(said).toContain(word);
    }),
    { numRuns: 300 },
  );
});
