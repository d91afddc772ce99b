/** Small image files and a folder that goes away, for the tests of the main job. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { loadImages } from "../../../examples/digits/data.ts";
import type { Images } from "../../../examples/digits/data.ts";
import type { Settings } from "../../../examples/digits/settings.ts";

export const DIGITS: string = new URL("../../../data/digits.csv.gz", import.meta.url).pathname;

/** A folder of its own for each test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "normgrad-digits-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function writeInto(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Ten 2×2 images of two classes, five of each: the least that is accepted. */
export const GOOD_ROWS: readonly string[] = Array.from({ length: 10 }, (_, i) => `${i},0,${i + 1},8,${i % 2}`);

/** A file of those rows with some of them replaced, by their index. */
export function withRows(replaced: Readonly<Record<number, string>>): string {
  return `${GOOD_ROWS.map((row, i) => replaced[i] ?? row).join("\n")}\n`;
}

/** The first images of the real data. */
export function someDigits(count: number): Images {
  const { side, classes, pixels, labels } = loadImages(DIGITS);
  return { side, classes, pixels: pixels.subarray(0, count * side * side), labels: labels.subarray(0, count) };
}

export function settingsWith(given: Partial<Settings>): Settings {
  const defaults = {
    epochs: 1,
    batchSize: 32,
    seed: 1,
    dtype: "float32",
    backend: "wasm",
    data: "digits.csv",
    out: "out",
  } as const;
  return { norms: ["groupNorm"], ...defaults, ...given };
}
