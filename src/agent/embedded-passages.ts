/** One thing the bot was told, and the words it can be found by: its own and those of what it stands under. */
type Passage = { text: string; words: Set<string>; isOrder: boolean };

/** Cuts what the bot was told into sentences. Headings, titles and questions are not passages, but lead to the next ones. */
export function passagesOf(told: string): Passage[] {
  const passages: Passage[] = [];
  let heading = { text: "", at: 0 };
  let question = "";
  for (const line of told.split("\n").map((text) => text.trim())) {
    const endsSection = line === "" && passages.length > heading.at;
    if (endsSection || HEADING.test(line)) heading = { text: line, at: passages.length };
    else {
      for (const text of sentencesOf(line.replace(LIST_MARKER, ""))) {
        const isQuestion = text.endsWith("?");
        if (!isQuestion) passages.push(passage(text, `${heading.text} ${question}`));
        question = isQuestion ? text : "";
      }
    }
  }
  return passages;
}

const HEADING = /^#{1,6}\s|^\[\d+\]|^\*\*[^*]+\*\*:?$|:$/;
const LIST_MARKER = /^(?:[-*+•>]|\d+[.)])\s+/;

const sentencesOf = (line: string) =>
  line.split(/(?<=[.!?…])\s+(?=["“«(]?[\p{Lu}\p{N}])/u).filter((text) => /[\p{L}\p{N}]/u.test(text));

const passage = (text: string, context: string): Passage => ({
  text,
  words: new Set([...stemsOf(context), ...stemsOf(text)]),
  isOrder: ORDER.test(text),
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

const isAbout = ({ isOrder }: Passage, matched: number, asked: number) =>
  isOrder ? matched > asked / 2 : matched >= 3 || matched > asked / 4;

const rarity = (word: string, passages: Passage[]) =>
  Math.log(1 + passages.length / (1 + passages.filter(({ words }) => words.has(word)).length));

const stemsOf = (text: string) =>
  wordsOf(text)
    .filter((word) => !STOP_WORDS.has(word))
    .map((word) => word.slice(0, 10).replace(ENDING, "").slice(0, 5));

/** Lower-case words without diacritics. */
export const wordsOf = (text: string): string[] =>
  text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu) ?? [];

/** Endings of short words; those of long ones fall to the cut. */
const ENDING = /(?:(?<=^.{4,})[aeo]s?|(?<=^.{3,})(?:ing|ed|s|[аеоуыэюяиь]|ов|ам|ом|ах|ои))$/u;

export const COMMON_WORDS = {
  en: wordsOf(
    `a an the and or but if of to in on at by for from with about as is are was were be been am do does did have has had
     can could will would shall should may might must i you he she it we they me my your our their us them this that
     these those what which who when where why how much many there here not no yes please tell any some so just also
     than then too want need know get take`,
  ),
  ru: wordsOf(
    `и а но или что как где когда почему зачем кто какой какая какие какое сколько в во на с со к ко у о об от до из за
     по для при без не ни да нет ли же бы это этот эта эти то тот я ты вы он она оно они мы мне меня вас вам нас нам ваш
     ваша ваши мой моя мои есть быть был будет можно нужно надо скажите подскажите пожалуйста`,
  ),
  pt: wordsOf(
    `o a os as um uma e ou mas se de da dos das em na nos nas por pelo pela para com sem que qual quais quanto quanta
     quantos quando onde como porque quem eu você vocês ele ela eles meu minha seu sua isso isto este esta há tem ter ser
     são está foi não sim posso pode quero preciso favor muito mais é vocês`,
  ),
};

const STOP_WORDS = new Set(Object.values(COMMON_WORDS).flat());
