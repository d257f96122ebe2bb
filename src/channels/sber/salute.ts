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

export const LONGEST_TEXT = 1024;
const MOST_BUBBLES = 5;

type Request = {
  messageName?: unknown;
  sessionId?: unknown;
  messageId?: unknown;
  uuid?: { sub?: unknown; userId?: unknown; userChannel?: unknown } | null;
  payload?: {
    message?: { original_text?: unknown; asr_normalized_message?: unknown } | null;
    app_info?: { projectId?: unknown } | null;
    device?: unknown;
    intent?: unknown;
    projectName?: unknown;
  } | null;
};

const requestOf = ({ body }: WebhookCall) => JSON.parse(body) as Request;

/** The project is named in the call; the secret is in the address that was entered for the SmartApp by hand. */
export function isOurApp(account: Account, call: WebhookCall): boolean {
  const [project, request] = [credential(account, "project_id"), requestOf(call)];
  if (typeof request.messageName !== "string") return false;
  return project === "" || request.payload?.app_info?.projectId === project;
}

/** Who is logged in is the same person on every device. */
const personOf = ({ uuid }: Request) => textIn(uuid?.sub) || textIn(uuid?.userId);

function textOf({ messageName, payload }: Request): string {
  if (messageName !== "MESSAGE_TO_SKILL") return "";
  return (textIn(payload?.message?.asr_normalized_message) || textIn(payload?.message?.original_text)).trim();
}

export function readSalute(call: WebhookCall): Incoming[] {
  const request = requestOf(call);
  const [text, key] = [textOf(request), personOf(request)];
  if (text === "") return [];
  const eventId = `${textIn(request.sessionId)}/${textIn(request.messageId)}`;
  const sender = { key, name: null };
  return [{ eventId, chatKey: key, sender, at: null, type: "message", messageKey: eventId, text, files: [] }];
}

const SPEAKING = new Set<unknown>(["MESSAGE_TO_SKILL", "RUN_APP"]);

export function callerOf(call: WebhookCall): Caller | null {
  const request = requestOf(call);
  const [text, chatKey] = [textOf(request), personOf(request)];
  if (chatKey === "" || !SPEAKING.has(request.messageName)) return null;
  return { chatKey, isReminder: text === "" || isReminder(text) };
}

export function speakSalute(
  account: Account,
  call: WebhookCall,
  messages: VendorMessage[],
  standing: Standing,
): Spoken {
  const said = fitting(messages);
  const isSilent = textOf(requestOf(call)) === "";
  const nothing = isSilent ? spoken.greeting(account) : spoken.instead(account, standing);
  const texts = said.length > 0 ? said.map(({ text }) => text as string) : [nothing];
  const waits = said.length < messages.length ? [MORE] : standing === "working" ? [READY] : [];
  const { answers, links } = offersOf(said);
  const buttons = [...[...answers, ...waits].map(textButton), ...links.map(linkButton)];
  return { answer: answerTo(call, texts, buttons), said: said.length };
}

/** As many as are said in one breath. */
function fitting(messages: VendorMessage[]): VendorMessage[] {
  let [count, length] = [0, 0];
  for (const { text } of messages.slice(0, MOST_BUBBLES)) {
    length += (text as string).length + 1;
    if (count > 0 && length > LONGEST_TEXT) break;
    count += 1;
  }
  return messages.slice(0, count);
}

const textButton = (title: string) => ({
  title,
  action: { type: "text", text: title, should_send_to_backend: true },
});

const linkButton = ({ title, url }: { title: string; url: string }) => ({
  title,
  action: { type: "deep_link", deep_link: url },
});

/** Who opens the app is greeted; who leaves it wants no answer; of anything else we know nothing. */
export function answerSalute(account: Account, call: WebhookCall): WebhookAnswer {
  const { messageName } = requestOf(call);
  if (messageName === "CLOSE_APP") return json({});
  if (SPEAKING.has(messageName)) return answerTo(call, [spoken.greeting(account)], []);
  return json({ ...identityOf(requestOf(call)), messageName: "NOTHING_FOUND", payload: {} });
}

const json = (body: object): WebhookAnswer => ({
  status: 200,
  body: JSON.stringify(body),
  contentType: "application/json",
});

/** What an answer repeats of the call that it belongs to; a null is not allowed in it. */
function identityOf({ sessionId, messageId, uuid }: Request) {
  return { sessionId: sessionId ?? "", messageId: messageId ?? 0, uuid: uuid ?? {} };
}

function answerTo(call: WebhookCall, texts: string[], buttons: object[]): WebhookAnswer {
  const request = requestOf(call);
  const { device, intent, projectName } = request.payload ?? {};
  const payload = {
    ...(device ? { device } : {}),
    ...(typeof intent === "string" ? { intent } : {}),
    ...(typeof projectName === "string" ? { projectName } : {}),
    pronounceText: texts.map(speakable).filter(Boolean).join("\n").slice(0, LONGEST_TEXT) || texts[0],
    pronounceTextType: "application/text",
    items: texts.map((text) => ({ bubble: { text, expand_policy: "auto_expand" } })),
    ...(buttons.length > 0 ? { suggestions: { buttons } } : {}),
    auto_listening: true,
    finished: false,
  };
  return json({ ...identityOf(request), messageName: "ANSWER_TO_USER", payload });
}
