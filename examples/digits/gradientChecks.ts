/** The backward of every norm and option, on real pixels, against finite differences. */
import { grad, randn, Tensor } from "normgrad";
import type { Generator, NdArray } from "normgrad";
import { normDescriptors } from "normgrad/norms";
import type { NormCase, NormDescriptor } from "normgrad/norms";

export interface GradientCheck {
  readonly norm: string;
  readonly case: string;
  /** Largest difference to a finite difference, over the largest of either for that input; NaN or ∞ if there is no number. */
  readonly maxError: number;
  readonly ok: boolean;
}

/**
 * A five-point difference with the step h = u^⅕ · σ (u = 2⁻⁵³, σ the spread of the data) errs by about u^⅘ ≈ 2e-13 times
 * a ratio of derivatives, which is large where the variance is near eps. A lost term is an error of 1e-2 or more.
 */
export const TOLERANCE = 1e-9;

const STEP = 2 ** (-53 / 5);

/** `pixels` [N, C, H, W] in float64. Yields one result after the other. */
export function* checkGradients(
  pixels: Tensor,
  generator: Generator,
  descriptors: readonly NormDescriptor[] = normDescriptors,
): Iterable<GradientCheck> {
  for (const descriptor of descriptors) {
    for (const normCase of descriptor.cases(pixels.shape)) {
      const maxError = largestError(normCase, pixels, generator);
      yield { norm: descriptor.name, case: normCase.label, maxError, ok: maxError < TOLERANCE };
    }
  }
}

export function countChecks(pixels: Tensor, descriptors: readonly NormDescriptor[] = normDescriptors): number {
  return descriptors.reduce((count, descriptor) => count + descriptor.cases(pixels.shape).length, 0);
}

function largestError(normCase: NormCase, pixels: Tensor, generator: Generator): number {
  const inputs = normCase.inputs.map(({ name, shape }) => {
    const value = name === "x" ? pixels : randn(shape, { generator, dtype: "float64" });
    return new Tensor(value.value, true);
  });
  const output = normCase.op(inputs);
  const gradOutput = randn(output.shape, { generator, dtype: "float64" });
  const gradients = grad(output, inputs, { gradOutput });
  const errors = inputs.map((input, k) => {
    const gradient = gradients[k]?.value.data ?? [];
    const steps = normCase.inputs[k]?.name === "x" ? stepsOf(input.value, normCase.partition) : null;
    const differences = Array.from(input.data, (value, cell) => {
      const h = steps?.[cell] ?? STEP * Math.max(1, Math.abs(value));
      const at = (delta: number): number => lossAt(normCase, inputs, k, cell, delta, gradOutput);
      return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
    });
    // Of either, so that a backward that wrongly answers zeros has the error 1, and two zeros the error 0.
    const scale = Math.max(...Array.from(gradient, Math.abs), ...differences.map(Math.abs)) || 1;
    return differences.map((difference, cell) => Math.abs(difference - (gradient[cell] ?? NaN)) / scale);
  });
  return Math.max(...errors.flat());
}

/** ⟨gradOutput, op(inputs)⟩ with one cell moved. */
function lossAt(
  normCase: NormCase,
  inputs: readonly Tensor[],
  k: number,
  cell: number,
  delta: number,
  gradOutput: Tensor,
): number {
  const arrays = inputs.map((input, i): NdArray => {
    if (i !== k) return input.value;
    return input.value.constant((values) => Float64Array.from(values, (v, at) => (at === cell ? v + delta : v)));
  });
  return normCase
    .op(arrays.map((array) => new Tensor(array)))
    .mul(gradOutput)
    .sum()
    .item();
}

/** For each cell a step in proportion to the spread √(σ² + eps) of the set that it is normalized with. */
function stepsOf({ data }: NdArray, partition: Int32Array): Float64Array {
  const means = meansOf(data, partition);
  const squares = Float64Array.from(data, (value, cell) => (value - (means[cell] ?? 0)) ** 2);
  return meansOf(squares, partition).map((variance) => STEP * Math.sqrt(variance + 1e-5));
}

/** For each cell the mean over its set. */
function meansOf(values: ArrayLike<number>, partition: Int32Array): Float64Array {
  const sums = new Map<number, { readonly n: number; readonly sum: number }>();
  partition.forEach((set, cell) => {
    const { n, sum } = sums.get(set) ?? { n: 0, sum: 0 };
    sums.set(set, { n: n + 1, sum: sum + (values[cell] ?? 0) });
  });
  return Float64Array.from(partition, (set) => {
    const { n, sum } = sums.get(set) ?? { n: 1, sum: 0 };
    return sum / n;
  });
}
