/** A table that few threads need. It is made with its first row: making one costs as much as all the rows of a turn. */
export class RareTable {
  readonly #sql: SqlStorage;
  readonly #name: string;
  readonly #columns: string;
  readonly #indexes: string;
  #exists: boolean | null = null;

  /** `indexes`: the statements that make them. */
  constructor(sql: SqlStorage, name: string, columns: string, indexes = "") {
    this.#sql = sql;
    this.#name = name;
    this.#columns = columns;
    this.#indexes = indexes;
  }

  /** To be asked before anything is read. */
  get exists(): boolean {
    this.#exists ??= this.#sql.exec("select 1 from sqlite_master where name = ?", this.#name).toArray().length > 0;
    return this.#exists;
  }

  /** To be called before anything is written. */
  ensure(): void {
    if (!this.exists) this.#sql.exec(`create table ${this.#name} (${this.#columns}); ${this.#indexes}`);
    this.#exists = true;
  }

  clear(): void {
    if (this.exists) this.#sql.exec(`delete from ${this.#name}`);
  }

  /** What is remembered may have been rolled back, or deleted. */
  reread(): void {
    this.#exists = null;
  }
}
