/** Lower-case words without diacritics. */
export const wordsOf = (text: string): string[] =>
  text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu) ?? [];

/** All words of a text, cut so that the forms of a word, in most languages, become one. */
export const allStemsOf = (text: string): string[] => wordsOf(text).flatMap(stems);

/** Those that say what the text is about. */
export const stemsOf = (text: string): string[] =>
  wordsOf(text)
    .filter((word) => !STOP_WORDS.has(word))
    .flatMap(stems);

const LONGEST_STEM = 5;

/** Numbers and names with digits stay whole; scripts without spaces are cut into pairs of characters. */
function stems(word: string): string[] {
  if (UNSPACED.test(word)) return pairs(word);
  return [/\p{N}/u.test(word) ? word.slice(0, 40) : word.slice(0, 10).replace(ENDING, "").slice(0, LONGEST_STEM)];
}

const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

function pairs(word: string): string[] {
  const characters = Array.from(word);
  return characters.length < 2 ? [word] : characters.slice(1).map((character, index) => characters[index]! + character);
}

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
