/** 100 steps of training that PyTorch has taken: where they began, their batches, and their losses with each norm. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tensor } from "normgrad";
import type { NestedArray, Tensor } from "normgrad";
import { TensorDataset } from "normgrad/nn";
import type { StateDict } from "normgrad/nn";
import { allDigits } from "./digits.ts";

/** As a DataLoader or a list has them. */
export type Batches = Iterable<readonly [images: Tensor, labels: Int32Array]> & { readonly length: number };

export interface TorchRun {
  /** Initial weights of the layers that are no norms, float64. */
  readonly start: StateDict;
  readonly batches: Batches;
  readonly lossesOf: (norm: string) => readonly number[];
}

interface File {
  readonly start: Readonly<Record<string, NestedArray>>;
  /** Of data/digits.csv.gz, one list a batch. */
  readonly rows: readonly (readonly number[])[];
  readonly losses: Readonly<Record<string, readonly number[]>>;
}

/** As test/pytorch/lesson04.json has it, which PyTorch has written. */
export function readTorchRun(): TorchRun {
  const file: File = JSON.parse(readFileSync(new URL("../../test/pytorch/lesson04.json", import.meta.url), "utf8"));
  const { images, labels } = allDigits("float64");
  const dataset = new TensorDataset(images, labels);
  return {
    start: Object.fromEntries(
      Object.entries(file.start).map(([key, values]) => [key, tensor(values, { dtype: "float64" })]),
    ),
    batches: file.rows.map((rows) => dataset.select(rows)),
    lossesOf: (norm) => file.losses[norm] ?? [],
  };
}

/** The largest difference of two lists; NaN where they differ in length. */
export function farthest(a: readonly number[], b: readonly number[]): number {
  return a.length === b.length ? Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? NaN)))) : NaN;
}

/** Writes our losses where 04-digitsWithEveryNorm.py reads them. */
export function writeLosses(
  folder: string,
  runs: readonly { readonly name: string; readonly losses: readonly number[] }[],
): string {
  const path = join(folder, "04-losses.json");
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `${JSON.stringify(Object.fromEntries(runs.map(({ name, losses }) => [name, losses])))}\n`);
  return path;
}
