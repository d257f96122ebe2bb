import { stemsOf, wordsOf } from "./words.ts";

const HASH_DIMENSIONS = 256;

/**
 * A vector made of a text without any model: its stems and the trigrams of its words, hashed to places and signs. It finds
 * what is written alike, misspelt too, and knows nothing of meaning.
 */
export function hashEmbedding(text: string): Float32Array {
  const vector = new Float32Array(HASH_DIMENSIONS);
  for (const [feature, count] of countsOf(featuresOf(text))) {
    const hash = fnv(feature);
    const sign = hash & 1 ? 1 : -1;
    vector[(hash >>> 1) % HASH_DIMENSIONS]! += sign * Math.sqrt(count);
  }
  return vector;
}

function* featuresOf(text: string): Generator<string> {
  for (const stem of stemsOf(text)) yield stem;
  for (const word of wordsOf(text)) {
    const padded = `_${word}_`;
    for (let at = 0; at + 3 <= padded.length; at++) yield `#${padded.slice(at, at + 3)}`;
  }
}

function countsOf(features: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const feature of features) counts.set(feature, (counts.get(feature) ?? 0) + 1);
  return counts;
}

/** A number that is the same for the same text: 32 bits, without a sign. */
export function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
