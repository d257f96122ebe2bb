import type { Block } from "../blocks.ts";
import { type Archive, relationsIn } from "./archive.ts";
import { BlockWriter } from "./block-writer.ts";
import { writeTable } from "./csv.ts";
import { decodeEntities } from "./entities.ts";
import { type Attributes, type MarkupReader, readMarkup } from "./markup.ts";

type Row = { number: number; cells: Map<number, string> };
type Format = "number" | "date" | "time" | "percent";

const MAX_DENSE_CELLS = 2_000_000;

/** Every shared text, without the readings that are noted above Chinese signs. */
function sharedTexts(source: string | undefined): string[] {
  return [...(source ?? "").matchAll(/<si>([\s\S]*?)<\/si>|<si\/>/g)].map(([, item = ""]) =>
    [...item.replace(/<rPh[\s\S]*?<\/rPh>/g, "").matchAll(/<t(?:\s[^>]*)?>([^<]*)<\/t>/g)]
      .map(([, text]) => decodeEntities(text!))
      .join(""),
  );
}

function formatOfCode(code: string): Format {
  const bare = code.replace(/"[^"]*"|\[[^\]]*\]|\\./g, "");
  if (bare.includes("%")) return "percent";
  if (/[yd]/i.test(bare)) return "date";
  return /[hs]/i.test(bare) ? "time" : "number";
}

function formatOfId(id: number, codes: Map<number, string>): Format {
  if (codes.has(id)) return formatOfCode(codes.get(id)!);
  if (id === 9 || id === 10) return "percent";
  if ((id >= 14 && id <= 17) || id === 22) return "date";
  return (id >= 18 && id <= 21) || (id >= 45 && id <= 47) ? "time" : "number";
}

/** How the values of each style of cells are shown. */
function formatsIn(source = ""): Format[] {
  const codes = new Map<number, string>();
  for (const [, attributes] of source.matchAll(/<numFmt\s([^>]*)>/g))
    codes.set(
      Number(/numFmtId="(\d+)"/.exec(attributes!)?.[1]),
      decodeEntities(/formatCode="([^"]*)"/.exec(attributes!)?.[1] ?? ""),
    );
  const styles = /<cellXfs[\s\S]*?<\/cellXfs>/.exec(source)?.[0] ?? "";
  return [...styles.matchAll(/<xf\s([^>]*)>/g)].map(([, attributes]) =>
    formatOfId(Number(/numFmtId="(\d+)"/.exec(attributes!)?.[1] ?? 0), codes),
  );
}

const plain = (value: number) => String(Number(value.toPrecision(15)));

/** A day is a number that counts from 1900, or from 1904 in old workbooks of the Macintosh. */
function shown(value: string, format: Format, firstYear: number): string {
  const number = Number(value);
  if (!Number.isFinite(number) || format === "number") return Number.isFinite(number) && value ? plain(number) : value;
  if (format === "percent") return `${plain(number * 100)}%`;
  const epoch = firstYear === 1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, 30);
  const milliseconds = epoch + Math.round(number * 86_400) * 1000;
  if (Math.abs(milliseconds) > 8e15) return value;
  const [day, time] = new Date(milliseconds).toISOString().split("T");
  if (format === "time" && number < 1) return time!.slice(0, 8);
  return number % 1 === 0 ? day! : `${day} ${time!.slice(0, 5)}`;
}

const columnOf = (reference: string) =>
  [...reference.matchAll(/[A-Z]/g)].reduce((sum, [letter]) => sum * 26 + letter.charCodeAt(0) - 64, 0);

class SheetReader implements MarkupReader {
  readonly rows: Row[] = [];
  readonly #show: (value: string, type: string, style: number) => string;
  #cell: { column: number; type: string; style: number; value: string } | null = null;
  #reads = false;

  constructor(show: (value: string, type: string, style: number) => string) {
    this.#show = show;
  }

  open(tag: string, attributes: Attributes): void {
    if (tag === "row")
      this.rows.push({ number: Number(attributes.get("r") ?? this.rows.length + 1), cells: new Map() });
    else if (tag === "c") {
      const column = columnOf(attributes.get("r") ?? "") || (this.rows.at(-1)?.cells.size ?? 0) + 1;
      this.#cell = { column, type: attributes.get("t") ?? "n", style: Number(attributes.get("s") ?? 0), value: "" };
    } else if (tag === "v" || tag === "t") this.#reads = true;
  }

  close(tag: string): void {
    if (tag === "v" || tag === "t") this.#reads = false;
    if (tag !== "c" || !this.#cell) return;
    const { column, type, style, value } = this.#cell;
    const text = value && this.#show(value, type, style);
    if (text) this.rows.at(-1)?.cells.set(column, text);
    this.#cell = null;
  }

  text(text: string): void {
    if (this.#reads && this.#cell) this.#cell.value += text;
  }
}

/** Rows between empty ones are a table of their own. */
function tablesOf(rows: Row[]): Row[][] {
  const tables: Row[][] = [];
  for (const row of rows.filter(({ cells }) => cells.size > 0)) {
    const last = tables.at(-1)?.at(-1);
    if (last && row.number === last.number + 1) tables.at(-1)!.push(row);
    else tables.push([row]);
  }
  return tables;
}

/** What stands alone above a table is its title. */
function writeRows(writer: BlockWriter, rows: Row[]): void {
  const begin = rows.findIndex(({ cells }) => cells.size > 1);
  for (const { cells } of begin < 0 ? rows : rows.slice(0, begin)) writer.paragraph([...cells.values()].join(" "));
  if (begin < 0) return;
  const table = rows.slice(begin);
  const columns = [...new Set(table.flatMap(({ cells }) => [...cells.keys()]))].toSorted((a, b) => a - b);
  const isDense = columns.length * table.length <= MAX_DENSE_CELLS;
  writeTable(
    writer,
    table.map(({ cells }) => (isDense ? columns.map((column) => cells.get(column) ?? "") : [...cells.values()])),
  );
}

export function readXlsx(archive: Archive): Block[] {
  const files = archive.read(
    /^xl\/(?:workbook|sharedStrings|styles)\.xml$|^xl\/_rels\/workbook\.xml\.rels$|^xl\/worksheets\/[^/]+\.xml$/,
  );
  const workbook = files.get("xl/workbook.xml") ?? "";
  const relations = relationsIn(files.get("xl/_rels/workbook.xml.rels"), "xl");
  const texts = sharedTexts(files.get("xl/sharedStrings.xml"));
  const formats = formatsIn(files.get("xl/styles.xml"));
  const firstYear = /date1904="(?:1|true)"/.test(workbook) ? 1904 : 1900;
  const writer = new BlockWriter();
  const show = (value: string, type: string, style: number) => {
    if (type === "s") return texts[Number(value)] ?? "";
    if (type === "b") return value === "1" ? "true" : "false";
    return type === "n" ? shown(value, formats[style] ?? "number", firstYear) : value;
  };
  for (const [, attributes] of workbook.matchAll(/<sheet\s([^>]*)>/g)) {
    if (/state="(?:hidden|veryHidden)"/.test(attributes!)) continue;
    const name = decodeEntities(/\bname="([^"]*)"/.exec(attributes!)?.[1] ?? "");
    const sheet = new SheetReader(show);
    readMarkup(files.get(relations.get(/\br:id="([^"]*)"/.exec(attributes!)?.[1] ?? "") ?? "") ?? "", "xml", sheet);
    const tables = tablesOf(sheet.rows);
    writer.place = `sheet ${name}`;
    if (tables.length > 0) writer.heading(1, name);
    for (const rows of tables) writeRows(writer, rows);
  }
  return writer.blocks;
}
