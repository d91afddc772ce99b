import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { apply, grad, NdArray, printTape, Tensor, tensor } from "../../src/autograd/index.ts";
import type { Num, Shape, Traced } from "../../src/autograd/index.ts";
import {
  bceWithLogits,
  bceWithLogitsBackward,
  bceWithLogitsForward,
  mseLoss,
  mseLossBackward,
  mseLossForward,
} from "../../src/nn/losses.ts";
import type { Reduction, ReductionOptions } from "../../src/nn/reduction.ts";
import { BROKEN_LAW, derivativeDraws, expectDerivativeLaws } from "../helpers/derivativeLaws.ts";
import type { DerivativeDraw } from "../helpers/derivativeLaws.ts";
import { holds, shapes, values } from "../helpers/generators.ts";
import { expectSecondOrderIsDifferences } from "../helpers/layerLaws.ts";
import { EXACT, expectClose } from "../helpers/laws.ts";
import type { GenericTrace, OpOnTensors } from "../helpers/laws.ts";
import { decoded, nnFixture, PYTORCH } from "../helpers/nnFixture.ts";
import { breaks } from "../helpers/planted.ts";

interface Drawn {
  readonly reduction: Reduction;
  readonly draw: DerivativeDraw;
}

/** Inputs of one shape each, and of a last one that broadcasts to it if `extra` says so. */
function drawn(
  inputs: (shape: Shape) => readonly Shape[],
  of: readonly fc.Arbitrary<number>[] = [],
): fc.Arbitrary<Drawn> {
  return fc
    .record({ shape: shapes({ minDims: 0, maxDims: 3 }), reduction: fc.constantFrom<Reduction>("mean", "sum", "none") })
    .chain(({ shape, reduction }) =>
      fc.record({
        reduction: fc.constant(reduction),
        draw: derivativeDraws(inputs(shape), reduction === "none" ? shape : [], of),
      }),
    );
}

/** Sums up what a loss makes of each element. */
function reduced(losses: readonly number[], shape: Shape, reduction: Reduction): NdArray {
  if (reduction === "none") return new NdArray(Float64Array.from(losses), shape);
  const sum = losses.reduce((a, b) => a + b, 0);
  return new NdArray(Float64Array.of(reduction === "sum" ? sum : sum / losses.length), []);
}

function pick<A>(inputs: readonly A[]): readonly [A, A, A | null] {
  const [first, second, third = null] = inputs;
  if (first === undefined || second === undefined) throw new Error("expected two or three inputs");
  return [first, second, third];
}

function pickTwo<A>(inputs: readonly A[]): readonly [A, A] {
  const [first, second] = pick(inputs);
  return [first, second];
}

function expectLaws(op: OpOnTensors, rule: GenericTrace, draw: DerivativeDraw): void {
  expectDerivativeLaws(op, rule, draw);
  expectSecondOrderIsDifferences(op, draw);
}

function optionsOf({ reduction, draw }: Drawn): ReductionOptions {
  return { reduction, total: draw.inputs[0]?.data.length ?? 0 };
}

function mseTrace<A extends Num<A>>(inputs: readonly A[], options: ReductionOptions): Traced<A, readonly [A, A]> {
  const { output, saved } = mseLossForward(...pickTwo(inputs), options);
  return { output, pullback: (gradOutput) => mseLossBackward(gradOutput, saved) };
}

function bceTrace<A extends Num<A>>(inputs: readonly A[], options: ReductionOptions): Traced<A> {
  const { output, saved } = bceWithLogitsForward(...pick(inputs), options);
  return { output, pullback: (gradOutput) => bceWithLogitsBackward(gradOutput, saved).slice(0, inputs.length) };
}

function runBce(inputs: readonly Tensor[], reduction: Reduction): Tensor {
  const [x, t, posWeight] = pick(inputs);
  return bceWithLogits(x, t, { reduction, posWeight });
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

describe("mseLoss", () => {
  const cases = drawn((shape) => [shape, shape]);

  test("is the squared difference, element by element", () => {
    holds(cases, ({ reduction, draw }) => {
      const [x, t] = pickTwo(draw.inputs);
      const losses = Array.from(x.data, (value, i) => (value - (t.data[i] ?? NaN)) ** 2);
      const loss = mseLoss(new Tensor(x), new Tensor(t), { reduction });
      expectClose("loss", loss.value, reduced(losses, x.shape, reduction), EXACT);
    });
  });

  test("has the gradients of differences, of forward mode, and at second order", () => {
    holds(cases, (drawnCase) => {
      const options = optionsOf(drawnCase);
      expectLaws(
        (xs) => mseLoss(...pickTwo(xs), { reduction: drawnCase.reduction }),
        (xs) => mseTrace(xs, options),
        drawnCase.draw,
      );
    });
  });

  const planted: Readonly<Record<string, <A extends Num<A>>(grads: readonly [A, A]) => readonly [A, A]>> = {
    "a lost factor of 2": ([x, t]) => [x.div(2), t.div(2)],
    "a target's gradient of the wrong sign": ([x]) => [x, x],
  };
  for (const [error, spoil] of Object.entries(planted)) {
    test(`the laws reject ${error}`, () => {
      breaks(
        cases,
        (drawnCase) => {
          const options = optionsOf(drawnCase);
          const rule = <A extends Num<A>>(x: A, t: A): Traced<A, readonly [A, A]> => {
            const { output, pullback } = mseTrace([x, t], options);
            return { output, pullback: (gradOutput) => spoil(pullback(gradOutput)) };
          };
          expectDerivativeLaws(
            (inputs) => apply("wrong", { rule }, ...pickTwo(inputs)),
            (xs) => mseTrace(xs, options),
            drawnCase.draw,
          );
        },
        BROKEN_LAW,
      );
    });
  }

  for (const { op: name, name: sentence, options, inputs, gradOutput, output, gradInput } of nnFixture().ops) {
    if (name !== "mseLoss") continue;
    test(`agrees with PyTorch: ${sentence}`, () => {
      const x = new Tensor(decoded(inputs.input), true);
      const loss = mseLoss(x, new Tensor(decoded(inputs.target)), options);
      expectClose("output", loss.value, decoded(output), PYTORCH);
      const [gradX] = grad(loss, [x], { gradOutput: new Tensor(decoded(gradOutput)) });
      expectClose("gradInput", gradX?.value ?? x.value, decoded(gradInput), PYTORCH);
    });
  }

  test("is one record of the tape", () => {
    const x = tensor([1, 2, 4], { requiresGrad: true });
    const t = tensor([1, 1, 1]);
    expect(printTape(mseLoss(x, t), { names: { x, t } })).toBe("%1 = mseLoss(x[3], t[3]) : []");
    expect(printTape(mseLoss(x, t, { reduction: "none" }))).toContain("reduction none");
  });

  test("refuses shapes that differ, even where they broadcast, and dtypes that differ", () => {
    expect(() => mseLoss(tensor([1, 2]), tensor([[1], [2]]))).toThrow(
      new RangeError("mseLoss: expected target of the shape of input [2], got [2, 1]"),
    );
    expect(() => mseLoss(tensor([1, 2]), tensor([1, 2], { dtype: "float32" }))).toThrow(TypeError);
    // @ts-expect-error no such reduction
    expect(() => mseLoss(tensor(1), tensor(1), { reduction: "batchmean" })).toThrow(RangeError);
  });

  test("of no elements the mean is NaN, as in PyTorch, and the sum 0", () => {
    expect(mseLoss(tensor([]), tensor([])).item()).toBeNaN();
    expect(mseLoss(tensor([]), tensor([]), { reduction: "sum" }).item()).toBe(0);
  });
});

describe("bceWithLogits", () => {
  /** Zero among them: |x| has a kink there, the loss has none. */
  const logits = fc.oneof({ weight: 5, arbitrary: values() }, { weight: 1, arbitrary: fc.constant(0) });
  const probabilities = fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10);
  const weights = fc.integer({ min: 1, max: 30 }).map((tenths) => tenths / 10);
  const cases = fc.oneof(
    drawn((shape) => [shape, shape], [logits, probabilities]),
    drawn((shape) => [shape, shape, shape.slice(-1)], [logits, probabilities, weights]),
    drawn((shape) => [shape, shape, shape.map(() => 1)], [logits, probabilities, weights]),
  );
  test("is −posWeight · t · log σ(x) − (1 − t) · log(1 − σ(x)), element by element", () => {
    holds(cases, ({ reduction, draw }) => {
      const [x, t, posWeight] = pick(draw.inputs);
      const weight = posWeight?.expand(x.shape) ?? NdArray.full(x.shape, 1, "float64");
      const losses = Array.from(x.data, (value, i) => {
        const target = t.data[i] ?? NaN;
        const positive = -(weight.data[i] ?? NaN) * target * Math.log(sigmoid(value));
        return positive - (1 - target) * Math.log(1 - sigmoid(value));
      });
      const loss = runBce(
        draw.inputs.map((input) => new Tensor(input)),
        reduction,
      );
      expectClose("loss", loss.value, reduced(losses, x.shape, reduction), EXACT);
    });
  });

  test("has the gradients of differences, of forward mode, and at second order", () => {
    holds(cases, (drawnCase) => {
      const options = optionsOf(drawnCase);
      expectLaws(
        (xs) => runBce(xs, drawnCase.reduction),
        (xs) => bceTrace(xs, options),
        drawnCase.draw,
      );
    });
  });

  test("the draws contain logits of zero", () => {
    const seen = fc.sample(cases, { seed: 1, numRuns: 50 });
    expect(seen.some(({ draw }) => draw.inputs[0]?.data.includes(0))).toBe(true);
  });

  const planted: Readonly<
    Record<string, <A extends Num<A>>(grads: readonly (A | null)[], inputs: readonly A[]) => readonly (A | null)[]>
  > = {
    "no gradient for the target": (grads) => grads.with(1, null),
    "gradLogits = σ(x) − t, which forgets posWeight": (grads, inputs) => {
      const [x, t] = pick(inputs);
      return grads.with(0, x.sigmoid().sub(t));
    },
    "a gradient of posWeight without its target": (grads, inputs) => {
      const [x, , posWeight] = pick(inputs);
      return posWeight === null ? grads : grads.with(2, x.sigmoid().log().neg().sumTo(posWeight.shape));
    },
  };
  for (const [error, spoil] of Object.entries(planted)) {
    test(`the laws reject ${error}`, () => {
      const sums = cases.filter(({ reduction }) => reduction === "sum"); // where the spoiled formulas are else right
      breaks(
        sums,
        (drawnCase) => {
          const draw = { ...drawnCase.draw, gradOutput: NdArray.full([], 1, "float64") };
          const options = optionsOf(drawnCase);
          const rule = <A extends Num<A>>(...inputs: readonly A[]): Traced<A> => {
            const { output, pullback } = bceTrace(inputs, options);
            return { output, pullback: (gradOutput) => spoil(pullback(gradOutput), inputs) };
          };
          expectDerivativeLaws(
            (inputs) => apply("wrong", { rule }, ...inputs),
            (xs) => bceTrace(xs, options),
            draw,
          );
        },
        BROKEN_LAW,
      );
    });
  }

  for (const { op: name, name: sentence, options, inputs, gradOutput, output, gradInput } of nnFixture().ops) {
    if (name !== "bceWithLogitsLoss") continue;
    test(`agrees with PyTorch: ${sentence}`, () => {
      const x = new Tensor(decoded(inputs.input), true);
      const loss = bceWithLogits(x, new Tensor(decoded(inputs.target)), options);
      expectClose("output", loss.value, decoded(output), PYTORCH);
      const [gradX] = grad(loss, [x], { gradOutput: new Tensor(decoded(gradOutput)) });
      expectClose("gradInput", gradX?.value ?? x.value, decoded(gradInput), PYTORCH);
    });
  }

  test("extreme logits: the loss is finite, and gradients keep their relative precision", () => {
    const x = tensor([800, -800, 40, -40], { requiresGrad: true });
    const loss = bceWithLogits(x, tensor([0, 1, 1, 0]), { reduction: "none" });
    expect(loss.toArray()).toEqual([800, 800, 0, 0]);
    const tiny = Math.exp(-40) / (1 + Math.exp(-40));
    expect(grad(loss.sum(), [x])[0]?.toArray()).toEqual([1, -1, -tiny, tiny]);
  });

  test("is one record of the tape", () => {
    const x = tensor([[1, 2]], { requiresGrad: true });
    const [t, posWeight] = [tensor([[0, 1]]), tensor([1, 3])];
    const tape = printTape(bceWithLogits(x, t, { posWeight, reduction: "sum" }), { names: { x, t, posWeight } });
    expect(tape).toBe("%1 = bceWithLogits(x[1,2], t[1,2], posWeight[2]; reduction sum) : []");
  });

  test("refuses shapes and dtypes that do not fit", () => {
    const x = tensor([[1, 2]]);
    expect(() => bceWithLogits(x, tensor([1, 2]))).toThrow(
      new RangeError("bceWithLogits: expected target of the shape of logits [1, 2], got [2]"),
    );
    expect(() => bceWithLogits(x, x, { posWeight: tensor([1, 2, 3]) })).toThrow(/posWeight.*\[3\] and \[1, 2\]/);
    expect(() => bceWithLogits(x, x, { posWeight: tensor([[1], [2]]) })).toThrow(
      /broadcasts to \[1, 2\], got \[2, 1\]/,
    );
    expect(() => bceWithLogits(x, tensor([[1, 2]], { dtype: "float32" }))).toThrow(TypeError);
    // @ts-expect-error no such reduction
    expect(() => bceWithLogits(x, x, { reduction: "" })).toThrow(RangeError);
  });
});
