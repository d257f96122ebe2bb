import { COMMON_WORDS, wordsOf } from "../lib/words.ts";

type Language = keyof typeof COMMON_WORDS;

type Phrases = {
  greeting: string;
  /** Stands before what is quoted. */
  found: string;
  notFound: string;
  /** The same, for a bot that has documents. */
  notInDocuments: string;
  /** For a bot without any instruction. */
  untold: string;
  handedOver: string;
  /** What is said once in a conversation. */
  note: string;
};

export const PHRASES: Record<Language, Phrases> = {
  en: {
    greeting: "Hello! How can I help you?",
    found: "Here is what I was told about that:",
    notFound: "My instructions say nothing about that.",
    notInDocuments: "That is not in the documents I have.",
    untold: "Nobody has told me anything yet. Give me an instruction, and I will answer from it.",
    handedOver: "I am handing you over to a person.",
    note: "I am Parley's offline model: I can only quote what I was told. For a real one set OPENAI_API_KEY, and the model of this bot.",
  },
  ru: {
    greeting: "Здравствуйте! Чем могу помочь?",
    found: "Вот что мне об этом известно:",
    notFound: "В моих инструкциях об этом ничего не сказано.",
    notInDocuments: "В документах, которые у меня есть, этого нет.",
    untold: "Мне пока ничего не рассказали. Дайте мне инструкцию, и я буду отвечать по ней.",
    handedOver: "Передаю вас человеку.",
    note: "Я офлайн-модель Parley и умею только цитировать то, что мне сообщили. Для настоящей задайте OPENAI_API_KEY и модель этого бота.",
  },
  pt: {
    greeting: "Olá! Como posso ajudar?",
    found: "Isto é o que me disseram sobre o assunto:",
    notFound: "As minhas instruções não dizem nada sobre isso.",
    notInDocuments: "Isso não está nos documentos que tenho.",
    untold: "Ainda não me disseram nada. Escreva uma instrução e eu responderei a partir dela.",
    handedOver: "Vou passar esta conversa para uma pessoa.",
    note: "Sou o modelo offline do Parley: só sei citar o que me disseram. Para um modelo de verdade, defina OPENAI_API_KEY e o modelo deste bot.",
  },
};

const GREETINGS: Record<Language, string[]> = {
  en: wordsOf("hi hello hey hiya there good morning afternoon evening day greetings"),
  ru: wordsOf("привет приветик здравствуйте здравствуй добрый доброе добрая день утро вечер хай"),
  pt: wordsOf("olá oi alô bom boa dia tarde noite tudo bem"),
};

/** The language of a question as far as its commonest words tell; else English. */
export function languageOf(text: string): Language {
  if (/\p{Script=Cyrillic}/u.test(text)) return "ru";
  const words = wordsOf(text);
  const common = (language: Language) =>
    words.filter((word) => COMMON_WORDS[language].includes(word) || GREETINGS[language].includes(word)).length;
  return /[ãõç]/i.test(text.normalize("NFC")) || common("pt") > common("en") ? "pt" : "en";
}

/** Whether a message is a greeting and nothing else. */
export function isGreeting(text: string): boolean {
  const words = wordsOf(text);
  const greetings = GREETINGS[languageOf(text)];
  return words.length > 0 && words.length <= 4 && words.every((word) => greetings.includes(word));
}

const STAFF = String.raw`(?:human|operator|manager|agent|representative|оператор\S*|менеджер\S*|сотрудник\S*|humano|atendente|operadora?|gerente)`;
const ANYBODY = String.raw`(?:${STAFF}|person|someone|somebody|человек\S*|pessoa|alguem)`;
const TALK = String.raw`(?:talk|speak|chat|connect|transfer|поговор\S*|соедин\S*|переключ\S*|перевед\S*|позов\S*|свяж\S*|falar|conversar|transfer\S*|transfir\S*|chamar|conect\S*)`;
const WISH = String.raw`(?:want|need|get|call|хочу|хотел\S*|нуж\S*|дайте|quero|preciso|gostaria)`;

const REQUESTS = [
  new RegExp(` ${TALK}(?: \\S+){0,3} ${ANYBODY} `),
  new RegExp(` ${WISH}(?: \\S+){0,2} ${STAFF} `),
  new RegExp(` (?:real|live|жив\\S*) ${ANYBODY} `),
  new RegExp(`^(?: \\S+)? ${STAFF}(?: please| now| пожалуиста| por favor)? $`),
];

/** Whether a message clearly asks for a human being instead of a bot. */
export function asksForPerson(text: string): boolean {
  const words = ` ${wordsOf(text).join(" ")} `;
  return REQUESTS.some((request) => request.test(words));
}
