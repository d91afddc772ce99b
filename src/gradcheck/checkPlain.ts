/** One case of an op whose forward is plain code: differences are the judge. */
import { NdArray } from "../autograd/ndarray.ts";
import { OpFault } from "./answers.ts";
import { doubleDouble } from "./doubleDouble.ts";
import { estimateGradients } from "./estimates.ts";
import { FieldArray } from "./fieldArray.ts";
import { DIFFERENCES, gradName, judge, judgeRepeat } from "./judge.ts";
import type { CaseOptions, Verdict } from "./judge.ts";
import { noiseOf } from "./noiseOf.ts";
import type { Subject } from "./subject.ts";
import { tracked } from "./tracked.ts";

/** A plain forward: differences take the place of the exact gradient, and their error estimate that of the bound. */
export function checkPlain(
  subject: Subject,
  names: readonly string[],
  inputs: readonly NdArray[],
  noise: readonly number[],
  options: CaseOptions,
): Verdict {
  const f = (arrays: readonly NdArray[]): NdArray => subject.value(arrays) ?? new NdArray(Float64Array.of(NaN), [1]);
  const output = f(inputs);
  const again = f(inputs);
  const cell = output.data.findIndex((x: number, i: number) => !Object.is(x, again.data[i]));
  if (cell >= 0) {
    throw new OpFault(
      `expected plainForward to answer the same for the same inputs, got ${output.data[cell]} and then ${again.data[cell]} at index ${cell}`,
    );
  }
  if (!output.data.every(Number.isFinite)) return "skip";
  const gradOutput = noiseOf(output.shape, noise, 0);
  const estimates = estimateGradients(f, inputs, gradOutput);
  // A cell without a derivative is not judged: everything is allowed there.
  if (!estimates.flat().some(({ error }) => Number.isFinite(error)))
    return estimates.flat().length > 0 ? "skip" : "right";
  const gradients = subject.gradients(inputs, gradOutput);
  for (const [i, name] of names.entries()) {
    const cells = estimates[i] ?? [];
    const shape = inputs[i]?.shape ?? [];
    const exact = new FieldArray(
      doubleDouble,
      cells.map(({ value }) => doubleDouble.of(value)),
      shape,
    );
    const bound = new FieldArray(
      tracked,
      cells.map(({ value, error }) => ({ value, error })),
      shape,
    );
    const analytic = gradients[i] ?? NdArray.full(shape, 0, "float64");
    const wrong = judge(gradName(name), analytic, exact, bound, options, DIFFERENCES);
    if (wrong !== null) return wrong;
  }
  return judgeRepeat(names, gradients, () => subject.gradients(inputs, gradOutput), options) ?? "right";
}
