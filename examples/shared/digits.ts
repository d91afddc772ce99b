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

export interface Split {
  readonly train: Labelled;
  readonly test: Labelled;
}

export interface DigitsOptions {
  /** Of the split. */
  readonly seed: number;
  /** Default "float32", which is fast. */
  readonly dtype?: Dtype;
  /** How much of all images is used; the tests need less. Default 1. */
  readonly share?: number;
}

let file: ReturnType<typeof loadImages> | null = null; // a lesson asks for each seed: unpacked once

/** All 1,797 of them, in the order of the file. */
export function allDigits(dtype: Dtype = "float32"): Labelled {
  const { pixels, labels, side } = (file ??= loadImages(join(import.meta.dirname, "../../data/digits.csv.gz")));
  return { images: tensor(pixels, { shape: [labels.length, 1, side, side], dtype }), labels };
}

/** Four in five images of each digit to train with, the others to test. */
export function loadDigits({ seed, dtype = "float32", share = 1 }: DigitsOptions): Split {
  return splitDigits(allDigits(dtype), { seed, share });
}

/**
 * Four in five of some images of each digit, and the others. A learning rate is chosen with images that are held back of
 * those to train with, not with the test's.
 */
export function splitDigits({ images, labels }: Labelled, { seed, share = 1 }: Omit<DigitsOptions, "dtype">): Split {
  const generator = new Generator(seed);
  const part = (rows: Int32Array): Labelled => {
    // Not the first ones: the file keeps the digits of one writer together.
    const chosen = generator.permutation(rows.length).slice(0, Math.round(share * rows.length));
    const some = chosen.toSorted().map((i) => rows[i] ?? 0);
    return { images: images.indexSelect(0, some), labels: some.map((row) => labels[row] ?? 0) };
  };
  const [train, test] = stratifiedSplit(labels, 0.8, { generator });
  return { train: part(train), test: part(test) };
}
