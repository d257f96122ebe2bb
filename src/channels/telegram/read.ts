import type { Incoming, RemoteFile, Sender } from "../../core/channels/channels.ts";
import { readDecisionPayload } from "../questions.ts";

type User = { id: number; is_bot?: boolean; first_name?: string; last_name?: string; username?: string };
type Chat = { id: number; type?: string; title?: string };
type File = { file_id: string; file_name?: string; mime_type?: string; file_size?: number };

type Message = {
  message_id: number;
  date?: number;
  chat: Chat;
  from?: User;
  text?: string;
  caption?: string;
  message_thread_id?: number;
  is_topic_message?: boolean;
  photo?: (File & { width?: number; height?: number })[];
  document?: File;
  voice?: File;
  audio?: File;
  video?: File;
  video_note?: File;
  animation?: File;
  sticker?: File & { emoji?: string; is_animated?: boolean; is_video?: boolean };
  location?: { latitude: number; longitude: number };
  contact?: { phone_number: string; first_name: string; last_name?: string };
};

export type Update = {
  update_id: number;
  message?: Message;
  edited_message?: Message;
  callback_query?: { id: string; from: User; data?: string; message?: Message };
  my_chat_member?: { chat: Chat; from: User; date?: number; new_chat_member?: { status?: string } };
};

/** What we ask Telegram to tell us. */
export const ALLOWED_UPDATES = ["message", "edited_message", "callback_query", "my_chat_member"];

export function readUpdate(update: Update): Incoming[] {
  if (typeof update?.update_id !== "number") return [];
  const eventId = String(update.update_id);
  if (update.message) return readMessage(eventId, update.message);
  if (update.edited_message) return readEdit(eventId, update.edited_message);
  if (update.callback_query) return readDecision(eventId, update.callback_query);
  if (update.my_chat_member) return readMembership(eventId, update.my_chat_member);
  return [];
}

function readMessage(eventId: string, message: Message): Incoming[] {
  if (message.from?.is_bot) return [];
  const [text, files] = [textOf(message), filesOf(message)];
  if (text === "" && files.length === 0) return [];
  return [{ eventId, ...placeOf(message), type: "message", messageKey: String(message.message_id), text, files }];
}

function readEdit(eventId: string, message: Message): Incoming[] {
  const text = textOf(message);
  if (text === "" || message.from?.is_bot) return [];
  return [{ eventId, ...placeOf(message), type: "edit", messageKey: String(message.message_id), text }];
}

function readDecision(eventId: string, query: NonNullable<Update["callback_query"]>): Incoming[] {
  const decision = readDecisionPayload(query.data);
  if (!decision || !query.message) return [];
  const receipt = { queryId: query.id, chatId: query.message.chat.id, messageId: query.message.message_id };
  const place = { ...placeOf(query.message), sender: senderOf(query.from), at: null };
  return [{ eventId, ...place, type: "decision", ...decision, receipt }];
}

function readMembership(eventId: string, change: NonNullable<Update["my_chat_member"]>): Incoming[] {
  const status = change.new_chat_member?.status;
  if (!status) return [];
  const reachable = status !== "kicked" && status !== "left";
  const place = { chatKey: String(change.chat.id), sender: null, at: timeOf(change.date) };
  return [{ eventId, ...place, type: "reachability", reachable }];
}

/** In a forum each topic is a conversation of its own. */
const placeOf = (message: Message) => ({
  chatKey: message.is_topic_message ? `${message.chat.id}/${message.message_thread_id}` : String(message.chat.id),
  sender: message.from ? senderOf(message.from) : null,
  at: timeOf(message.date),
});

const timeOf = (seconds: number | undefined) => (seconds === undefined ? null : seconds * 1000);

function senderOf({ id, first_name, last_name, username }: User): Sender {
  const name = [first_name, last_name].filter(Boolean).join(" ");
  return { key: String(id), name: name || username || null };
}

function textOf({ text, caption, sticker, location, contact }: Message): string {
  if (text !== undefined) return text;
  if (caption !== undefined) return caption;
  if (sticker?.emoji) return sticker.emoji;
  if (location) return `${location.latitude}, ${location.longitude}`;
  if (contact) return `${[contact.first_name, contact.last_name].filter(Boolean).join(" ")} ${contact.phone_number}`;
  return "";
}

function filesOf(message: Message): RemoteFile[] {
  const { message_id: id } = message;
  const photo = message.photo?.at(-1);
  const { document, voice, audio, video, video_note: note, animation } = message;
  return [
    file(photo, `photo-${id}.jpg`, "image/jpeg"),
    // A GIF comes as a document too.
    animation ? file(animation, `animation-${id}.mp4`, "video/mp4") : file(document, `document-${id}`, UNKNOWN_TYPE),
    file(voice, `voice-${id}.ogg`, "audio/ogg"),
    file(audio, `audio-${id}.mp3`, "audio/mpeg"),
    file(video, `video-${id}.mp4`, "video/mp4"),
    file(note, `video-note-${id}.mp4`, "video/mp4"),
  ].filter((found) => found !== null);
}

const UNKNOWN_TYPE = "application/octet-stream";

const file = (found: File | undefined, name: string, mediaType: string): RemoteFile | null =>
  found
    ? {
        ref: found.file_id,
        name: found.file_name ?? name,
        mediaType: found.mime_type ?? mediaType,
        sizeBytes: found.file_size ?? null,
      }
    : null;
