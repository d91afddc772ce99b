import { BatchNorm1d } from "normgrad/norms";
import { column, compared, example, numbers } from "./mistake.ts";
import type { Mistake } from "./mistake.ts";

/** The running variance after a batch, from the one before it. */
type Update = (running: number, batch: readonly number[]) => number;

function squares(batch: readonly number[]): number {
  const mean = batch.reduce((a, b) => a + b, 0) / batch.length;
  return batch.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}

export const runningVariance: Mistake = {
  title: "Biased variance in the running variance",
  file: "runningVariance.ts",
  claim: "the variance that normalizes the batch is also the one to remember",
  instead: "it is remembered unbiased, times n / (n − 1), as PyTorch does; ONNX remembers the biased one",
  source: "common in tutorials; ONNX's BatchNormalization in training mode does it on purpose",
  examples: [
    example<Update>({
      shown: "running variance after one batch",
      checkedBy: "the running variance of BatchNorm1d",
      show: (update) => [update(1, numbers)],
      check: (update) => {
        const norm = new BatchNorm1d(1);
        norm.forward(column());
        return compared("after one batch", [update(1, numbers)], "BatchNorm1d", norm.runningVar?.data ?? []);
      },
      wrong: (running, batch) => 0.9 * running + (0.1 * squares(batch)) / batch.length,
      right: (running, batch) => 0.9 * running + (0.1 * squares(batch)) / (batch.length - 1),
    }),
  ],
};
