export type Access = {
  projectId: string;
  chatId: string;
  botId: string;
  settings: { model: string; instruction: string };
};

const encoder = new TextEncoder();
const FRESH_MS = 2000;

const known = new Map<string, { access: Access; readAt: number }>();

/** Who calls, and with which bot he talks; null: it is not his. */
export async function findAccess(db: D1Database, key: string, chatId: string): Promise<Access | null> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(key)));
  const hash = Buffer.from(digest).toString("hex");
  const cached = known.get(hash + chatId);
  if (cached && Date.now() - cached.readAt < FRESH_MS) return cached.access;
  const access = await readAccess(db, hash, chatId);
  if (access) known.set(hash + chatId, { access, readAt: Date.now() });
  return access;
}

async function readAccess(db: D1Database, hash: string, chatId: string): Promise<Access | null> {
  const [keys, chats] = await db.batch<Record<string, string>>([
    db
      .prepare("select p.id as project_id from api_keys k join projects p on p.id = k.project_id where k.hash = ?")
      .bind(hash),
    db
      .prepare(
        "select c.project_id, b.id as bot_id, b.settings from chats c join bots b on b.id = c.bot_id where c.id = ?",
      )
      .bind(chatId),
  ]);
  const [[key], [chat]] = [keys!.results, chats!.results];
  if (!key || chat?.["project_id"] !== key["project_id"]) return null;
  const settings = JSON.parse(chat!["settings"]!) as Access["settings"];
  return { projectId: key["project_id"]!, chatId, botId: chat!["bot_id"]!, settings };
}
