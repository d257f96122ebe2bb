import type { Block } from "../blocks.ts";
import { BlockWriter } from "./block-writer.ts";

const paragraphs = (text: string) => text.split(/\n(?:[^\S\n]*\n)+/);

/** Paragraphs are what blank lines part. Form feeds are new pages. */
export function readPlainText(text: string): Block[] {
  const writer = new BlockWriter();
  const pages = text.replace(/\r\n?/g, "\n").split("\f");
  for (const [index, page] of pages.entries()) {
    if (pages.length > 1) writer.place = `page ${index + 1}`;
    for (const each of paragraphs(page)) writer.raw("paragraph", each);
  }
  return writer.blocks;
}

/** Source code keeps its lines; what blank lines part can be cut apart. */
export function readCode(text: string): Block[] {
  const writer = new BlockWriter();
  writer.code(text);
  return writer.blocks;
}
