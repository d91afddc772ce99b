/** What can go wrong with the mixing of statistics. */
import type { Num } from "../../src/autograd/index.ts";
import type { Fault } from "../../src/gradcheck/fault.ts";
import type { Mutant } from "./mutant.ts";
import type { Change } from "./domain.ts";
import { inBackward, inForward } from "./specimen.ts";
import { entry } from "./switchableNorm.ts";
import type { SwitchableParts } from "./switchableNorm.ts";

const mutant = (
  name: string,
  planted: Fault,
  make: (change: Change) => Mutant["make"],
  switchable: Partial<SwitchableParts>,
): Mutant => ({
  name,
  group: "SwitchableNorm",
  planted,
  norms: ["switchableNorm"],
  make: make({ switchable }),
});

/**
 * The Jacobian of softmax, written into the array of the weights that it still reads: entry 1 meets the new entry 0, and
 * entry 2 both.
 */
export function aliased<A extends Num<A>>(weights: A, slopes: A): A {
  const current = [0, 1, 2].map((k) => entry(weights, k));
  const written: A[] = [];
  for (let k = 0; k < 3; k++) {
    const own = current[k];
    if (own === undefined) continue;
    const products = current.map((other, j) => other.mul(entry(slopes, j)));
    const total = products.reduce((sum, product) => sum.add(product));
    const gradient = own.mul(entry(slopes, k).sub(total));
    current[k] = gradient;
    written.push(gradient);
  }
  const [first, ...rest] = written;
  return first === undefined ? weights : first.concat(rest, 0);
}

export const switchableMutants: readonly Mutant[] = [
  mutant("softmax gradient missing", "parameter gradient", inBackward, { gradLogits: (_, slopes) => slopes }),
  mutant("softmax gradient without its mean", "parameter gradient", inBackward, {
    gradLogits: (weights, slopes) => weights.mul(slopes),
  }),
  mutant("the mean's weights for the variance, in the backward", "parameter", inBackward, {
    backwardMix: ({ mean }) => ({ mean, variance: mean }),
  }),
  mutant("the mean's weights for the variance, in both passes", "output", inForward, {
    mix: ({ mean }) => ({ mean, variance: mean }),
  }),
  mutant("logits' gradients exchanged", "parameter gradient", inBackward, {
    order: ([ofMeans, ofVariances]) => [ofVariances, ofMeans],
  }),
  mutant("logits aliased while they are read", "parameter gradient", inBackward, { gradLogits: aliased }),
  mutant("biased backward under an unbiased forward", "count", inBackward, {
    backwardCount: (_, positions) => positions,
  }),
  mutant("spread of the means missing in the variances' gradient", "variance path", inBackward, {
    viaSpread: (gradient) => gradient.mul(0),
  }),
  mutant("BatchNorm's statistics taken for constants", "statistics as constants", inBackward, {
    overBatch: (gradient) => gradient.mul(0),
  }),
  mutant("channels and batch exchanged in the backward", "axes", inBackward, {
    overChannels: (gradient) => gradient.mean([0], true),
    overBatch: (gradient) => gradient.mean([1], true),
  }),
  mutant("BatchNorm's gradient summed over the batch, not averaged", "count", inBackward, {
    overBatch: (gradient) => gradient.sum([0], true),
  }),
  mutant("logits without softmax", "output", inForward, { softmax: (logits) => logits }),
];
