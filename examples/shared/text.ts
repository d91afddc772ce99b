/** Paragraphs and tables on a terminal. */
import { formatNumber } from "normgrad";

export type Cell = string | number;

/** As wide as a projector shows well. */
const WIDTH = 88;

/** A paragraph, however its source is broken into lines, in lines of at most 88 columns. */
export function wrap(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.trim().split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join("\n");
}

/** Four digits: 0.373, -1.026, 4.472e-6, 1024. */
export function short(value: number): string {
  const rounded = Number.isInteger(value) ? value : Number(value.toPrecision(4));
  return formatNumber(rounded === 0 ? 0 : rounded);
}

/** Columns below their heads: texts to the left, numbers to the right. */
export function formatTable(heads: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => row.map(shown));
  const isText = textColumns(heads, rows);
  const widths = heads.map((head, column) => Math.max(head.length, ...texts.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    widths
      .map((width, column) => {
        const cell = cells[column] ?? "";
        return isText[column] ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd();
  return [heads, ...texts].map((row) => `  ${line(row)}`).join("\n");
}

/** Which columns hold texts; the others are numbers, and stand to the right. */
export function textColumns(heads: readonly string[], rows: readonly (readonly Cell[])[]): readonly boolean[] {
  return heads.map((_, column) => rows.some((row) => typeof row[column] === "string"));
}

export function shown(cell: Cell): string {
  return typeof cell === "number" ? short(cell) : cell;
}
