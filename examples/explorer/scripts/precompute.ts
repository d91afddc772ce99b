/** Writes src/training/precomputed.json: the curves of four seeds. Run from the root: npx tsx examples/explorer/scripts/precompute.ts */
import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { BATCH_SIZES } from "../src/state.ts";
import { train } from "../src/training/train.ts";

const SEEDS = [1, 2, 3, 4];
const csv = gunzipSync(readFileSync(new URL("../../../data/digits.csv.gz", import.meta.url))).toString("utf8");
const curves: Record<string, readonly number[]> = {};
for (const norm of ["batch", "group"] as const) {
  for (const batchSize of BATCH_SIZES) {
    const runs = SEEDS.map((seed) => {
      const errors: number[] = [];
      train(csv, { norm, batchSize, seed }, ({ error }) => errors.push(error));
      return errors;
    });
    curves[`${norm} ${batchSize}`] = (runs[0] ?? []).map(
      (_, epoch) => Math.round(100 * (runs.reduce((sum, run) => sum + (run[epoch] ?? NaN), 0) / runs.length)) / 100,
    );
    console.log(norm, batchSize, curves[`${norm} ${batchSize}`]);
  }
}
writeFileSync(new URL("../src/training/precomputed.json", import.meta.url), `${JSON.stringify(curves, null, 2)}\n`);
