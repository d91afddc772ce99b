/**
 * Laws of a norm, each a function that throws when it is broken. Those of this file need nothing but the case itself, so
 * a new norm is held to them as soon as it has a descriptor; normOracleLaws.ts has those that know what the norm is.
 */
import fc from "fast-check";
import { grad, NdArray, Tensor, withBackend } from "../../src/autograd/index.ts";
import type { Dtype } from "../../src/autograd/index.ts";
import { FieldArray } from "../../src/gradcheck/fieldArray.ts";
import { tracked } from "../../src/gradcheck/tracked.ts";
import type { NormCase } from "../../src/norms/index.ts";
import {
  differences,
  DIFFERENCES,
  dot,
  expectAdjointLaw,
  expectBackwardIsDifferences,
  expectClose,
  expectSecondOrderIsForwardOverReverse,
} from "./laws.ts";
import type { NormDraw } from "./normDraws.ts";

export type Law = (draw: NormDraw) => void;

/** The very same doubles; 0 and −0 are taken for one. */
export function expectSame(what: string, actual: NdArray, expected: NdArray): void {
  expectClose(what, actual, expected, 0);
}

/** Output and gradients of the op, through the tape. */
export function runOp(
  { op }: Pick<NormCase, "op">,
  inputs: readonly NdArray[],
  gradOutput: NdArray,
  { createGraph = false }: { readonly createGraph?: boolean } = {},
): { readonly output: NdArray; readonly gradients: readonly NdArray[] } {
  const tensors = inputs.map((input) => new Tensor(input, true));
  const output = op(tensors);
  const gradients = grad(output, tensors, { gradOutput: new Tensor(gradOutput), createGraph });
  return { output: output.value, gradients: gradients.map((gradient) => gradient.value) };
}

function to(dtype: Dtype, arrays: readonly NdArray[]): NdArray[] {
  return arrays.map((array) => array.to(dtype));
}

/** The norms that have a kernel. All others compute by their formula on every backend. */
export const normsWithKernel: readonly string[] = [
  "layerNorm",
  "rmsNorm",
  "batchNorm",
  "groupNorm",
  "instanceNorm",
  "switchableNorm",
];

/** The results of a run with names, output first. */
function results({ inputs }: NormCase, run: ReturnType<typeof runOp>): readonly (readonly [string, NdArray])[] {
  return [["output", run.output], ...run.gradients.map((g, i) => [`gradient of ${inputs[i]?.name}`, g] as const)];
}

/**
 * How far a kernel may be from the formula: three times the proven rounding bound of the formula. The formula's own numbers
 * are within the bound of the exact value (test/gradcheck/trackedLaws.ts), and a kernel, which rounds elsewhere and as
 * often, within twice the bound (the factor of src/gradcheck/checkCase.ts).
 */
export const FROM_FORMULA = 3;

/** Two runs of an op, by kernel and by formula or the other way round: the same but for rounding. */
export function expectSameButForRounding(
  { normCase, inputs, gradOutput }: Pick<NormDraw, "normCase" | "inputs" | "gradOutput">,
  actual: ReturnType<typeof runOp>,
  expected: ReturnType<typeof runOp>,
): void {
  const trace = normCase.trace(inputs.map((input) => FieldArray.from(tracked, input)));
  const bounds = [trace.output, ...trace.pullback(FieldArray.from(tracked, gradOutput))];
  const other = results(normCase, expected);
  results(normCase, actual).forEach(([what, array], k) => {
    const [, wanted = array] = other[k] ?? [];
    if (String(array.shape) !== String(wanted.shape)) {
      throw new Error(`${what}: expected shape [${String(wanted.shape)}], got [${String(array.shape)}]`);
    }
    array.data.forEach((value, cell) => {
      const allowed = FROM_FORMULA * (bounds[k]?.data[cell]?.error ?? 0);
      const error = Math.abs(value - (wanted.data[cell] ?? NaN));
      if (!(error <= allowed)) {
        throw new Error(
          `${what}: expected ${wanted.data[cell]} at ${cell}, got ${value} (error ${error}, bound ${allowed})`,
        );
      }
    });
  });
}

function expectSameRuns(
  normCase: NormCase,
  actual: ReturnType<typeof runOp>,
  expected: ReturnType<typeof runOp>,
): void {
  const other = results(normCase, expected);
  results(normCase, actual).forEach(([what, array], k) => expectSame(what, array, other[k]?.[1] ?? array));
}

/**
 * The tape computes what the pure pair computes, with one gradient for each input in its shape: to the last bit by formula,
 * and by kernel but for rounding.
 */
export const opIsTrace: Law = ({ normCase, inputs, gradOutput }) => {
  const trace = normCase.trace(inputs);
  const pulled = trace.pullback(gradOutput);
  if (pulled.length !== inputs.length) throw new Error(`expected ${inputs.length} gradients, got ${pulled.length}`);
  const gradients = pulled.map((gradient, i) => {
    if (!gradient) throw new Error(`expected a gradient of ${normCase.inputs[i]?.name}, got null`);
    return gradient;
  });
  const expected = { output: trace.output, gradients };
  withBackend("formula", () => expectSameRuns(normCase, runOp(normCase, inputs, gradOutput), expected));
  const run = runOp(normCase, inputs, gradOutput);
  if (normsWithKernel.includes(normCase.norm))
    expectSameButForRounding({ normCase, inputs, gradOutput }, run, expected);
  else expectSameRuns(normCase, run, expected);
};

/** float32 is a storage format: the op computes in float64 and rounds the output and each gradient once. */
export const float32IsRoundedOnce: Law = ({ normCase, inputs, gradOutput }) => {
  const stored = to("float32", inputs);
  const [g = gradOutput] = to("float32", [gradOutput]);
  const narrow = runOp(normCase, stored, g);
  const wide = runOp(normCase, to("float64", stored), g.to("float64"));
  const all = [wide.output, ...wide.gradients];
  [narrow.output, ...narrow.gradients].forEach((array, i) => {
    if (array.dtype !== "float32") throw new TypeError(`expected float32 from float32, got ${array.dtype}`);
    const expected = all[i] ?? array;
    expectSame(i === 0 ? "output" : `gradient ${i - 1}`, array.to("float64"), expected.to("float32").to("float64"));
  });
};

/**
 * Differences with steps h and h/2 that disagree: a kink or a pole is near, and differences say nothing there. Such a draw
 * is replaced by another. Whether they agree does not depend on the gradient that they are compared with.
 */
function replaceUnlessReliable(coarse: number, fine: number, scale: number): void {
  fc.pre(Math.abs(coarse - fine) <= DIFFERENCES * scale);
}

/** With what the definition takes for a constant held; heldIsOp ties its value and gradient to the op's. */
function heldAt({ op, held }: NormCase, inputs: readonly NdArray[]): Pick<NormCase, "op"> {
  return { op: held?.(inputs) ?? op };
}

export const backwardIsDifferences: Law = ({ normCase, inputs, gradOutput }) => {
  const { op } = heldAt(normCase, inputs);
  try {
    expectBackwardIsDifferences(op, inputs, gradOutput);
  } catch (error) {
    const f = (arrays: readonly NdArray[]): NdArray => op(arrays.map((array) => new Tensor(array))).value;
    const fine = differences(f, inputs, gradOutput, 2 ** -11);
    differences(f, inputs, gradOutput).forEach((coarse, i) => {
      const scale = Math.max(1, ...Array.from(coarse.data, Math.abs));
      coarse.data.forEach((value, cell) => replaceUnlessReliable(value, fine[i]?.data[cell] ?? NaN, scale));
    });
    throw error;
  }
};

export const adjoint: Law = ({ normCase: { op, trace }, inputs, tangents, gradOutput }) => {
  expectAdjointLaw(op, (arrays) => trace(arrays).output, inputs, tangents, gradOutput);
};

export const secondOrder: Law = ({ normCase, inputs, tangents, gradOutput, gradOutputTangent, weights }) => {
  const { op, trace } = normCase;
  expectSecondOrderIsForwardOverReverse(op, trace, inputs, tangents, gradOutput, gradOutputTangent, weights);
};

/**
 * The tape of the backward against 5-point differences of the first derivative, for a movement of all inputs and of
 * gradOutput together. Unlike two derivatives of one pullback it sees a pullback that takes what it saved for constants.
 */
export const secondOrderIsDifferences: Law = (draw) => {
  const { normCase, inputs, tangents, gradOutput, gradOutputTangent, weights } = draw;
  const tensors = [...inputs, gradOutput].map((array) => new Tensor(array, true));
  const [g] = tensors.slice(-1);
  const leaves = tensors.slice(0, -1);
  const first = grad(normCase.op(leaves), leaves, { ...(g && { gradOutput: g }), createGraph: true });
  const along = first.map((gradient, i) => gradient.mul(new Tensor(weights[i] ?? gradient.value)).sum());
  const second = grad(
    along.reduce((a, b) => a.add(b)),
    tensors,
    { allowUnused: true },
  );
  const directions = [...tangents, gradOutputTangent];
  const terms = second.map((gradient, i) => (gradient ? dot([gradient.value], [directions[i] ?? gradient.value]) : 0));

  const held = heldAt(normCase, inputs);
  const at = (t: number): number => {
    const moved = inputs.map((input, i) => input.add((tangents[i] ?? input).mul(t)));
    return dot(runOp(held, moved, gradOutput.add(gradOutputTangent.mul(t))).gradients, weights);
  };
  const difference = (h: number): number => (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
  const expected = difference(2 ** -10);
  const actual = terms.reduce((a, b) => a + b, 0);
  const scale = Math.max(1, ...along.map((term) => Math.abs(term.item())), ...terms.map(Math.abs));
  if (!(Math.abs(actual - expected) <= DIFFERENCES * scale)) {
    replaceUnlessReliable(expected, difference(2 ** -11), scale);
    throw new Error(`second order: ${actual} on the tape, ${expected} by differences (scale ${scale})`);
  }
};

/**
 * With createGraph the rule runs again: the gradients are the same, but for rounding where a kernel computes them otherwise;
 * and so is everything that is computed afterwards, to the last bit.
 */
export const createGraphChangesNothing: Law = ({ normCase, inputs, gradOutput }) => {
  const run = (options = {}): ReturnType<typeof runOp> => runOp(normCase, inputs, gradOutput, options);
  withBackend("formula", () => {
    const before = run();
    expectSameRuns(normCase, run({ createGraph: true }), before);
    expectSameRuns(normCase, run(), before);
  });
  const before = run();
  const graph = run({ createGraph: true });
  if (normsWithKernel.includes(normCase.norm))
    expectSameButForRounding({ normCase, inputs, gradOutput }, graph, before);
  else expectSameRuns(normCase, graph, before);
  expectSameRuns(normCase, run(), before);
};

/** No array that goes in is written to, by the forward, the backward or the terms; and a backward may run twice. */
export const nothingIsMutated: Law = ({ normCase, inputs, gradOutput }) => {
  const given = [...inputs, gradOutput];
  const copies = given.map((array) => array.data.slice());
  const trace = normCase.trace(inputs);
  const output = trace.output.data.slice();
  const first = trace.pullback(gradOutput).map((gradient) => gradient?.data.slice());
  trace.terms(gradOutput);
  runOp(normCase, inputs, gradOutput);
  trace.pullback(gradOutput).forEach((gradient, i) => {
    if (String(gradient?.data) !== String(first[i])) throw new Error(`gradient ${i} differs on the second backward`);
  });
  const kept = [...copies, output];
  [...given, trace.output].forEach((array, i) => {
    if (String(array.data) !== String(kept[i])) throw new Error(`array ${i} was written to`);
  });
};

/** direct + viaMean + viaVariance = gradInput, each in the shape of x. */
export const termsAddUp: Law = ({ normCase, inputs, gradOutput }) => {
  const trace = normCase.trace(inputs);
  const { direct, viaMean, viaVariance } = trace.terms(gradOutput);
  const [gradInput] = trace.pullback(gradOutput);
  const parts = [direct, viaMean, viaVariance];
  for (const part of parts) {
    if (String(part.shape) !== String(gradOutput.shape)) throw new Error(`a term has shape [${String(part.shape)}]`);
  }
  const total = direct.add(viaMean).add(viaVariance);
  // Terms may cancel: the scale is that of the terms, not of their sum.
  const scale = Math.max(1e-300, ...parts.flatMap((part) => Array.from(part.data, Math.abs)));
  if (gradInput) expectClose("the sum of the terms", total.div(scale), gradInput.div(scale), 1e-14);
};

/** Where constants are held, op and held op have the same value and gradient, bit by bit. */
export const heldIsOp: Law = ({ normCase, inputs, gradOutput }) => {
  const [op, held] = [normCase, heldAt(normCase, inputs)].map((runs) => runOp(runs, inputs, gradOutput));
  if (!op || !held) return;
  expectSame("output with constants held", held.output, op.output);
  held.gradients.forEach((gradient, i) => {
    expectSame(`gradient ${i} with constants held`, gradient, op.gradients[i] ?? gradient);
  });
};

/** ∂L/∂· is linear in ∂L/∂y: an ignored or an absolute gradOutput is not. */
export const backwardIsLinear: Law = ({ normCase, inputs, gradOutput, gradOutputTangent }) => {
  const { pullback } = normCase.trace(inputs);
  const a = pullback(gradOutput);
  const b = pullback(gradOutputTangent);
  pullback(gradOutput.mul(-2).add(gradOutputTangent)).forEach((gradient, i) => {
    const [left, right] = [a[i], b[i]];
    if (gradient && left && right) {
      expectClose(`gradient ${i} of −2 g + h`, gradient, left.mul(-2).add(right), 1e-12);
    }
  });
};

/** A cell of x moves outputs of its own set of the partition, and none of another. */
export const partitionIsolates: Law = ({ normCase, inputs }) => {
  const { partition, op } = normCase;
  const [x, ...parameters] = inputs;
  if (!x) throw new Error("expected x among the inputs");
  if (partition.length !== x.data.length) throw new Error(`expected ${x.data.length} cells, got ${partition.length}`);
  const output = (array: NdArray): NdArray => op([array, ...parameters].map((input) => new Tensor(input))).value;
  const before = output(x).data;
  x.data.forEach((_, cell) => {
    const moved = output(
      new NdArray(
        x.data.map((value, i) => (i === cell ? value + 0.75 : value)),
        x.shape,
      ),
    ).data;
    moved.forEach((value, i) => {
      if (value !== before[i] && partition[i] !== partition[cell]) {
        throw new Error(`cell ${cell} of set ${partition[cell]} moved cell ${i} of set ${partition[i]}`);
      }
    });
  });
};

/** The laws that any norm obeys, by what they say. */
export const laws: Readonly<Record<string, Law>> = {
  "the op on the tape equals the pure pair: bit by bit by formula, but for rounding by kernel": opIsTrace,
  "float32 is computed in float64 and rounded once": float32IsRoundedOnce,
  "the backward is that of finite differences": backwardIsDifferences,
  "⟨g, J·v⟩ = ⟨Jᵀ·g, v⟩": adjoint,
  "reverse over reverse is forward over reverse, by gradOutput too": secondOrder,
  "the second derivative is that of differences of the first": secondOrderIsDifferences,
  "createGraph changes neither gradients nor later results": createGraphChangesNothing,
  "no array is written to": nothingIsMutated,
  "direct + viaMean + viaVariance = gradInput": termsAddUp,
  "the backward is linear in gradOutput": backwardIsLinear,
  "what the definition holds constant changes nothing where it is held": heldIsOp,
  "a cell reaches no output outside of its set of the partition": partitionIsolates,
};
