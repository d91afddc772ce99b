/** The laws of a layer's op: those of its derivatives, and that its kernel computes what its rule defines. */
import fc from "fast-check";
import { grad, NdArray, Tensor } from "../../src/autograd/index.ts";
import type { Num, Shape, Traced } from "../../src/autograd/index.ts";
import { derivativeDraws, expectDerivativeLaws } from "./derivativeLaws.ts";
import type { DerivativeDraw } from "./derivativeLaws.ts";
import { differences, DIFFERENCES, EXACT, expectClose } from "./laws.ts";
import type { OpOnTensors } from "./laws.ts";

/** An op with its options fixed. */
export interface OpCase {
  readonly op: OpOnTensors;
  /** The rule, generic in the reading. */
  readonly rule: <A extends Num<A>>(inputs: readonly A[]) => Traced<A>;
  /** The kernel, if there is one beside the rule. */
  readonly kernel?: (inputs: readonly NdArray[]) => Traced<NdArray>;
  readonly shapes: readonly Shape[];
}

/** Whatever the laws need for a case; `inputs` where not any values will do. */
export function drawsFor({ op, shapes }: OpCase, inputs?: fc.Arbitrary<NdArray[]>): fc.Arbitrary<DerivativeDraw> {
  const { shape } = op(shapes.map((size) => new Tensor(NdArray.full(size, 0, "float64"))));
  const draws = derivativeDraws(shapes, shape);
  return inputs ? fc.tuple(draws, inputs).map(withInputs) : draws;
}

function withInputs([draw, inputs]: readonly [DerivativeDraw, NdArray[]]): DerivativeDraw {
  return { ...draw, inputs };
}

/**
 * First order against differences and dual numbers; second order against differences of the gradient and against dual
 * numbers through the pullback; the kernel against the rule.
 */
export function expectLayerLaws(opCase: OpCase, draw: DerivativeDraw): void {
  expectDerivativeLaws(opCase.op, opCase.rule, draw);
  expectSecondOrderIsDifferences(opCase.op, draw);
  if (opCase.kernel) expectKernelIsRule(opCase.kernel, opCase.rule, draw);
}

/**
 * The gradient of Φ = Σ ⟨weight, ∂⟨gradOutput, op⟩/∂input⟩ through the tape of the backward is that of 5-point
 * differences of Φ: by the inputs, and by gradOutput. Φ itself runs on plain numbers, with the kernel's pullback.
 */
export function expectSecondOrderIsDifferences(
  op: OpOnTensors,
  { inputs, gradOutput, weights }: Pick<DerivativeDraw, "inputs" | "gradOutput" | "weights">,
): void {
  const phi = (arrays: readonly Tensor[], createGraph: boolean): Tensor => {
    const leaves = arrays.slice(0, -1);
    const [g] = arrays.slice(-1);
    const gradients = grad(op(leaves), leaves, { ...(g && { gradOutput: g }), createGraph, allowUnused: true });
    return gradients.reduce<Tensor>(
      (sum, gradient, i) => (gradient ? sum.add(gradient.mul(new Tensor(weights[i] ?? gradient.value)).sum()) : sum),
      new Tensor(NdArray.full([], 0, "float64")),
    );
  };
  const variables = [...inputs, gradOutput];
  const tensors = variables.map((array) => new Tensor(array, true));
  const second = grad(phi(tensors, true), tensors, { allowUnused: true });
  const onNumbers = (arrays: readonly NdArray[]): NdArray =>
    phi(
      arrays.map((array) => new Tensor(array, true)),
      false,
    ).value;
  differences(onNumbers, variables, NdArray.full([], 1, "float64")).forEach((expected, i) => {
    const actual = second[i]?.value ?? NdArray.full(expected.shape, 0, "float64");
    expectClose(`second order, variable ${i}, against differences`, actual, expected, DIFFERENCES);
  });
}

/** The kernel computes what the rule defines, output and gradients; they differ by the order of their sums. */
export function expectKernelIsRule(
  kernel: (inputs: readonly NdArray[]) => Traced<NdArray>,
  rule: (inputs: readonly NdArray[]) => Traced<NdArray>,
  { inputs, gradOutput }: Pick<DerivativeDraw, "inputs" | "gradOutput">,
  tolerance: number = EXACT,
): void {
  const fast = kernel(inputs);
  const definition = rule(inputs);
  expectClose("output of the kernel", fast.output, definition.output, tolerance);
  const expected = definition.pullback(gradOutput);
  const gradients = fast.pullback(gradOutput);
  if (gradients.length !== expected.length) throw new Error(`kernel: expected ${expected.length} gradients`);
  gradients.forEach((gradient, i) => {
    const wanted = expected[i] ?? null;
    if ((gradient === null) !== (wanted === null))
      throw new Error(`kernel: expected gradient ${i} where the rule has one`);
    if (gradient && wanted) expectClose(`gradient ${i} of the kernel`, gradient, wanted, tolerance);
  });
}
