import type { Outgoing, Standing, VendorMessage } from "../core/channels/channels.ts";
import { wording, type Account } from "./channel.ts";
import { cutIntoPieces, type Markup } from "./pieces.ts";
import { approvalQuestion } from "./questions.ts";
import { richText } from "./rich-text.ts";

/** What a voice assistant says where the bot has said nothing. An integration's settings may word it otherwise. */
export const spoken = {
  greeting: (account: Account) => wording(account, "greeting_text", "Здравствуйте! Чем я могу помочь?"),
  instead: (account: Account, standing: Standing): string => wording(account, ...WORDS[standing]),
};

const WORDS: Record<Standing, [name: string, ours: string]> = {
  working: ["wait_text", "Мне нужно ещё немного времени. Спросите, пожалуйста, «готово?»"],
  answered: ["wait_text", "Мне нужно ещё немного времени. Спросите, пожалуйста, «готово?»"],
  failed: ["error_text", "Сейчас я не могу ответить. Попробуйте, пожалуйста, позже."],
  taken: ["operator_text", "Я передал ваше сообщение оператору. Спросите чуть позже, есть ли ответ."],
};

export const MORE = "Дальше";
export const READY = "Готово?";

const REMINDERS =
  /^(ну( что)?|готов[оа]?|уже готово|дальше|продолж(и|ай|айте|ить)|слушаю|что там|есть ответ|ответ( готов)?|жду)$/;

/** Whether somebody asks for what they were promised, and says nothing else. */
export const isReminder = (text: string): boolean =>
  REMINDERS.test(
    text
      .toLowerCase()
      .replace(/[^\p{L}\s]/gu, "")
      .trim(),
  );

/** What is read aloud: without the marks that only the eye needs. */
export const speakable = (text: string): string =>
  text
    .replace(/https?:\/\/\S+/g, "ссылка")
    .replace(/[*_#`|~<>•☐☑]/g, " ")
    .replace(/[^\S\n]+/g, " ")
    .trim();

/** Fields of a call may be anything. */
export const textIn = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : "";

type Link = { title: string; url: string };

/** Addresses are buttons, not words: nobody wants them read aloud. */
const unlinked = (limit: number): Markup => ({
  limit,
  block: (block) => block.runs.map(({ text }) => text).join(""),
});

/** The messages of a voice assistant: what is shown, which answers are offered, and where it leads. */
export function composeSpoken(outgoing: Outgoing, limit: number): VendorMessage[] {
  const isQuestion = outgoing.type === "approval";
  const markdown = isQuestion ? approvalQuestion(outgoing) : outgoing.text;
  const pieces = cutIntoPieces(markdown, unlinked(limit));
  return pieces.map(({ text }, index) => {
    const isLast = index === pieces.length - 1;
    const buttons = isQuestion && isLast ? ["Да", "Нет"] : [];
    return { text, buttons, links: isLast ? linksIn(markdown) : [] };
  });
}

function linksIn(markdown: string): Link[] {
  const links = richText(markdown)
    .flatMap(({ runs }) => runs)
    .flatMap(({ text, href }) => (href && /^https?:/.test(href) ? [{ title: text, url: href }] : []));
  return links.filter(({ url }, index) => links.findIndex((other) => other.url === url) === index);
}

/** The answers that are offered with some messages, and where these lead: no more than one looks at. */
export const offersOf = (messages: VendorMessage[]) => ({
  answers: messages.flatMap((message) => message["buttons"] as string[]),
  links: messages.flatMap((message) => message["links"] as Link[]).slice(0, MOST_LINKS),
});

const MOST_LINKS = 5;
