import { stemsOf } from "../lib/words.ts";

/**
 * One thing the bot was told, and the words it can be found by: its own and those of what it stands under. `source`: the
 * number of the document that says it.
 */
export type Passage = { text: string; words: Set<string>; isOrder: boolean; source: number | null };

/**
 * Cuts what the bot was told into sentences. Headings, titles and questions are not passages, but lead to the next ones; code
 * is one together with what announces it.
 */
export function passagesOf(told: string): Passage[] {
  const passages: Passage[] = [];
  let heading = { text: "", at: 0 };
  let question = "";
  for (const line of told.split("\n").map((text) => text.trim())) {
    const isFresh = passages.length === heading.at;
    if (CODE.test(line)) {
      if (isFresh && heading.text.endsWith(":")) passages.push(passage(`${heading.text} ${line}`, question));
    } else if ((line === "" && !isFresh) || HEADING.test(line)) heading = { text: line, at: passages.length };
    else {
      const [row, text] = readRow(line) ?? ["", line.replace(LIST_MARKER, "")];
      for (const sentence of sentencesOf(text)) {
        const isQuestion = sentence.endsWith("?");
        if (!isQuestion) passages.push(passage(sentence, `${heading.text} ${question} ${row}`));
        question = isQuestion ? sentence : "";
      }
    }
  }
  return passages;
}

const HEADING = /^#{1,6}\s|^\[\d+\]|^\*\*[^*]+\*\*:?$|:$/;
const LIST_MARKER = /^(?:[-*+•>]|\d+[.)])\s+/;
/** No sentence has so many of these signs so near to each other. */
const CODE =
  /^(?!\|)(?:(?:\$ )?(?:curl|npm|npx|git|const|import|export) |.*(?:[{}$=;<>&\\].{0,20}[{}$=;<>&\\]|[([]\{))/;

/** A row of a table: what it is about, and all of it as a text. */
function readRow(line: string): [about: string, text: string] | null {
  if (!line.startsWith("|")) return null;
  const cells = line.split("|").map((cell) => cell.trim());
  return [cells[1]!, cells.slice(1, -1).join(" | ")];
}

const sentencesOf = (line: string) =>
  line.split(/(?<=[.!?…])\s+(?=["“«(]?[\p{Lu}\p{N}])/u).filter((text) => /[\p{L}\p{N}]/u.test(text));

const passage = (text: string, context: string): Passage => ({
  text,
  words: new Set([...stemsOf(context), ...stemsOf(text)]),
  isOrder: ORDER.test(text),
  source: null,
});

/** How an instruction speaks to the bot itself, which is no answer to a person. */
const ORDER =
  /^(?:you are|you're|your (?:name|task|role|goal|job)|act|always|never|do not|don't|be|answer|reply|respond|speak|use|keep|ask|help|ты|вы [—–-]|твоя|будь|отвечай|говори|помогай|используй|никогда|всегда|você é|seja|responda|fale|nunca|sempre|ajude)(?!\p{L})/iu;

const MOST_WORDS_ASKED = 50;

/** The one to three passages that speak of what the question asks, in their own order; none when nothing really does. */
export function bestPassages(passages: Passage[], question: string): Passage[] {
  const asked = [...new Set(stemsOf(question))].slice(0, MOST_WORDS_ASKED);
  const weights = new Map(asked.map((word) => [word, rarity(word, passages)]));
  const scored = passages.map((candidate, index) => {
    const matched = asked.filter((word) => candidate.words.has(word));
    const score = matched.reduce((sum, word) => sum + (weights.get(word) ?? 0), 0);
    return { candidate, index, score: isAbout(candidate, matched.length, asked.length) ? score : 0 };
  });
  const best = scored.reduce((highest, { score }) => Math.max(highest, score), 0);
  return scored
    .filter(({ score }) => score > 0 && score >= best / 2)
    .toSorted((a, b) => b.score - a.score)
    .slice(0, 3)
    .toSorted((a, b) => a.index - b.index)
    .map(({ candidate }) => candidate);
}

/** Documents say much, and most of it answers something else. */
const isAbout = ({ isOrder, source }: Passage, matched: number, asked: number) =>
  isOrder || source !== null ? matched > asked / 2 : matched >= 3 || matched > asked / 4;

const rarity = (word: string, passages: Passage[]) =>
  Math.log(1 + passages.length / (1 + passages.filter(({ words }) => words.has(word)).length));
