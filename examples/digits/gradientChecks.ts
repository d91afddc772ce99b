/** The backward of every norm and option, on real pixels, against the exact gradient: no more off than rounding allows. */
import { grad, randn, Tensor } from "normgrad";
import type { Generator } from "normgrad";
import { boundOfBackward, exactGradients } from "normgrad/gradcheck";
import { normDescriptors } from "normgrad/norms";
import type { NormCase, NormDescriptor } from "normgrad/norms";

export interface GradientCheck {
  readonly norm: string;
  readonly case: string;
  /** Largest error, over the largest gradient of the same input; ∞ if there is no number. */
  readonly maxError: number;
  /** Largest error, over what rounding allows in that cell: up to 1 is right; ∞ if there is no number. */
  readonly ofBound: number;
  /** The input whose gradient has that error. */
  readonly input: string;
  readonly ok: boolean;
}

type Errors = Pick<GradientCheck, "maxError" | "ofBound" | "input">;

/** A bound is itself computed in doubles: twice it covers that. */
const SAFETY = 2;
/** And this what is too small to have all its bits. */
const SUBNORMAL = 2 ** -1070;

/** `pixels` [N, C, H, W] in float64. Yields one result after the other. */
export function* checkGradients(
  pixels: Tensor,
  generator: Generator,
  descriptors: readonly NormDescriptor[] = normDescriptors,
): Iterable<GradientCheck> {
  for (const descriptor of descriptors) {
    for (const normCase of descriptor.cases(pixels.shape)) {
      const { maxError, ofBound, input } = errorsOf(normCase, pixels, generator);
      yield { norm: descriptor.name, case: normCase.label, maxError, ofBound, input, ok: ofBound <= 1 };
    }
  }
}

export function countChecks(pixels: Tensor, descriptors: readonly NormDescriptor[] = normDescriptors): number {
  return descriptors.reduce((count, descriptor) => count + descriptor.cases(pixels.shape).length, 0);
}

/**
 * The exact gradient follows from the forward alone: dual numbers over double-doubles, 106 bits. The bound is that of the
 * backward as it is written, run on numbers that count their own rounding errors.
 */
function errorsOf({ inputs: named, op, trace }: NormCase, pixels: Tensor, generator: Generator): Errors {
  const random = (shape: readonly number[]): Tensor => randn([...shape], { generator, dtype: "float64" });
  const inputs = named.map(({ shape }, k) => new Tensor((k === 0 ? pixels : random(shape)).value, true));
  const output = op(inputs);
  const gradOutput = random(output.shape);
  const gradients = grad(output, inputs, { gradOutput, allowUnused: true });

  const arrays = inputs.map(({ value }) => value);
  const exact = exactGradients((xs) => trace(xs).output, arrays, gradOutput.value);
  const bounds = boundOfBackward((g, xs) => trace(xs).pullback(g), arrays, gradOutput.value);

  const errors = exact.map(({ data }, k): Errors => {
    const gradient = gradients[k]?.value.data ?? new Float64Array(data.length);
    const largest = Math.max(...data.map(({ hi }) => Math.abs(hi)));
    const distances = data.map(({ hi, lo }, cell) => orInfinity(Math.abs((gradient[cell] ?? NaN) - hi - lo)));
    const parts = distances.map((distance, cell) => {
      const bound = SAFETY * (bounds[k]?.data[cell]?.error ?? 0) + SUBNORMAL;
      return orInfinity(distance / bound);
    });
    return {
      maxError: Math.max(...distances) / (largest || 1),
      ofBound: Math.max(...parts),
      input: named[k]?.name ?? "",
    };
  });
  const worst = errors.reduce((a, b) => (b.ofBound > a.ofBound ? b : a));
  return { ...worst, maxError: Math.max(...errors.map(({ maxError }) => maxError)) };
}

function orInfinity(value: number): number {
  return Number.isNaN(value) ? Infinity : value;
}
