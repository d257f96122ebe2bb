export type Status = "pending" | "streaming" | "complete" | "interrupted" | "failed" | "stopped";
export type Part =
  | { type: "text"; text: string }
  | { type: "tool-call"; toolCallId: string; toolName: string; args: null };

export type ModelMessage = {
  /** Known once the thread has said it. */
  id: string;
  author: "person" | "bot" | "operator";
  status: Status;
  parts: Part[];
};

/** What is to be said or done later. `runs`: how often it still recurs; null: it does not. `isDue`: its time has come. */
export type Plan = {
  /** Known once the thread has planned it. */
  id: string;
  kind: "send" | "task" | "answer";
  text: string;
  isDue: boolean;
  cancelIfReply: boolean;
  runs: number | null;
  status: "pending" | "paused" | "completed" | "cancelled";
};

type Turn = { message: ModelMessage; continues: boolean; recoveries: number; plan?: Plan };
type Ending = { status: Status; parts: Part[]; approvals: number; mode: string | null; plans?: Plan[] };
const isOpen = ({ status }: Plan) => status === "pending" || status === "paused";
type Question = { id: string | undefined; text: string };

const textPart = (text: string): Part => ({ type: "text", text });

/** What a thread is, said as plainly as possible: no tables, no counters kept up to date, everything worked out anew. */
export class ThreadModel {
  mode = "auto";
  messages: ModelMessage[] = [];
  turns: Turn[] = [];
  approvals: { message: ModelMessage; status: string }[] = [];
  /** Messages that live events have announced, also those that a regeneration has removed since. */
  announced = new Set<ModelMessage>();
  keys = new Map<string, ModelMessage | null>();
  plans: Plan[] = [];

  get running(): ModelMessage | null {
    return this.turns[0]?.message ?? null;
  }

  get pendingCount(): number {
    const answered = this.messages.findLastIndex(
      ({ author, status }) => author !== "person" && !["pending", "streaming", "failed"].includes(status),
    );
    return this.messages.slice(answered + 1).filter(({ author }) => author === "person").length;
  }

  get counts(): { user: number; bot: number } {
    const said = this.messages.filter((message) => this.announced.has(message));
    const user = said.filter(({ author }) => author === "person").length;
    return { user, bot: said.length - user };
  }

  /** Answers the message that the post led to; null: none. */
  post(questions: Question[], key: string | null): ModelMessage | null {
    if (key !== null && this.keys.has(key)) return this.keys.get(key)!;
    const known = questions.map(({ id }) => this.messages.find((message) => id !== undefined && message.id === id));
    const answer = known.every(Boolean) ? this.#answerTo(known.at(-1)!) : undefined;
    const led = answer ?? this.#accept(questions.filter((_, index) => !known[index]));
    if (key !== null) this.keys.set(key, led);
    return led;
  }

  /** What a person writes, to be answered later. False: it is not answered at all. */
  postLater(text: string, plan: Plan): boolean {
    this.#append("person", "complete", [textPart(text)]);
    this.announced.add(this.messages.at(-1)!);
    this.#cancel(({ cancelIfReply }) => cancelIfReply);
    this.#expire();
    if (this.mode === "blocked") return false;
    this.plans.push(plan);
    return true;
  }

  /** False: refused. */
  plan(plan: Plan): boolean {
    if (this.mode === "blocked" || (plan.kind === "send" && this.mode !== "manual")) return false;
    this.plans.push(plan);
    return true;
  }

  /** False: refused. */
  replan(plan: Plan, status: "pending" | "paused", isDue: boolean): boolean {
    if (!isOpen(plan)) return false;
    Object.assign(plan, { status, isDue });
    return true;
  }

  /** False: refused. */
  cancelPlan(plan: Plan): boolean {
    if (plan.status === "completed") return false;
    plan.status = "cancelled";
    return true;
  }

  /** Its bell rings, at the right time or not. */
  fire(plan: Plan): void {
    if (plan.status !== "pending" || !plan.isDue) return;
    plan.isDue = false;
    const isRunning = this.turns.some((turn) => turn.plan === plan);
    if (plan.kind !== "send" && (this.mode !== "auto" || isRunning)) {
      if (plan.runs === null) plan.status = "cancelled";
      return;
    }
    plan.runs = (plan.runs ?? 1) - 1;
    if (plan.runs === 0) plan.status = "completed";
    if (plan.kind === "send") this.announced.add(this.#append("operator", "complete", [textPart(plan.text)]));
    else this.#openTurn(plan);
  }

  /** An answer is given anew, or a message answered anew; null: the last. False: refused. */
  regenerate(asked: ModelMessage | null): boolean {
    const message = asked ?? this.messages.at(-1)!;
    const place = this.messages.indexOf(message);
    return this.#answerAnew(message.author === "person" ? place + 1 : place);
  }

  /** False: refused. */
  reword(message: ModelMessage, text: string): boolean {
    if (this.mode !== "auto" || !this.#answerAnew(this.messages.indexOf(message) + 1)) return false;
    this.#cancel(({ cancelIfReply }) => cancelIfReply);
    message.parts = [textPart(text)];
    return true;
  }

  #answerAnew(from: number): boolean {
    if (this.turns.length > 0) return false;
    if (this.mode !== "auto") return true;
    if (this.messages.slice(from).some(({ author }) => author === "operator")) return false;
    this.#expire();
    this.messages.splice(from);
    this.#openTurn();
    return true;
  }

  say(parts: Part[]): void {
    Object.assign(this.running!, { status: "streaming", parts });
  }

  commit({ status, parts, approvals, mode, plans = [] }: Ending): void {
    const turn = this.turns.shift()!;
    this.#finish(turn, status, parts);
    for (let index = 0; index < approvals; index++) this.approvals.push({ message: turn.message, status: "pending" });
    this.plans.push(...plans);
    if (mode) this.#change(mode, null);
  }

  setMode(mode: string, draft: Part[] | null, key: string | null): void {
    if (key !== null && this.keys.has(key)) return;
    if (key !== null) this.keys.set(key, null);
    if (mode !== this.mode) this.#change(mode, draft);
  }

  stop(draft: Part[] | null): void {
    const turn = this.turns.shift();
    if (turn) this.#close(turn, draft);
  }

  /** False: refused. */
  send(text: string, key: string | null): boolean {
    if (key !== null && this.keys.has(key)) return true;
    if (this.mode !== "manual") return false;
    const message = this.#append("operator", "complete", [textPart(text)]);
    this.announced.add(message);
    if (key !== null) this.keys.set(key, message);
    return true;
  }

  decide(index: number, approved: boolean): void {
    const approval = this.approvals[index]!;
    approval.status = approved ? "approved" : "rejected";
    const { message } = approval;
    if (this.approvals.some((other) => other.message === message && other.status === "pending")) return;
    message.status = "pending";
    this.turns.push({ message, continues: true, recoveries: 0 });
  }

  /** The object is lost and comes back. */
  crash(): void {
    const [turn] = this.turns;
    if (!turn) return;
    turn.recoveries += 1;
    const { status, parts } = turn.message;
    if (status !== "streaming" && turn.recoveries <= 3) return;
    this.turns.shift();
    this.#finish(turn, status === "streaming" ? "interrupted" : "failed", parts);
  }

  abandon(): void {
    const turn = this.turns.shift()!;
    this.#finish(turn, "failed", turn.message.parts);
  }

  #answerTo(question: ModelMessage): ModelMessage | undefined {
    return this.messages.slice(this.messages.indexOf(question)).find(({ author }) => author !== "person");
  }

  #accept(questions: Question[]): ModelMessage | null {
    for (const { id, text } of questions) this.announced.add(this.#append("person", "complete", [textPart(text)], id));
    if (questions.length > 0) this.#cancel(({ cancelIfReply }) => cancelIfReply);
    this.#expire();
    return this.mode === "auto" ? this.#openTurn() : null;
  }

  #openTurn(plan?: Plan): ModelMessage {
    const message = this.#append("bot", "pending", []);
    this.turns.push({ message, continues: false, recoveries: 0, ...(plan && { plan }) });
    return message;
  }

  #cancel(isMeant: (plan: Plan) => boolean): void {
    for (const plan of this.plans) if (isOpen(plan) && isMeant(plan)) plan.status = "cancelled";
  }

  #append(author: ModelMessage["author"], status: Status, parts: Part[], id = ""): ModelMessage {
    const message = { id, author, status, parts };
    this.messages.push(message);
    return message;
  }

  #change(mode: string, draft: Part[] | null): void {
    const turns = this.turns.splice(0);
    for (const [index, turn] of turns.entries()) this.#close(turn, index === 0 ? draft : null);
    this.#expire();
    if (mode === "blocked") this.#cancel(() => true);
    this.mode = mode;
  }

  #close(turn: Turn, draft: Part[] | null): void {
    const parts = draft ?? turn.message.parts;
    if (parts.length > 0) this.#finish(turn, "stopped", parts);
    else this.messages = this.messages.filter((message) => message !== turn.message);
  }

  #finish({ message }: Turn, status: Status, parts: Part[]): void {
    Object.assign(message, { status, parts });
    if (parts.length > 0) this.announced.add(message);
  }

  #expire(): void {
    for (const approval of this.approvals) if (approval.status === "pending") approval.status = "expired";
  }
}
