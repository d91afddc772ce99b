/** One case of an op: is its value, and is each gradient, as close to the exact one as rounding allows? */
import type { Dtype, NdArray } from "../autograd/ndarray.ts";
import { formatShape, sameShape } from "../autograd/shape.ts";
import { checkPlain } from "./checkPlain.ts";
import type { DoubleDouble } from "./doubleDouble.ts";
import type { Field } from "./field.ts";
import { FieldArray } from "./fieldArray.ts";
import { gradName, judge, judgeRepeat, PATHS } from "./judge.ts";
import type { Basis, Bounds, CaseOptions, Mismatch, Verdict } from "./judge.ts";
import { noiseOf } from "./noiseOf.ts";
import {
  boundOfBackward,
  boundOfForward,
  boundOfSecondOrder,
  exactGradients,
  exactOutput,
  exactSecondGradients,
} from "./oracle.ts";
import type { GenericForward } from "./oracle.ts";
import { OpFault } from "./answers.ts";
import type { Subject } from "./subject.ts";
import { tracked, trackedSingle } from "./tracked.ts";
import type { Tracked } from "./tracked.ts";

export type { Basis, CaseOptions, Mismatch, Verdict } from "./judge.ts";
export { gradName } from "./judge.ts";

/** `noise` is where gradOutput and the weights of the second order are taken from. */
export function checkCase(
  subject: Subject,
  names: readonly string[],
  inputs: readonly NdArray[],
  noise: readonly number[],
  options: CaseOptions,
): Verdict {
  if (subject.forward === null) return checkPlain(subject, names, inputs, noise, options);
  const { forward } = subject;
  const output = exactOutput(forward, inputs);
  const dtype = inputs[0]?.dtype ?? "float64";
  if (!isFinite(output, dtype)) return "skip";
  const precision = dtype === "float32" ? trackedSingle : tracked;
  const gradOutput = noiseOf(output.shape, noise, 0).to(dtype);
  const exact = exactGradients(forward, inputs, gradOutput);
  if (!exact.every((array) => isFinite(array, dtype))) return "skip";

  const value = subject.value(inputs);
  if (value !== null) {
    if (!sameShape(value.shape, output.shape)) {
      const [expected, got] = [formatShape(output.shape), formatShape(value.shape)];
      throw new OpFault(`expected op to answer shape ${expected}, as the forward does, got ${got}`);
    }
    const bound = forward(inputs.map((input) => FieldArray.from(precision, input)));
    const wrong = judge("output", value, output, bound, options, "rounding bound of the forward");
    if (wrong !== null) return wrong;
  }
  const { genericBackward } = subject;
  const ofDuals = genericBackward === null;
  const bounds = ofDuals
    ? boundOfForward(forward, inputs, gradOutput, precision)
    : boundOfBackward(genericBackward, inputs, gradOutput, precision);
  const basis = ofDuals ? PATHS : "rounding bound of the backward";
  const gradients = subject.gradients(inputs, gradOutput);
  for (const [i, name] of names.entries()) {
    const wrong = judgeAt(gradName(name), i, gradients, exact, bounds, options, basis);
    if (wrong !== null) return wrong;
  }
  const repeat = judgeRepeat(names, gradients, () => subject.gradients(inputs, gradOutput), options);
  if (repeat !== null) return repeat;
  return options.order === 2
    ? checkSecond(subject, forward, names, inputs, gradOutput, noise, options, precision)
    : "right";
}

function checkSecond(
  { second }: Subject,
  forward: GenericForward,
  names: readonly string[],
  inputs: readonly NdArray[],
  gradOutput: NdArray,
  noise: readonly number[],
  options: CaseOptions,
  precision: Field<Tracked>,
): Verdict {
  if (second === null) return "right";
  const weights = inputs.map((input, i) => noiseOf(input.shape, noise, 7 * (i + 1)).to(input.dtype));
  const exact = exactSecondGradients(forward, inputs, gradOutput, weights);
  if (!exact.every((array) => isFinite(array, gradOutput.dtype))) return "skip";
  const gradients = second(inputs, gradOutput, weights);
  const bounds = boundOfSecondOrder(forward, inputs, gradOutput, weights, precision);
  for (const [i, name] of [...names, "output"].entries()) {
    const wrong = judgeAt(`second ${gradName(name)}`, i, gradients, exact, bounds, options, PATHS);
    if (wrong !== null) return wrong;
  }
  return "right";
}

function judgeAt(
  array: string,
  i: number,
  gradients: readonly NdArray[],
  exact: readonly FieldArray<DoubleDouble>[],
  bounds: readonly (Bounds | null)[],
  options: CaseOptions,
  basis: Basis,
): Mismatch | null {
  const analytic = gradients[i];
  const expected = exact[i];
  return analytic && expected ? judge(array, analytic, expected, bounds[i] ?? null, options, basis) : null;
}

const LARGEST = { float64: Number.MAX_VALUE, float32: 2 ** 127 };

function isFinite({ data }: FieldArray<DoubleDouble>, dtype: Dtype): boolean {
  return data.every(({ hi }) => Math.abs(hi) <= LARGEST[dtype]);
}
