/** The inputs of a file: CSV, or a JSON list of inputs as the API takes them. */
import { readFile } from "node:fs/promises";

import type { Schema } from "./tangguh.js";

export type Input = Schema<"NewInput"> & { external_ref: string };

export async function records(file: string): Promise<Input[]> {
  const text = (await readFile(file, "utf8")).replace(/^\uFEFF/, "");
  const found = file.endsWith(".json") ? (JSON.parse(text) as Schema<"NewInput">[]) : fromCsv(text);
  return found.map((record, index) => {
    if (!record.external_ref) throw new Error(`record ${index + 1} has no external_ref`);
    return { ...record, external_ref: record.external_ref };
  });
}

function fromCsv(text: string): Schema<"NewInput">[] {
  const [heading = [], ...rows] = rowsOf(text);
  return rows.map((row) => {
    const cell = (name: string) => row[heading.indexOf(name)] ?? "";
    return {
      kind: cell("kind") as Schema<"InputKind">,
      text: cell("text"),
      language: cell("language"),
      external_ref: cell("external_ref"),
      ...(cell("links") ? { links: cell("links").split(/\s+/) } : {}),
    };
  });
}

/** Rows of cells, by RFC 4180: a quoted cell may hold commas, line breaks and doubled quotes. */
function rowsOf(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
    if (end === "") break;
    if (end !== ",") rows.push([]);
  }
  // A line break at the end begins no row.
  return rows.filter((row) => row.length > 1 || row[0]);
}
