/** As much as one statement carries: what is bound to it must stay well under 2 MB. */
const MOST_CHARACTERS = 500_000;

/** Texts in as few lists as hold them, none of which is too long for one statement. */
export function portionsOf(texts: string[]): string[][] {
  const portions: string[][] = [];
  let size = Infinity;
  for (const text of texts) {
    size += text.length;
    if (size > MOST_CHARACTERS) {
      portions.push([]);
      size = text.length;
    }
    portions.at(-1)!.push(text);
  }
  return portions;
}
