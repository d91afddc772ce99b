/** The real handwriting of data/, split in images to learn from and images to be asked about. */
import { join } from "node:path";
import { Generator, tensor } from "normgrad";
import type { Dtype, Tensor } from "normgrad";
import { stratifiedSplit } from "normgrad/nn";
import { loadImages } from "../digits/data.ts";

export interface Labelled {
  /** [count, 1, 8, 8], from 0 to 1. */
  readonly images: Tensor;
  /** [count], 0 … 9. */
  readonly labels: Int32Array;
}

export interface DigitsOptions {
  /** Of the split. */
  readonly seed: number;
  /** Default "float32", which is fast. */
  readonly dtype?: Dtype;
  /** How much of all images is used; the tests need less. Default 1. */
  readonly share?: number;
}

/** Four in five images of each digit to train with, the others to test. */
export function loadDigits({ seed, dtype = "float32", share = 1 }: DigitsOptions): {
  readonly train: Labelled;
  readonly test: Labelled;
} {
  const { pixels, labels, side } = loadImages(join(import.meta.dirname, "../../data/digits.csv.gz"));
  const generator = new Generator(seed);
  const all = tensor(pixels, { shape: [labels.length, 1, side, side], dtype });
  const pick = (rows: Int32Array): Labelled => ({
    images: all.indexSelect(0, rows),
    labels: rows.map((row) => labels[row] ?? 0),
  });
  const [trainRows, testRows] = stratifiedSplit(labels, 0.8, { generator });
  const part = (rows: Int32Array): Int32Array => rows.slice(0, Math.round(share * rows.length));
  return { train: pick(part(trainRows)), test: pick(part(testRows)) };
}
