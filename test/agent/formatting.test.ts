import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { textFilter } from "../../src/agent/formatting.ts";

type Formatting = Parameters<typeof textFilter>[0];

const noMarkdown = { removeEmojis: false, removeMarkdown: true };
const noEmojis = { removeEmojis: true, removeMarkdown: false };
const neither = { removeEmojis: true, removeMarkdown: true };

const words = (text: string) => text.split(" ");
const MARKDOWN = words(
  "* ** *** **** _ __ ~~ ~ ` `` ``` ~~~ [ ![ ] ]( ) ( # ## > - + | |---| --- === \\ ! : :// https://a.b/c_d " +
    "_a_ **b** `c` ](https://a.b)",
);
const LINES = ["\n", "\n\n", "\r\n", "\n- ", "\n# ", "\n> ", "\n```\n", "\n| a | b |\n"];
// With halves of characters, and joiners and marks on their own.
const EMOJI = words("👋 👍🏽 👨‍👩‍👧 ❤️ ❤ 🇵🇹 1️⃣ # © 🏴󠁧󠁢󠁥󠁮󠁧󠁿 \u200D \uFE0F \uFE0E \u20E3 \uD83D \uDC4B");
const PLAIN = [" ", "  ", "word", "1", "слово", "字", "<", ".", ","];

/** What is shown of a text that streams in as these pieces. */
function shown(formatting: Formatting, pieces: string[]): string {
  const filter = textFilter(formatting);
  return pieces.map((piece) => filter.push(piece)).join("") + filter.end();
}

describe("removing Markdown", () => {
  it.each([
    ["drops the marks of headings", "# Title\n\n### Part\ntext", "Title\n\nPart\ntext"],
    ["drops the underlining of headings", "Title\n=====\ntext", "Title\ntext"],
    ["drops the marks of emphasis", "**bold**, *it*, __bold__, _it_, ~~gone~~", "bold, it, bold, it, gone"],
    ["reads emphasis within emphasis", "**a *b* c** and ***d* e** and *f **g***", "a b c and d e and f g"],
    ["reads emphasis that touches punctuation", "(**Note:** _really_!) **“so”**", "(Note: really!) “so”"],
    ["reads emphasis that ends within a word", "the **API**s", "the APIs"],
    ["reads emphasis in scripts without spaces", "这是**重点**内容", "这是重点内容"],
    ["shows inline code unchanged", "run `npm *i* _x_` and ``a ` b``", "run npm *i* _x_ and a ` b"],
    [
      "shows code blocks unchanged, without fences",
      "Try:\n```js\n# **a**\n  - b\n```\nDone",
      "Try:\n# **a**\n  - b\nDone",
    ],
    ["closes a code block with the fence that opened it", "~~~~\n```\n~~~\n~~~~", "```\n~~~"],
    ["shows a code block that never ends", "```\n*a*", "*a*"],
    [
      "puts the target of a link behind its text",
      "see [our **site**](https://a.com 'A')!",
      "see our site (https://a.com)!",
    ],
    [
      "shows the target once when the text says the same",
      "[a.com](https://www.a.com/) [me@a.com](mailto:me@a.com)",
      "a.com me@a.com",
    ],
    ["forgets targets within the page", "[above](#top)", "above"],
    ["reads targets with parentheses", "[A](https://a.com/b_(c)_d)", "A (https://a.com/b_(c)_d)"],
    [
      "shows what images say",
      "![a cat](https://a.com/cat.png) [![logo](l.png)](https://a.com)",
      "a cat logo (https://a.com)",
    ],
    ["drops the marks of quotes", "> one\n>\n>> two\n> - three", "one\n\ntwo\n- three"],
    ["shows every list with the same bullet", "* one\n  + two\n- three\n1. four", "- one\n  - two\n- three\n1. four"],
    ["drops rules and one empty line", "one\n\n---\n\ntwo\n* * *\nthree\n___", "one\n\ntwo\nthree"],
    ["keeps the cells of a table apart", "| a | **b** |\n|---|:-:|\n|1|`2`|", "a | b\n1 | 2"],
    ["resolves escapes", "\\*no\\* \\# 1\\. \\\\", "*no* # 1. \\"],
    ["understands lines that end as on Windows", "# a\r\n---\r\n```\r\n*b*\r\n```\r\nc", "a\r\n*b*\r\nc"],
  ])("%s", (_title, text, expected) => {
    expect(shown(noMarkdown, [text])).toBe(expected);
  });

  it.each([
    "2*3*4 and 5 * 3 and 5*3 = 15, (a+b)*(c)*(d)",
    "snake_case_name and _private and __dunder",
    "x**2 + y**2, f(*args, **kwargs), src/**/a/**/b, *.ts",
    "a < b > c, C# and F#, #hashtag, >5, -5, +7 900",
    "https://a.com/_next_/b_c_d*e*?f=_g_",
    "unmatched ** and `tick and ~~ and [bracket] and [this](is prose) and ![",
    "f*** this, ****1234, _____",
    "array[0](x) and [1] and [^2] and - [ ]",
    "C:\\Users\\name, |x| < 5, ||",
    "two\n\nparagraphs \n  with spaces\t\n",
  ])("leaves plain text as it is: %s", (text) => {
    expect(shown(noMarkdown, [text])).toBe(text);
  });
});

describe("removing emoji", () => {
  it.each([
    ["leaves one space between words", "Hi 👋 there 🎉 🎉 friend", "Hi there friend"],
    ["leaves no space at the beginning of a line", "👋 Hi\n🎉 there", "Hi\nthere"],
    ["leaves no space at the end of a line", "Hi 👋\nthere 🎉 \r\nfriend 👋", "Hi\nthere\r\nfriend"],
    ["leaves no space before punctuation", "Hi 👋! (ok 👍)", "Hi! (ok)"],
    ["leaves Markdown valid", "## 🎉 Title\n- 👋 **🎁 Gift** and **gift 🎁**", "## Title\n- **Gift** and **gift**"],
    ["removes sequences with joiners", "a👨‍👩‍👧‍👦b👩‍⚕️c❤‍🔥d🏳️‍🌈e", "abcde"],
    ["removes skin tones", "a👍🏽b✌🏿c", "abc"],
    ["removes flags", "a🇵🇹b🏴󠁧󠁢󠁥󠁮󠁧󠁿c", "abc"],
    ["removes keycaps", "1️⃣ one #️⃣ two *⃣", "one two"],
    ["removes symbols that are marked as emoji", "a❤️b©️c☎️", "abc"],
    ["keeps symbols that are text", "© ® ™ ✓ ☎ → 1 # * 12", "© ® ™ ✓ ☎ → 1 # * 12"],
    ["keeps joiners that belong to a script", "ක්‍ෂ", "ක්‍ෂ"],
    ["keeps the spaces of plain text", "  a  b \n\n c ", "  a  b \n\n c "],
  ])("%s", (_title, text, expected) => {
    expect(shown(noEmojis, [text])).toBe(expected);
  });
});

describe("a stream", () => {
  it("passes untouched when nothing is to be removed", () => {
    const filter = textFilter({ removeEmojis: false, removeMarkdown: false });
    expect(filter.push("**Hi** \uD83D")).toBe("**Hi** \uD83D");
    expect(filter.end()).toBe("");
  });

  it("removes both kinds together", () => {
    expect(shown(neither, ["**🎉 [Win](https://a.com) 🎉**\n---\n👋"])).toBe("Win (https://a.com)\n");
  });

  it("shows each word at once, and what is marked as soon as the mark is closed", () => {
    const filter = textFilter(neither);
    const pieces = ["Our", " **best", " offer", "**", " is", " `x`", "."];
    expect(pieces.map((piece) => filter.push(piece))).toEqual(["Our", "", "", "", " best offer is", "", " x."]);
  });

  it("never shows half a character", () => {
    const filter = textFilter(noMarkdown);
    expect([filter.push("a\uD83D"), filter.push("\uDC4Bb\uD83D"), filter.end()]).toEqual(["a", "👋b", "\uFFFD"]);
  });

  const fragments = fc.constantFrom(...MARKDOWN, ...LINES, ...EMOJI, ...PLAIN);
  const texts = fc.array(fragments, { maxLength: 40 }).map((parts) => parts.join(""));
  const formattings = fc.constantFrom(noMarkdown, noEmojis, neither);

  it("leaves no emoji behind", () => {
    const property = fc.property(texts, (text) => {
      expect(shown(noEmojis, [text])).not.toMatch(/\p{RGI_Emoji}/v);
    });
    fc.assert(property, { numRuns: 1000 });
  });

  it("shows the same however it is cut", () => {
    const property = fc.property(formattings, texts, fc.array(fc.nat(200)), (formatting, text, cuts) => {
      const whole = shown(formatting, [text]);
      expect(shown(formatting, cutAt(text, cuts))).toBe(whole);
      expect(shown(formatting, text.split(""))).toBe(whole);
    });
    fc.assert(property, { numRuns: 3000 });
  });

  it("shows the same however it is cut also where marks are too far apart to be Markdown", () => {
    const filler = fc.integer({ min: 1, max: 1100 }).map((length) => "x".repeat(length));
    const long = fc.array(fc.oneof({ weight: 4, arbitrary: fragments }, { weight: 1, arbitrary: filler }), {
      maxLength: 30,
    });
    const property = fc.property(formattings, long, fc.array(fc.nat(5000)), (formatting, parts, cuts) => {
      const text = parts.join("");
      const whole = shown(formatting, [text]);
      expect(shown(formatting, cutAt(text, cuts))).toBe(whole);
      expect(shown(formatting, text.split(""))).toBe(whole);
    });
    fc.assert(property, { numRuns: 200 });
  });

  it.each(["x", "*a ", "**", "[", "[a](b", "|a", "- ", "~", "\\", ":/", "1"])(
    "holds back little of 100 KB of %j without a line break",
    (unit) => {
      const filter = textFilter(neither);
      const length = unit
        .repeat(100_000 / unit.length)
        .split("")
        .reduce((sum, character) => sum + filter.push(character).length, 0);
      const held = filter.end().length;
      expect(held).toBeLessThan(2000);
      expect(length).toBeGreaterThan(40_000);
    },
  );
});

function cutAt(text: string, cuts: number[]): string[] {
  const places = [0, ...cuts.filter((cut) => cut < text.length).toSorted((a, b) => a - b), text.length];
  return places.slice(1).map((place, index) => text.slice(places[index], place));
}
