import { BatchNorm1d } from "normgrad/norms";
import { column, compared, example, numbers } from "./mistake.ts";
import type { Mistake } from "./mistake.ts";

/** The new running mean. */
type Update = (running: number, batch: number, momentum: number) => number;

const MOMENTUM = 0.1; // PyTorch's default, and this library's
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

export const momentum: Mistake = {
  title: "Momentum inverted",
  file: "momentum.ts",
  claim: "momentum is how much of the old running statistics is kept, and PyTorch's 0.1 can be filled in for it",
  instead: "in PyTorch and here it is the weight of the NEW value; ONNX and older numpy code keep 0.9 of the old one",
  source:
    "numpy code of batch normalization in tutorials; ONNX (momentum 0.9) and switchablenorms/Switchable-Normalization have the other meaning on purpose",
  examples: [
    example<Update>({
      shown: "running mean after one batch",
      checkedBy: "the running mean of BatchNorm1d, batch by batch",
      show: (update) => [update(0, mean(numbers), MOMENTUM)],
      check: (update) => {
        const norm = new BatchNorm1d(1, { momentum: MOMENTUM });
        let running = 0;
        for (const batch of [1, 2, 3]) {
          const offset = 5 * (batch - 1);
          norm.forward(column(offset));
          running = update(running, mean(numbers) + offset, MOMENTUM);
          const verdict = compared(`after batch ${batch}`, [running], "BatchNorm1d", norm.runningMean?.data ?? []);
          if (verdict !== null) return verdict;
        }
        return null;
      },
      wrong: (running, batch, momentum) => momentum * running + (1 - momentum) * batch,
      right: (running, batch, momentum) => (1 - momentum) * running + momentum * batch,
    }),
  ],
};
