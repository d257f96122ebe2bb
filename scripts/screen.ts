const LEFT = 64;

/** Two columns in a terminal: on the left what is said, as it comes, on the right what happens meanwhile. */
export class Screen {
  #column = 0;
  readonly #beside: string[] = [];

  header(left: string, right: string): void {
    this.#write(left);
    this.beside(right);
    this.#newLine();
    console.log("─".repeat(LEFT + 40));
  }

  say(who: string, text: string): void {
    this.begin(who);
    this.add(text);
    this.end();
  }

  note(text: string): void {
    this.add(`(${text})`);
    this.end();
  }

  begin(who: string): void {
    this.add(`${who}: `);
  }

  /** Shows a piece of text at once; a word that does not fit begins the next line. */
  add(text: string): void {
    for (const piece of text.split(/(\n|\s+)/)) {
      if (piece === "\n" || piece === "\n\n") this.#newLine();
      else if (piece !== "") this.#word(piece);
    }
  }

  /** Shows something on the right, beside the next line that ends. */
  beside(text: string): void {
    this.#beside.push(text);
  }

  /** Ends the line, and shows what is left for the right. */
  end(): void {
    if (this.#column > 0) this.#newLine();
    while (this.#beside.length > 0) this.#newLine();
  }

  #word(word: string): void {
    if (this.#column + word.length > LEFT - 2) this.#newLine();
    if (this.#column > 0 || word.trim() !== "") this.#write(word);
  }

  #write(text: string): void {
    process.stdout.write(text);
    this.#column += text.length;
  }

  #newLine(): void {
    const right = this.#beside.shift();
    process.stdout.write(right === undefined ? "\n" : `${" ".repeat(Math.max(LEFT - this.#column, 1))}│ ${right}\n`);
    this.#column = 0;
  }
}
