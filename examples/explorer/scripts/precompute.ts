/**
 * Writes src/training/precomputed.json: four seeds of each training. From the root:
 * npx tsx --tsconfig examples/explorer/tsconfig.json examples/explorer/scripts/precompute.ts
 */
import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { BATCH_SIZES } from "../src/state.ts";
import { spreadOf } from "../src/training/spread.ts";
import { train, TRAINED } from "../src/training/train.ts";
import type { Epoch } from "../src/training/train.ts";

const SEEDS = [1, 2, 3, 4];
const csv = gunzipSync(readFileSync(new URL("../../../data/digits.csv.gz", import.meta.url))).toString("utf8");

const rounded = (values: readonly number[]): readonly number[] => values.map((value) => Math.round(1e4 * value) / 1e4);
const round = (runs: readonly (readonly number[])[]): Readonly<Record<string, readonly number[]>> => {
  const { mean, low, high } = spreadOf(runs);
  return { mean: rounded(mean), low: rounded(low), high: rounded(high) };
};

const errors: Record<string, object> = {};
const weights: Record<string, object> = {};
for (const batchSize of BATCH_SIZES) {
  for (const norm of TRAINED) {
    const runs = SEEDS.map((seed) => {
      const epochs: Epoch[] = [];
      train(csv, { norm, batchSize, seed }, (epoch) => epochs.push(epoch));
      return epochs;
    });
    errors[`${norm} ${batchSize}`] = round(runs.map((epochs) => epochs.map(({ error }) => error)));
    if (norm === "switchable") {
      for (const moment of ["mean", "variance"] as const) {
        for (const k of [0, 1, 2]) {
          const shares = runs.map((epochs) => epochs.map((epoch) => epoch.weights?.[moment][k] ?? NaN));
          weights[`${moment} ${k} ${batchSize}`] = round(shares);
        }
      }
    }
    console.log(norm, batchSize);
  }
}
writeFileSync(
  new URL("../src/training/precomputed.json", import.meta.url),
  `${JSON.stringify({ errors, weights }, null, 1)}\n`,
);
