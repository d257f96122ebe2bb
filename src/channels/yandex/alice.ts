import type {
  Caller,
  Incoming,
  Spoken,
  Standing,
  VendorMessage,
  WebhookAnswer,
  WebhookCall,
} from "../../core/channels/channels.ts";
import { credential, type Account } from "../channel.ts";
import { isReminder, MORE, offersOf, READY, speakable, spoken, textIn } from "../spoken.ts";

/** Of what is shown and of what is said, each. */
export const LONGEST_TEXT = 1024;
const LONGEST_TITLE = 64;

type Request = {
  request?: { command?: unknown; original_utterance?: unknown; type?: unknown } | null;
  session?: {
    new?: unknown;
    message_id?: unknown;
    session_id?: unknown;
    skill_id?: unknown;
    user_id?: unknown;
    user?: { user_id?: unknown } | null;
    application?: { application_id?: unknown } | null;
  } | null;
};

const requestOf = ({ body }: WebhookCall) => JSON.parse(body) as Request;

/** The skill is named in the call; the secret is in the address that was entered for the skill by hand. */
export function isOurSkill(account: Account, call: WebhookCall): boolean {
  const [skill, request] = [credential(account, "skill_id"), requestOf(call)];
  if (typeof request.session?.skill_id !== "string") return false;
  return skill === "" || request.session.skill_id === skill;
}

/** One who is logged in is the same person on every device. */
const personOf = ({ session }: Request): string =>
  textIn(session?.user?.user_id) || textIn(session?.application?.application_id) || textIn(session?.user_id);

/** What was said after the name of the skill, where that was said too; else as it was said. */
function textOf({ request, session }: Request): string {
  const [command, whole] = [textIn(request?.command), textIn(request?.original_utterance)];
  return (session?.new === true || command === "" ? command : whole || command).trim();
}

/** A call by which it is found out whether we are there. */
const isPing = ({ request }: Request) => textIn(request?.original_utterance) === "ping" && !textIn(request?.command);

export function readAlice(call: WebhookCall): Incoming[] {
  const request = requestOf(call);
  const [text, key] = [textOf(request), personOf(request)];
  if (text === "" || isPing(request)) return [];
  const eventId = `${textIn(request.session?.session_id)}/${textIn(request.session?.message_id)}`;
  const sender = { key, name: null };
  return [{ eventId, chatKey: key, sender, at: null, type: "message", messageKey: eventId, text, files: [] }];
}

/** Who opens the skill, and says nothing yet, hears what was promised before. */
export function callerOf(call: WebhookCall): Caller | null {
  const request = requestOf(call);
  const [text, chatKey] = [textOf(request), personOf(request)];
  if (chatKey === "" || isPing(request)) return null;
  return { chatKey, isReminder: text === "" || isReminder(text) };
}

export function speakAlice(account: Account, call: WebhookCall, messages: VendorMessage[], standing: Standing): Spoken {
  const said = fitting(messages);
  const isSilent = textOf(requestOf(call)) === "";
  const nothing = isSilent ? spoken.greeting(account) : spoken.instead(account, standing);
  const text = said.length > 0 ? joined(said) : nothing;
  const waits = said.length < messages.length ? MORE : standing === "working" ? READY : null;
  const { answers, links } = offersOf(said);
  const buttons = [
    ...[...answers, ...(waits ? [waits] : [])].map((title) => ({ title, hide: true })),
    ...links.map(({ title, url }) => ({ title: title.slice(0, LONGEST_TITLE), url, hide: false })),
  ];
  return { answer: answerOf(text, buttons), said: said.length };
}

const joined = (messages: VendorMessage[]) => messages.map(({ text }) => text as string).join("\n\n");

/** The longest beginning that one answer takes. */
function fitting(messages: VendorMessage[]): VendorMessage[] {
  let count = 0;
  while (count < messages.length && joined(messages.slice(0, count + 1)).length <= LONGEST_TEXT) count += 1;
  return messages.slice(0, count);
}

export const greetAlice = (account: Account): WebhookAnswer => answerOf(spoken.greeting(account), []);

function answerOf(text: string, buttons: object[]): WebhookAnswer {
  const shown = text.slice(0, LONGEST_TEXT);
  const response = { text: shown, tts: speakable(shown) || shown, buttons, end_session: false };
  return { status: 200, body: JSON.stringify({ response, version: "1.0" }), contentType: "application/json" };
}
