import type { Incoming } from "../../core/channels/channels.ts";

/** Not shown by GitHub: by it we know our own comments, whoever's token they were written with. */
export const OURS = "<!-- parley -->";

export type User = { id: number; login: string; type?: string; avatar_url?: string };
type Post = { number: number; title: string; body?: string | null; user: User; created_at?: string };

export type Event = {
  action?: string;
  installation?: { id: number };
  repository?: { full_name: string };
  issue?: Post;
  discussion?: Post & { node_id: string };
  pull_request?: { number: number };
  comment?: { id: number; body: string; user: User; created_at?: string; updated_at?: string };
};

const COMMENTS = new Set(["issue_comment", "pull_request_review_comment", "discussion_comment"]);

/** What we want to hear of a repository. */
export const EVENTS = ["issues", "discussion", ...COMMENTS];

export function readEvent(name: string, eventId: string, event: Event): Incoming[] {
  const { action, repository, issue, discussion, comment } = event;
  const [chatKey, author] = [chatKeyOf(event), comment?.user ?? issue?.user ?? discussion?.user];
  if (!repository || !chatKey || !author || author.type === "Bot") return [];
  const shared = { eventId, chatKey, sender: senderOf(author) };
  const opened = name === "issues" ? (action === "opened" && issue) || null : openedDiscussion(name, event);
  if (opened) {
    const text = [opened.title, opened.body ?? ""].filter(Boolean).join("\n\n");
    const messageKey = issue ? "issue" : "discussion";
    return [{ ...shared, at: timeOf(opened.created_at), type: "message", messageKey, text, files: [] }];
  }
  if (!COMMENTS.has(name) || !comment?.body || comment.body.includes(OURS)) return [];
  const what = { messageKey: String(comment.id), text: comment.body };
  if (action === "created") return [{ ...shared, at: timeOf(comment.created_at), type: "message", ...what, files: [] }];
  return action === "edited" ? [{ ...shared, at: timeOf(comment.updated_at), type: "edit", ...what }] : [];
}

const openedDiscussion = (name: string, { action, discussion }: Event) =>
  (name === "discussion" && action === "created" && discussion) || null;

/** An issue is answered by its number, a discussion by the id that GraphQL knows it by. */
function chatKeyOf({ repository, issue, pull_request, discussion }: Event): string | null {
  const number = issue?.number ?? pull_request?.number ?? discussion?.number;
  if (!repository || !number) return null;
  const place = `${repository.full_name}#${number}`;
  return discussion ? `${place}/${discussion.node_id}` : place;
}

const senderOf = ({ id, login, avatar_url }: User) => ({ key: String(id), name: login, avatarUrl: avatar_url ?? null });
const timeOf = (iso: string | undefined) => (iso === undefined ? null : Date.parse(iso));
