/** Layers with running statistics over random series of steps, held to a model in plain loops; and layers that are not it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { apply, Tensor } from "../../src/autograd/index.ts";
import type { NdArray, Num, Traced } from "../../src/autograd/index.ts";
import { BatchNorm1d, batchNorm, InstanceNorm1d, instanceNorm, updateRunningStats } from "../../src/norms/index.ts";
import { holds } from "../helpers/generators.ts";
import { CHANNELS, expectModel, series } from "../helpers/runningModel.ts";

describe("BatchNorm", () => {
  const options = fc.constantFrom(
    { momentum: 0.1, eps: 1e-5 },
    { momentum: null, eps: 0.1 },
    { momentum: 0.75, eps: 1e-3 },
  );
  const runs = fc.tuple(options, series);

  test("a series of steps is that of a model in plain loops", () => {
    holds(
      runs,
      ([given, actions]) => {
        expectModel(() => new BatchNorm1d(CHANNELS, given), { ...given, perSample: false }, actions);
      },
      150,
    );
  });

  /** A layer that corrupts its state after a forward: `after` knows the state before, and the batch. */
  const corrupt = (after: (norm: BatchNorm1d, before: { mean: NdArray; variance: NdArray }, x: Tensor) => void) =>
    class extends BatchNorm1d {
      override forward(input: Tensor): Tensor {
        const { runningMean, runningVar } = this;
        if (!runningMean || !runningVar) throw new Error("expected a layer that tracks");
        const before = { mean: runningMean.value, variance: runningVar.value };
        const output = super.forward(input);
        if (input.numel > 0) after(this, before, input);
        return output;
      }
    };
  const batchVariance = (x: Tensor, correction: number): NdArray => x.value.variance([0, 2], { correction });
  const assign = (norm: BatchNorm1d, mean: NdArray, variance: NdArray): void => {
    if (norm.runningMean) norm.runningMean.value = mean;
    if (norm.runningVar) norm.runningVar.value = variance;
  };

  const mutants: Readonly<Record<string, typeof BatchNorm1d>> = {
    "momentum inverted": corrupt((norm, before, x) => {
      const momentum = 1 - (norm.momentum ?? 1 / (norm.numBatchesTracked?.item() ?? 1));
      if (!norm.training) return;
      assign(
        norm,
        updateRunningStats(before.mean, x.value.mean([0, 2]), { momentum }),
        updateRunningStats(before.variance, batchVariance(x, 1), { momentum }),
      );
    }),
    "biased running variance": corrupt((norm, before, x) => {
      const momentum = norm.momentum ?? 1 / (norm.numBatchesTracked?.item() ?? 1);
      if (!norm.training || !norm.runningMean) return;
      assign(norm, norm.runningMean.value, updateRunningStats(before.variance, batchVariance(x, 0), { momentum }));
    }),
    "a forward that keeps stale statistics": corrupt((norm, before) => assign(norm, before.mean, before.variance)),
    "running statistics moved in evaluation": corrupt((norm, before, x) => {
      if (!norm.training) assign(norm, before.mean.mul(0.9).add(x.value.mean([0, 2]).mul(0.1)), before.variance);
    }),
    "the variance assigned to the mean": corrupt((norm, before) => assign(norm, before.variance, before.variance)),
    "batches counted twice": corrupt(({ numBatchesTracked }) => {
      if (numBatchesTracked) numBatchesTracked.value = numBatchesTracked.value.add(1);
    }),
    "the batch's statistics in evaluation": class extends BatchNorm1d {
      override forward(input: Tensor): Tensor {
        return this.training ? super.forward(input) : batchNorm(input, null, null, { training: true, eps: this.eps });
      }
    },
    "unbiased variance in the output": class extends BatchNorm1d {
      override forward(input: Tensor): Tensor {
        const output = super.forward(input);
        const n = input.numel / CHANNELS;
        return this.training && n > 0 ? output.mul(Math.sqrt((n - 1) / n)) : output;
      }
    },
    "a refused call that counts": class extends BatchNorm1d {
      override forward(input: Tensor): Tensor {
        const { numBatchesTracked } = this;
        try {
          return super.forward(input);
        } catch (error) {
          if (numBatchesTracked) numBatchesTracked.value = numBatchesTracked.value.add(1);
          throw error;
        }
      }
    },
    "an empty batch that moves the mean": class extends BatchNorm1d {
      override forward(input: Tensor): Tensor {
        const output = super.forward(input);
        if (input.numel === 0 && this.runningMean) this.runningMean.value = this.runningMean.value.mul(NaN);
        return output;
      }
    },
    "a rule that moves the state when it runs again": class extends BatchNorm1d {
      override forward(input: Tensor): Tensor {
        const { runningMean } = this;
        let runs = 0;
        const rule = <A extends Num<A>>(y: A): Traced<A, readonly [A]> => {
          runs += 1;
          if (runs > 1 && runningMean) runningMean.value = runningMean.value.mul(0.5).add(0.125);
          return { output: y, pullback: (g) => [g] };
        };
        return apply("impure", { rule }, super.forward(input));
      }
    },
    "a state that is not reloaded": class extends BatchNorm1d {
      override loadStateDict(): ReturnType<BatchNorm1d["loadStateDict"]> {
        return { missingKeys: [], unexpectedKeys: [] };
      }
    },
  };

  test.each(Object.entries(mutants))("… and a layer with %s is not", (_, Norm) => {
    expect(() =>
      holds(
        runs,
        ([given, actions]) => {
          expectModel(() => new Norm(CHANNELS, given), { ...given, perSample: false }, actions);
        },
        150,
      ),
    ).toThrow(/Property failed/);
  });
});

describe("InstanceNorm", () => {
  const options = fc.constantFrom({ momentum: 0.1, eps: 1e-5 }, { momentum: 0.75, eps: 1e-3 });
  const runs = fc.tuple(options, series);
  const tracking = (given: object): object => ({ ...given, trackRunningStats: true, affine: true });

  test("a series of steps is that of a model in plain loops", () => {
    holds(
      runs,
      ([given, actions]) => {
        expectModel(() => new InstanceNorm1d(CHANNELS, tracking(given)), { ...given, perSample: true }, actions);
      },
      150,
    );
  });

  const mutants: Readonly<Record<string, typeof InstanceNorm1d>> = {
    "the variance of the whole batch": class extends InstanceNorm1d {
      override forward(input: Tensor): Tensor {
        const { runningVar, momentum } = this;
        const before = runningVar?.value;
        const output = super.forward(input);
        if (this.training && runningVar && before && input.numel > 0) {
          runningVar.value = before.mul(1 - momentum).add(input.value.variance([0, 2]).mul(momentum));
        }
        return output;
      }
    },
    "biased running variances": class extends InstanceNorm1d {
      override forward(input: Tensor): Tensor {
        const { runningVar, momentum } = this;
        const before = runningVar?.value;
        const output = super.forward(input);
        if (this.training && runningVar && before && input.numel > 0) {
          const biased = input.value.variance([2], { correction: 0 }).mean([0]);
          runningVar.value = before.mul(1 - momentum).add(biased.mul(momentum));
        }
        return output;
      }
    },
    "batches that are counted": class extends InstanceNorm1d {
      override forward(input: Tensor): Tensor {
        const { numBatchesTracked } = this;
        if (this.training && numBatchesTracked) numBatchesTracked.value = numBatchesTracked.value.add(1);
        return super.forward(input);
      }
    },
    "the input's statistics in evaluation": class extends InstanceNorm1d {
      override forward(input: Tensor): Tensor {
        return this.training ? super.forward(input) : instanceNorm(input, { eps: this.eps });
      }
    },
    "statistics of the whole batch": class extends InstanceNorm1d {
      override forward(input: Tensor): Tensor {
        if (!this.training || input.numel === 0) return super.forward(input);
        super.forward(input);
        return input.value.data.length > 0
          ? new Tensor(
              input.value
                .center([0, 2])
                .div(input.value.variance([0, 2], { correction: 0, keepdim: true }).add(this.eps).sqrt()),
            )
          : input;
      }
    },
    "NaN after an empty batch, as PyTorch's": class extends InstanceNorm1d {
      override forward(input: Tensor): Tensor {
        const output = super.forward(input);
        if (input.numel === 0 && this.runningMean) this.runningMean.value = this.runningMean.value.mul(NaN);
        return output;
      }
    },
  };

  test.each(Object.entries(mutants))("… and a layer with %s is not", (_, Norm) => {
    expect(() =>
      holds(
        runs,
        ([given, actions]) => {
          expectModel(() => new Norm(CHANNELS, tracking(given)), { ...given, perSample: true }, actions);
        },
        150,
      ),
    ).toThrow(/Property failed/);
  });
});
