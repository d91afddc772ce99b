import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { DataError, loadImages } from "../../../examples/digits/data.ts";
import { DIGITS, GOOD_ROWS, temporaryFolder, withRows, writeInto } from "./files.ts";

const folder = temporaryFolder();

/** The message that a file gets, its path written as FILE. */
function complaint(path: string): string {
  try {
    loadImages(path);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return error.message.replaceAll(path, "FILE");
  }
  throw new Error(`${path} was accepted`);
}

const whole = gzipSync(withRows({}));

const badFiles: readonly (readonly [title: string, content: string | Uint8Array, message: string])[] = [
  ["empty", "", "FILE: expected one image a row, got an empty file"],
  ["only blank lines", "\n\r\n\n", "FILE: expected one image a row, got an empty file"],
  [
    "a header",
    `a,b,c,d,label\n${withRows({})}`,
    'FILE, row 1, column 1: expected a pixel value of 0 or more, got "a" (the file must have no header)',
  ],
  ["letters", withRows({ 3: "1,2,x,4,1" }), 'FILE, row 4, column 3: expected a pixel value of 0 or more, got "x"'],
  ["an empty value", withRows({ 3: "1,,3,4,1" }), 'FILE, row 4, column 2: expected a pixel value of 0 or more, got ""'],
  [
    "a value that is not finite",
    withRows({ 3: "1,Infinity,3,4,1" }),
    'FILE, row 4, column 2: expected a pixel value of 0 or more, got "Infinity"',
  ],
  ["a short row", withRows({ 5: "1,2,3" }), "FILE, row 6: expected 5 values as in row 1, got 3"],
  ["a long row", withRows({ 9: "1,2,3,4,5,1" }), "FILE, row 10: expected 5 values as in row 1, got 6"],
  ["cut in the last row", withRows({ 9: "1,2,3,4," }), 'FILE, row 10, column 5: expected a label (0, 1, 2, …), got ""'],
  [
    "a negative pixel",
    withRows({ 1: "1,-2,3,4,1" }),
    'FILE, row 2, column 2: expected a pixel value of 0 or more, got "-2"',
  ],
  [
    "a label in parts",
    withRows({ 7: "1,2,3,4,0.5" }),
    'FILE, row 8, column 5: expected a label (0, 1, 2, …), got "0.5"',
  ],
  ["a negative label", withRows({ 7: "1,2,3,4,-1" }), 'FILE, row 8, column 5: expected a label (0, 1, 2, …), got "-1"'],
  [
    "a label that would wrap around to 0",
    withRows({ 7: "1,2,3,4,4294967296" }),
    'FILE, row 8, column 5: expected a label (0, 1, 2, …), got "4294967296"',
  ],
  [
    "an odd side",
    `${"1,".repeat(9)}0\n`,
    "FILE, row 1: expected the pixels of a square image with an even side, then a label, got 10 values",
  ],
  [
    "no square",
    "1,2,3,0\n",
    "FILE, row 1: expected the pixels of a square image with an even side, then a label, got 4 values",
  ],
  [
    "semicolons",
    "1;2;3;4;0\n",
    "FILE, row 1: expected the pixels of a square image with an even side, then a label, got 1 values",
  ],
  [
    "one class",
    GOOD_ROWS.map((row) => row.replace(/\d+$/, "0")).join("\n"),
    "FILE: expected labels 0 … K − 1 of at least two classes, got a largest label of 0",
  ],
  [
    "more classes than images",
    withRows({ 0: "1,2,3,4,10" }),
    "FILE: expected labels 0 … K − 1 of at least two classes, got a largest label of 10",
  ],
  [
    "too few of a class",
    withRows({ 0: "1,2,3,4,1" }),
    "FILE: expected at least 5 images of every label, got 4 of label 0",
  ],
  [
    "a class left out",
    withRows({ 0: "1,2,3,4,3" }),
    "FILE: expected at least 5 images of every label, got 4 of label 0",
  ],
  ["only zeros", GOOD_ROWS.map((_, i) => `0,0,0,0,${i % 2}`).join("\n"), "FILE: expected images, got only zeros"],
  [
    "a quote that stays open",
    withRows({ 2: '1,"2,3,4,1' }),
    "FILE, row 3: expected comma-separated numbers, got a quote that is never closed",
  ],
  [
    "a quote within a value",
    withRows({ 2: '1,2"3,3,4,1' }),
    "FILE, row 3: expected comma-separated numbers, got a quote in the middle of a value",
  ],
  [
    "text after a quoted value",
    withRows({ 2: '1,"2"3,3,4,1' }),
    "FILE, row 3: expected comma-separated numbers, got a quote in the middle of a value",
  ],
  [
    "a line break in a value",
    withRows({ 9: '1,"2\n0",3,4,1' }),
    'FILE, row 11, column 2: expected a pixel value of 0 or more, got "2\\n0"',
  ],
  [
    "a very long value",
    withRows({ 1: `1,${"z".repeat(1000)},3,4,1` }),
    `FILE, row 2, column 2: expected a pixel value of 0 or more, got "${"z".repeat(40)}…"`,
  ],
  ["a cut gzip file", whole.subarray(0, -9), "FILE, row 10: expected a whole gzip file, got unexpected end of file"],
  [
    "a gzip file of nothing but its header",
    whole.subarray(0, 10),
    "FILE, row 1: expected a whole gzip file, got unexpected end of file",
  ],
];

describe("loadImages: a bad file gets one line that names the file and, where there is one, the row", () => {
  test.each(badFiles)("%s", (title, content, message) => {
    const found = complaint(writeInto(folder, `${title}.csv`, content));
    expect(found).toBe(message);
    expect(found).not.toContain("\n");
  });

  test("a file that does not exist, and a folder", () => {
    const missing = join(folder, "missing.csv");
    expect(complaint(missing)).toBe("FILE: could not be read: ENOENT: no such file or directory, open 'FILE'");
    const directory = join(folder, "directory");
    mkdirSync(directory);
    expect(complaint(directory)).toBe("FILE: could not be read: EISDIR: illegal operation on a directory, read");
  });

  test("something that is no text at all still gets one line", () => {
    expect(complaint(writeInto(folder, "twice.csv.gz", gzipSync(readFileSync(DIGITS))))).toMatch(
      /^FILE, row \d+.*: expected [^\n]+$/,
    );
  });

  test("the real data cut at any place is refused, with the row where it ends", () => {
    const bytes = readFileSync(DIGITS);
    const rows = gunzipSync(bytes).toString("utf8").split("\n").length;
    const found = [0.25, 0.5, 0.75].map((share) => {
      const message = complaint(writeInto(folder, "cut.csv.gz", bytes.subarray(0, bytes.length * share)));
      return Number(/^FILE, row (\d+): expected a whole gzip file/.exec(message)?.[1]) / rows;
    });
    [0.25, 0.5, 0.75].forEach((share, i) => expect(Math.abs((found[i] ?? NaN) - share)).toBeLessThan(0.1));
  });

  test("rows are counted as an editor counts lines, blank lines included", () => {
    const rows = withRows({ 4: "1,2,x,4,1" });
    for (const lineBreak of ["\n", "\r\n", "\r"]) {
      const spaced = rows.replaceAll("\n", lineBreak.repeat(2));
      expect(complaint(writeInto(folder, "spaced.csv", `${lineBreak}${spaced}`))).toBe(
        'FILE, row 10, column 3: expected a pixel value of 0 or more, got "x"',
      );
    }
    expect(complaint(writeInto(folder, "spaced.csv", `\n\n1,2,3,4,0\n\n1,2\n`))).toBe(
      "FILE, row 5: expected 5 values as in row 3, got 2",
    );
    expect(complaint(writeInto(folder, "spaced.csv", `\n1,2,3,4,0\n\n\n1,"2,3\n\n4,5\n`))).toBe(
      "FILE, row 5: expected comma-separated numbers, got a quote that is never closed",
    );
  });
});

describe("loadImages", () => {
  const plain = loadImages(writeInto(folder, "good.csv", withRows({})));

  test("reads side, classes, pixels from 0 to 1 and labels", () => {
    expect([plain.side, plain.classes]).toEqual([2, 2]);
    expect(plain.labels).toEqual(Int32Array.of(0, 1, 0, 1, 0, 1, 0, 1, 0, 1));
    expect(plain.pixels.slice(0, 8)).toEqual(Float64Array.of(0, 0, 0.1, 0.8, 0.1, 0, 0.2, 0.8));
    expect(Math.max(...plain.pixels)).toBe(1);
  });

  test.each([
    ["gzip", gzipSync(withRows({}))],
    ["a byte order mark", `\uFEFF${withRows({})}`],
    ["a byte order mark in gzip", gzipSync(`\uFEFF${withRows({})}`)],
    ["Windows line ends", withRows({}).replaceAll("\n", "\r\n")],
    ["line ends of all kinds", GOOD_ROWS.map((row, i) => row + ["\n", "\r\n", "\r"][i % 3]).join("")],
    ["no line end at the end", withRows({}).trimEnd()],
    ["blank lines", withRows({}).replaceAll("\n", "\n\n")],
    ["spaces around the values", withRows({}).replaceAll(",", " , ")],
    ["quoted values", withRows({}).replaceAll(/\d+/g, '"$&"')],
    ["decimals", withRows({ 0: "0.0,0e3,1.0,8.,0.0" })],
  ])("%s: the same images", (title, content) => {
    expect(loadImages(writeInto(folder, `${title}.csv`, content))).toEqual(plain);
  });

  test("the shipped data: 1797 images of 8×8 pixels, ten classes of 174 to 183", () => {
    const { side, classes, pixels, labels } = loadImages(DIGITS);
    const counts = Array.from({ length: 10 }, (_, label) => labels.filter((other) => other === label).length);
    expect([side, classes, labels.length, pixels.length]).toEqual([8, 10, 1797, 1797 * 64]);
    expect([Math.min(...counts), Math.max(...counts)]).toEqual([174, 183]);
  });
});
