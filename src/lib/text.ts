/** At most `limit` UTF-16 units of a text, never ending in half a character. */
export const truncate = (text: string, limit: number) =>
  text.length <= limit ? text : text.slice(0, limit).replace(/[\uD800-\uDBFF]$/, "");
