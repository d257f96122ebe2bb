/** How the model behaves when it is asked. `before` and `after` say on which side of the first word something goes wrong. */
export type Fault =
  | "none"
  | "split"
  | "no-done"
  | "flaky"
  | "busy"
  | "tool"
  | `${"error" | "cut" | "malformed" | "hang"}-${"before" | "after"}`
  | "unauthorized"
  | "very-busy"
  | "html"
  | "empty"
  | "stops-after";

/** One message of a person, with all that is planned about it. */
export type Question = {
  /** One word that no other message has. */
  code: string;
  fault: Fault;
  words: number;
  /** How many of the words are said before something goes wrong. */
  said: number;
  paceMs: number;
  /** What makes a repetition known: an Idempotency-Key, the message's id, or nothing. */
  identity: "key" | "message" | "nothing";
  /** How many times the same request is sent at once. */
  twins: number;
  format: "worken" | "ui";
  /** After how many events the reader's connection is gone, once for each entry. */
  leaves: number[];
  awayMs: number;
};

/** The question as it is asked: it tells the model of this program how to behave. */
export const textOf = ({ code, fault, words, said, paceMs }: Question) =>
  `${code} asks [${fault} ${words} ${said} ${paceMs}]`;

export function readQuestion(text: string): Pick<Question, "code" | "fault" | "words" | "said" | "paceMs"> | null {
  const match = /^(\w+) asks \[([\w-]+) (\d+) (\d+) (\d+)\]$/.exec(text);
  if (!match) return null;
  const [words, said, paceMs] = match.slice(3).map(Number) as [number, number, number];
  return { code: match[1]!, fault: match[2] as Fault, words, said, paceMs };
}

/** Not only letters: what is cut between two bytes of a character must come out whole. */
const ORNAMENTS = ["", " é", " 🙂", "\n", " 漢字", ' "quoted"', " \\n", " <b>"];

export const wordOf = (code: string, index: number) => `${code}w${index}${ORNAMENTS[index % ORNAMENTS.length]} `;

/** Called again, the model answers otherwise, from its first word on: whose answer begins anew after a crash is seen. */
export const inCall = (call: number, index: number, word: string) =>
  call > 1 && index === 0 ? word.replace(/w0/, `w0x${call}`) : word;

/** The same in whichever call it was said. */
export const ofAnyCall = (text: string) => text.replace(/^(\w+?w0)x\d+/, "$1");

/** What the model says of a question, as far as it comes. */
export const wordsOf = (code: string, count: number) =>
  Array.from({ length: count }, (_, index) => wordOf(code, index)).join("");

/** How the answer must end, and what it must say, when nobody and no crash interferes. */
export function expectedAnswer({ code, fault, words, said }: Question): { status: string; content: string } {
  if (["none", "split", "no-done", "flaky", "busy", "tool"].includes(fault)) {
    return { status: "complete", content: wordsOf(code, words) };
  }
  if (fault.endsWith("-after")) return { status: "interrupted", content: wordsOf(code, said) };
  return { status: "failed", content: "" };
}
