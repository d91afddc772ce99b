import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { apply, grad, NdArray, printTape, sizeOf, Tensor, tensor } from "../../src/autograd/index.ts";
import type { Num, Shape, Traced } from "../../src/autograd/index.ts";
import { crossEntropy, crossEntropyBackward, crossEntropyForward } from "../../src/nn/crossEntropy.ts";
import type { CrossEntropyTarget } from "../../src/nn/crossEntropy.ts";
import type { Reduction } from "../../src/nn/reduction.ts";
import { BROKEN_LAW, derivativeDraws, expectDerivativeLaws } from "../helpers/derivativeLaws.ts";
import type { DerivativeDraw } from "../helpers/derivativeLaws.ts";
import { arrayOf, holds } from "../helpers/generators.ts";
import { expectSecondOrderIsDifferences } from "../helpers/layerLaws.ts";
import { EXACT, expectClose } from "../helpers/laws.ts";
import type { GenericTrace, OpOnTensors } from "../helpers/laws.ts";
import { decoded, nnFixture, PYTORCH } from "../helpers/nnFixture.ts";
import { breaks } from "../helpers/planted.ts";

interface Problem {
  readonly shape: Shape;
  readonly labels: readonly number[];
  readonly reduction: Reduction;
  readonly labelSmoothing: number;
  readonly weight: readonly number[] | null;
}

const IGNORED = -100;

/** Awkward shapes, every reduction, with and without smoothing, weights and ignored labels (but never all of them). */
const problems: fc.Arbitrary<Problem> = fc
  .record({
    batch: fc.integer({ min: 1, max: 4 }),
    classes: fc.integer({ min: 1, max: 5 }),
    rest: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    reduction: fc.constantFrom<Reduction>("mean", "sum", "none"),
    labelSmoothing: fc.constantFrom(0, 0.1, 1),
    weighted: fc.boolean(),
  })
  .chain(({ batch, classes, rest, reduction, labelSmoothing, weighted }) => {
    const count = batch * sizeOf(rest);
    const label = fc.integer({ min: 0, max: classes - 1 });
    const labelOrNot = fc.oneof({ weight: 4, arbitrary: label }, { weight: 1, arbitrary: fc.constant(IGNORED) });
    const factor = fc.integer({ min: 1, max: 20 }).map((tenths) => tenths / 10);
    return fc.record({
      shape: fc.constant([batch, classes, ...rest]),
      labels: fc
        .tuple(label, fc.array(labelOrNot, { minLength: count - 1, maxLength: count - 1 }))
        .map(([first, others]) => [first].concat(others)),
      reduction: fc.constant(reduction),
      labelSmoothing: fc.constant(labelSmoothing),
      weight: weighted ? fc.array(factor, { minLength: classes, maxLength: classes }) : fc.constant(null),
    });
  });

function outputShape({ shape, reduction }: Problem): Shape {
  return reduction === "none" ? [...shape.slice(0, 1), ...shape.slice(2)] : [];
}

function run(x: Tensor, { labels, reduction, labelSmoothing, weight }: Problem): Tensor {
  return crossEntropy(x, labels, { reduction, labelSmoothing, weight: weight && tensor(weight) });
}

/** PyTorch's documentation in plain loops: a smoothed loss is a mixture of the label's and of all classes' losses. */
function oracle(logits: NdArray, { shape, labels, reduction, labelSmoothing, weight }: Problem): NdArray {
  const [, classes = 0, ...rest] = shape;
  const positions = sizeOf(rest);
  const weightOf = (c: number): number => weight?.[c] ?? 1;
  let total = 0;
  const losses = labels.map((label, i) => {
    if (label === IGNORED) return 0;
    total += weightOf(label);
    const x = Array.from({ length: classes }, (_, c) => {
      const sample = Math.floor(i / positions);
      return logits.data[(sample * classes + c) * positions + (i % positions)] ?? NaN;
    });
    const normalizer = x.reduce((sum, value) => sum + Math.exp(value), 0);
    const minusLog = x.map((value, c) => -weightOf(c) * Math.log(Math.exp(value) / normalizer));
    const mean = minusLog.reduce((sum, value) => sum + value, 0) / classes;
    return (1 - labelSmoothing) * (minusLog[label] ?? NaN) + labelSmoothing * mean;
  });
  const sum = losses.reduce((a, b) => a + b, 0);
  const answer = reduction === "none" ? losses : [reduction === "sum" ? sum : sum / total];
  return new NdArray(Float64Array.from(answer), reduction === "none" ? [...shape.slice(0, 1), ...rest] : []);
}

/** The target q from its definition, so that the pure pair can be read without the op. */
function optionsOf({ shape, labels, reduction, labelSmoothing, weight }: Problem): CrossEntropyTarget {
  const [batch = 0, classes = 0, ...rest] = shape;
  const weightOf = (c: number): number => weight?.[c] ?? 1;
  const q: number[] = [];
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < classes; c++) {
      for (const label of labels.slice(n * sizeOf(rest), (n + 1) * sizeOf(rest))) {
        const share = (1 - labelSmoothing) * Number(label === c) + labelSmoothing / classes;
        q.push(label === IGNORED ? 0 : weightOf(c) * share);
      }
    }
  }
  const total = labels.reduce((sum, label) => sum + (label === IGNORED ? 0 : weightOf(label)), 0);
  return { target: Float64Array.from(q), reduction, total };
}

function trace<A extends Num<A>>(inputs: readonly A[], options: CrossEntropyTarget): Traced<A, readonly [A]> {
  const { output, saved } = crossEntropyForward(only(inputs), options);
  return { output, pullback: (gradOutput) => crossEntropyBackward(gradOutput, saved) };
}

function only<A>(inputs: readonly A[]): A {
  const [first] = inputs;
  if (first === undefined) throw new Error("expected one input");
  return first;
}

function expectLaws(op: OpOnTensors, rule: GenericTrace, draw: DerivativeDraw): void {
  expectDerivativeLaws(op, rule, draw);
  expectSecondOrderIsDifferences(op, draw);
}

interface DrawnProblem {
  readonly problem: Problem;
  readonly draw: DerivativeDraw;
}

/** A problem with what the laws of derivatives draw for it. */
const draws: fc.Arbitrary<DrawnProblem> = problems.chain((problem) =>
  fc.record({ problem: fc.constant(problem), draw: derivativeDraws([problem.shape], outputShape(problem)) }),
);

const logitsOf = problems.chain((problem) =>
  fc.record({ problem: fc.constant(problem), logits: arrayOf(problem.shape) }),
);

type PullbackOf = <A extends Num<A>>(x: A, options: CrossEntropyTarget) => Traced<A, readonly [A]>["pullback"];

describe("crossEntropy", () => {
  test("is −log of the label's probability, smoothed, weighted and reduced as PyTorch documents it", () => {
    holds(logitsOf, ({ problem, logits }) => {
      expectClose("loss", run(new Tensor(logits), problem).value, oracle(logits, problem), EXACT);
    });
  });

  test("has the gradients of differences, of forward mode, and at second order", () => {
    holds(draws, ({ problem, draw }) => {
      expectLaws(
        (inputs) => run(only(inputs), problem),
        (inputs) => trace(inputs, optionsOf(problem)),
        draw,
      );
    });
  });

  const planted: Readonly<Record<string, PullbackOf>> = {
    "a target that forgets the class weights": (x, options) =>
      trace([x], { ...options, target: options.target.map((q) => Math.sign(q)) }).pullback,
    "a mean over the wrong total": (x, options) => trace([x], { ...options, total: options.total + 1 }).pullback,
    "probabilities saved as constants": (x, options) => trace([x.detach()], options).pullback,
  };
  for (const [error, pullbackOf] of Object.entries(planted)) {
    test(`the laws reject a backward with ${error}`, () => {
      breaks(
        draws,
        ({ problem, draw }) => {
          const options = optionsOf(problem);
          const rule = <A extends Num<A>>(x: A): Traced<A, readonly [A]> => ({
            output: trace([x], options).output,
            pullback: pullbackOf(x, options),
          });
          expectLaws(
            (inputs) => apply("wrong", { rule }, only(inputs)),
            (inputs) => rule(only(inputs)),
            draw,
          );
        },
        BROKEN_LAW,
      );
    });
  }

  test("the oracle rejects a mean over all labels instead of those that count", () => {
    breaks(
      logitsOf,
      ({ problem, logits }) => {
        if (problem.reduction !== "mean") return;
        const sum = run(new Tensor(logits), { ...problem, reduction: "sum" });
        expectClose("loss", sum.value.div(problem.labels.length), oracle(logits, problem), EXACT);
      },
      /loss: expected/,
    );
  });

  test("the kernel answers what the formula does", () => {
    holds(draws, ({ problem, draw: { inputs, gradOutput } }) => {
      const x = new Tensor(inputs[0] ?? gradOutput, true);
      const formula = trace([x.value], optionsOf(problem));
      const loss = run(x, problem);
      expectClose("output", loss.value, formula.output, EXACT);
      const [gradX] = grad(loss, [x], { gradOutput: new Tensor(gradOutput) });
      expectClose("gradLogits", gradX?.value ?? gradOutput, formula.pullback(gradOutput)[0], EXACT);
    });
  });

  test("gradLogits sums to zero over the classes, and a shift of all classes changes nothing", () => {
    holds(logitsOf, ({ problem, logits }) => {
      const x = new Tensor(logits, true);
      const loss = run(x, problem);
      const [gradX] = grad(loss.sum(), [x]);
      const sums = (gradX?.value ?? logits).sum([1]);
      expectClose("sum over classes", sums, NdArray.full(sums.shape, 0, "float64"), EXACT);
      expectClose("shifted", run(x.add(7), problem).value, loss.value, EXACT);
    });
  });

  for (const { op, name, options, inputs, gradOutput, output, gradInput } of nnFixture().ops) {
    if (op !== "crossEntropy") continue;
    test(`agrees with PyTorch: ${name}`, () => {
      const x = new Tensor(decoded(inputs.input), true);
      const loss = crossEntropy(x, inputs.target.data, options);
      expectClose("output", loss.value, decoded(output), PYTORCH);
      const [gradX] = grad(loss, [x], { gradOutput: new Tensor(decoded(gradOutput)) });
      expectClose("gradInput", gradX?.value ?? x.value, decoded(gradInput), PYTORCH);
    });
  }

  test("large logits neither overflow nor lose the loss", () => {
    const x = tensor(
      [
        [1000, 0],
        [-1000, 0],
      ],
      { requiresGrad: true },
    );
    const loss = crossEntropy(x, [1, 1], { reduction: "none" });
    expect(loss.toArray()).toEqual([1000, 0]);
    expect(grad(loss.sum(), [x])[0]?.toArray()).toEqual([
      [1, -1],
      [0, 0],
    ]);
  });

  test("a class that is masked with −Infinity counts as impossible", () => {
    const x = tensor([[-Infinity, 0, 0]], { requiresGrad: true });
    const loss = crossEntropy(x, [1]);
    expect(loss.item()).toBe(Math.log(2));
    expect(grad(loss, [x])[0]?.toArray()).toEqual([[0, -0.5, 0.5]]);
    expect(
      crossEntropyForward(x.value, { target: Float64Array.of(0, 1, 0), reduction: "mean", total: 1 }).output.data,
    ).toEqual(Float64Array.of(Math.log(2)));
  });

  test("where all labels are ignored the mean is NaN, as in PyTorch, and gradients are zero", () => {
    const x = tensor([[1, 2]], { requiresGrad: true });
    const loss = crossEntropy(x, [IGNORED]);
    expect(loss.item()).toBeNaN();
    expect(grad(loss, [x])[0]?.toArray()).toEqual([[0, 0]]);
    expect(crossEntropy(x, [7], { reduction: "sum", ignoreIndex: 7 }).item()).toBe(0);
  });

  test("an empty batch has no losses", () => {
    expect(crossEntropy(tensor([], { shape: [0, 3] }), [], { reduction: "none" }).shape).toEqual([0]);
    expect(crossEntropy(tensor([], { shape: [0, 3] }), [], { reduction: "sum" }).item()).toBe(0);
  });

  test("is one record that shows its labels, and options that are not the default", () => {
    const x = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { requiresGrad: true },
    );
    expect(printTape(crossEntropy(x, [0, 1]), { names: { x } })).toBe("%1 = crossEntropy(x[2,2], labels[2]) : []");
    const options = { reduction: "sum", labelSmoothing: 0.1, weight: tensor([1, 2]) } as const;
    expect(printTape(crossEntropy(x, Int32Array.of(0, 1), options), { names: { x } })).toBe(
      "%1 = crossEntropy(x[2,2], labels[2]; reduction sum, labelSmoothing 0.1, weight [1, 2]) : []",
    );
  });

  test("labels are copied: changing them afterwards changes neither gradients nor the tape", () => {
    const x = tensor([[1, 2]], { requiresGrad: true });
    const labels = Int32Array.of(0);
    const loss = crossEntropy(x, labels);
    labels[0] = 1;
    const second = grad(loss, [x], { createGraph: true })[0];
    expect(second?.data[0]).toBeLessThan(0);
    expect(loss.record?.attributes.labels).toEqual(Int32Array.of(0));
  });

  test("float32 is computed in float64 and rounded once", () => {
    const x = tensor([[0.1, 0.2, 0.3]], { dtype: "float32", requiresGrad: true });
    const loss = crossEntropy(x, [2]);
    const wide = crossEntropy(x.to("float64"), [2]);
    expect(loss.dtype).toBe("float32");
    expect(loss.item()).toBe(Math.fround(wide.item()));
    expect(grad(loss, [x])[0]?.data).toEqual(new Float32Array(grad(wide, [x])[0]?.data ?? []));
  });

  test("refuses what does not fit, and says what it expected", () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(() => crossEntropy(x, [0, 3])).toThrow(
      new RangeError("crossEntropy: expected labels in [0, 3) or ignoreIndex -100, got 3 at 1"),
    );
    expect(() => crossEntropy(x, [0.5, 0])).toThrow(/labels in \[0, 3\).*got 0.5 at 0/);
    expect(() => crossEntropy(x, [-1, 0])).toThrow(RangeError);
    expect(() => crossEntropy(x, [0])).toThrow(/expected 2 labels for logits of shape \[2, 3\], got 1/);
    expect(() => crossEntropy(tensor([1, 2]), [0])).toThrow(/expected logits \[N, C\]/);
    // @ts-expect-error a tensor is no list of labels
    expect(() => crossEntropy(x, tensor([0, 1]))).toThrow(TypeError);
    expect(() => crossEntropy(x, [0, 1], { labelSmoothing: 1.5 })).toThrow(/labelSmoothing in \[0, 1\], got 1.5/);
    // @ts-expect-error no such reduction
    expect(() => crossEntropy(x, [0, 1], { reduction: "batchmean" })).toThrow(/"mean", "sum" or "none", got batchmean/);
    expect(() => crossEntropy(x, [0, 1], { weight: tensor([1, 2]) })).toThrow(/weight of shape \[3\].*got \[2\]/);
    expect(() => crossEntropy(x, [0, 1], { weight: tensor([1, 2, 3], { dtype: "float32" }) })).toThrow(TypeError);
    expect(() => crossEntropy(x, [0, 1], { weight: tensor([1, 2, 3], { requiresGrad: true }) })).toThrow(TypeError);
  });
});
