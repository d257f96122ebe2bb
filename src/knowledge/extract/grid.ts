import { LIMITS, tooLong } from "./limits.ts";

const MAX_COLUMNS = 1000;
const MAX_SPAN = 200;
/** A cell that spans rows is said again in each of them, so that every row can be understood alone; a long text is not. */
const MAX_REPEATED = 200;

/** A table as it is read, cell by cell. */
export class Grid {
  readonly rows: string[][] = [];
  headerCells = 0;
  isOpen = false;
  text = "";
  #span = { columns: 1, rows: 1 };
  #below = new Map<number, { rows: number; text: string }>();
  #characters = 0;

  openRow(): void {
    this.closeCell();
    this.rows.push([]);
    this.#fillFromAbove();
  }

  openCell(options: { isHeader?: boolean; columns?: number; rows?: number } = {}): void {
    this.closeCell();
    if (this.rows.length === 0) this.openRow();
    this.isOpen = true;
    if (options.isHeader && this.rows.length === 1) this.headerCells++;
    this.#span = { columns: bounded(options.columns), rows: bounded(options.rows) };
  }

  /** For formats that say how wide a cell is only within it. */
  widen(columns: number): void {
    this.#span.columns = bounded(columns);
  }

  closeCell(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const row = this.rows.at(-1)!;
    if (this.#span.rows > 1) this.#below.set(row.length, { rows: this.#span.rows - 1, text: this.#repeated() });
    this.#push(this.text);
    for (let extra = 1; extra < this.#span.columns; extra++) this.#push("");
    this.text = "";
    this.#fillFromAbove();
  }

  /** Whether the first row names the columns. */
  get hasHeader(): boolean {
    return this.headerCells > 0 && this.headerCells >= (this.rows[0]?.filter((text) => text.trim()).length ?? 0);
  }

  #repeated = () => (this.text.length <= MAX_REPEATED ? this.text : "");

  #push(text: string): void {
    this.#characters += text.length + 1;
    if (this.#characters > LIMITS.characters) throw tooLong();
    const row = this.rows.at(-1)!;
    if (row.length < MAX_COLUMNS) row.push(text);
  }

  #fillFromAbove(): void {
    const row = this.rows.at(-1)!;
    for (let above = this.#below.get(row.length); above; above = this.#below.get(row.length)) {
      if (above.rows > 1) this.#below.set(row.length, { ...above, rows: above.rows - 1 });
      else this.#below.delete(row.length);
      this.#push(above.text);
      if (row.length >= MAX_COLUMNS) return;
    }
  }
}

const bounded = (span = 1) => Math.min(Math.max(Math.trunc(span) || 1, 1), MAX_SPAN);
