/**
 * How other gradient checkers would judge a mutant: small re-implementations of what each compares, at which points, with
 * which step and tolerance. All of them hold the mutant's backward to differences of the mutant's OWN forward, so that none
 * can see a forward that is wrong together with its backward.
 */
import { Generator, NdArray, sizeOf } from "../../src/autograd/index.ts";
import type { Own, Setting, Specimen } from "./mutant.ts";

/** What a design is given: one point, and the mutant there. */
interface Point {
  readonly inputs: readonly NdArray[];
  readonly value: (inputs: readonly NdArray[]) => NdArray;
  readonly gradients: (gradOutput: NdArray) => readonly NdArray[];
  readonly generator: Generator;
}

export interface Design {
  readonly name: string;
  /** What it does, for the document. */
  readonly how: string;
  readonly sizes: readonly [N: number, C: number, L: number];
  /** Weights and biases drawn as x is, or left at 1 and 0. */
  readonly affine: "random" | "as made";
  /** Whether it checks second derivatives, too. */
  readonly second: boolean;
  readonly accepts: (point: Point) => boolean;
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? NaN) * (b[i] ?? NaN);
  return sum;
};

const like = ({ shape, data }: NdArray, make: (i: number) => number): NdArray =>
  new NdArray(
    Float64Array.from(data, (_, i) => make(i)),
    shape,
  );
const moved = (x: NdArray, direction: NdArray, step: number): NdArray =>
  like(x, (i) => (x.data[i] ?? NaN) + step * (direction.data[i] ?? NaN));
const unit = (x: NdArray, cell: number): NdArray => like(x, (i) => (i === cell ? 1 : 0));
const isClose = (a: number, b: number, atol: number, rtol: number): boolean =>
  Math.abs(a - b) <= atol + rtol * Math.abs(b);

/** (f(x + h·v) − f(x − h·v)) / 2h, where v moves all inputs. */
function slope({ inputs, value }: Point, directions: readonly (NdArray | null)[], step: number): number[] {
  const at = (h: number): NdArray =>
    value(
      inputs.map((x, k) => {
        const direction = directions[k];
        return direction ? moved(x, direction, h) : x;
      }),
    );
  const [up, down] = [at(step), at(-step)];
  return Array.from(up.data, (y, i) => (y - (down.data[i] ?? NaN)) / (2 * step));
}

const alone = (inputs: readonly NdArray[], k: number, direction: NdArray): (NdArray | null)[] =>
  inputs.map((_, i) => (i === k ? direction : null));

/** torch.autograd.gradcheck: the whole Jacobian, column by column against row by row. Also: twice the same, and 0 for 0. */
function torchFull(point: Point): boolean {
  const output = point.value(point.inputs);
  const rows = Array.from(output.data, (_, j) => point.gradients(unit(output, j)));
  const again = point.gradients(unit(output, 0));
  const zero = point.gradients(like(output, () => 0));
  const repeats = again.every(({ data }, k) => data.every((v, i) => v === rows[0]?.[k]?.data[i]));
  if (!repeats || !zero.every(({ data }) => data.every((v) => v === 0))) return false;
  return point.inputs.every((x, k) =>
    x.data.every((_, cell) => {
      const column = slope(point, alone(point.inputs, k, unit(x, cell)), 1e-6);
      return column.every((numeric, j) => isClose(rows[j]?.[k]?.data[cell] ?? NaN, numeric, 1e-5, 1e-3));
    }),
  );
}

/** gradcheck(fast_mode=True): uᵀJv for each input, with uniform u and v of length 1 and an atol that is scaled by both. */
function torchFast(point: Point): boolean {
  const { generator, inputs } = point;
  const direction = (x: NdArray): NdArray => {
    const raw = like(x, () => generator.uniform());
    const length = Math.sqrt(dot(raw.data, raw.data));
    return like(raw, (i) => (raw.data[i] ?? NaN) / length);
  };
  const v = direction(point.value(inputs));
  const gradients = point.gradients(v);
  return inputs.every((x, k) => {
    const u = direction(x);
    const numeric = dot(slope(point, alone(inputs, k, u), 1e-6), v.data);
    const analytic = dot(gradients[k]?.data ?? [], u.data);
    const total = ({ data }: NdArray): number => Array.from(data).reduce((sum, value) => sum + value, 0);
    return isClose(analytic, numeric, 1e-5 * total(u) * total(v), 1e-3);
  });
}

/** One normal direction in all inputs, one normal gradOutput: ⟨g, Jv⟩ by differences against ⟨Jᵀg, v⟩. */
const oneDirection =
  (step: number, close: (exact: number, numeric: number) => boolean) =>
  (point: Point): boolean => {
    const { generator, inputs } = point;
    const normal = (x: NdArray): NdArray => like(x, () => generator.normal());
    const directions = inputs.map(normal);
    const gradOutput = normal(point.value(inputs));
    const numeric = dot(slope(point, directions, step), gradOutput.data);
    const exact = point
      .gradients(gradOutput)
      .reduce((sum, gradient, k) => sum + dot(gradient.data, directions[k]?.data ?? []), 0);
    return close(exact, numeric);
  };

/** minitorch's grad_check: the gradient of the sum, at one random index of each input. */
function minitorch(point: Point): boolean {
  const { generator, inputs } = point;
  const gradients = point.gradients(like(point.value(inputs), () => 1));
  return inputs.every((x, k) => {
    const cell = generator.integer(x.data.length);
    const numeric = slope(point, alone(inputs, k, unit(x, cell)), 1e-6).reduce((a, b) => a + b, 0);
    return isClose(gradients[k]?.data[cell] ?? NaN, numeric, 1e-2, 1e-2);
  });
}

/** What is written by hand most often: the gradient of Σ y² at every cell. */
function sumOfSquares(point: Point): boolean {
  const { inputs, value } = point;
  const output = value(inputs);
  const gradients = point.gradients(like(output, (i) => 2 * (output.data[i] ?? NaN)));
  const loss = (arrays: readonly NdArray[]): NdArray => {
    const { data } = value(arrays);
    return new NdArray(Float64Array.of(dot(data, data)), []);
  };
  const ofLoss = { ...point, value: loss };
  return inputs.every((x, k) =>
    x.data.every((_, cell) => {
      const [numeric = NaN] = slope(ofLoss, alone(inputs, k, unit(x, cell)), 1e-5);
      return isClose(gradients[k]?.data[cell] ?? NaN, numeric, 1e-4, 1e-4);
    }),
  );
}

const full = "the whole Jacobian, h 1e-6, atol 1e-5, rtol 1e-3";

export const designs: readonly Design[] = [
  { name: "torch 4×4×4", how: full, sizes: [4, 4, 4], affine: "random", second: true, accepts: torchFull },
  { name: "torch 2×6×5", how: full, sizes: [2, 6, 5], affine: "random", second: true, accepts: torchFull },
  {
    name: "torch fast",
    how: "uᵀJv with one u and one v for each input, h 1e-6, atol scaled by them, rtol 1e-3",
    sizes: [2, 6, 5],
    affine: "random",
    second: true,
    accepts: torchFast,
  },
  {
    name: "jax",
    how: "check_grads: one direction, h 1e-4, atol and rtol 1e-5",
    sizes: [2, 6, 5],
    affine: "random",
    second: true,
    accepts: oneDirection(1e-4, (exact, numeric) => isClose(exact, numeric, 1e-5, 1e-5)),
  },
  {
    name: "autograd",
    how: "HIPS check_grads: one direction, f at ± 5e-7, atol or rtol 1e-6",
    sizes: [2, 6, 5],
    affine: "random",
    second: true,
    accepts: oneDirection(5e-7, (exact, numeric) => {
      const error = Math.abs(exact - numeric);
      return error < 1e-6 || error / Math.abs(exact + numeric) < 1e-6;
    }),
  },
  {
    name: "minitorch",
    how: "the gradient of Σ y at one index of each input, h 1e-6, atol and rtol 1e-2, weight 1 and bias 0",
    sizes: [2, 6, 5],
    affine: "as made",
    second: false,
    accepts: minitorch,
  },
  {
    name: "Σ y²",
    how: "the gradient of Σ y² at every cell, h 1e-5, atol and rtol 1e-4, weight 1 and bias 0",
    sizes: [2, 6, 5],
    affine: "as made",
    second: false,
    accepts: sumOfSquares,
  },
];

/** Whether the design finds the mutant out, with what it draws from this seed. What throws is found out, too. */
export function isKilledBy(design: Design, specimen: Specimen, seed: number): boolean {
  const [N, C, L] = design.sizes;
  const setting = { N, C, L, ...specimen.usual };
  const inputs = draw(design, specimen, setting, new Generator(seed));
  const names = Object.keys(specimen.domain.shapes(setting));
  const isFree = (_: unknown, k: number): boolean => !specimen.domain.held?.includes(names[k] ?? "");
  const accepts = (own: Own, at: readonly NdArray[]): boolean => {
    const backward = own.gradients(at, setting);
    const free = at.filter(isFree);
    return design.accepts({
      inputs: free,
      value: (arrays) => {
        const moved = [...arrays];
        return own.value(
          at.map((array, k) => (isFree(array, k) ? (moved.shift() ?? array) : array)),
          setting,
        );
      },
      gradients: (gradOutput) =>
        backward(gradOutput)
          .filter(isFree)
          .map((gradient, k) => gradient ?? like(free[k] ?? gradOutput, () => 0)),
      generator: new Generator(seed + 1000),
    });
  };
  try {
    if (!accepts(specimen.own, inputs)) return true;
    if (!design.second || specimen.second === undefined) return false;
    const output = specimen.own.value(inputs, setting);
    const generator = new Generator(seed + 2000);
    return !accepts(specimen.second, [...inputs, like(output, () => generator.normal())]);
  } catch {
    return true;
  }
}

/** x is normal; so are weights, biases and logits, unless they are left as a new layer has them. */
function draw({ affine }: Design, { domain }: Specimen, setting: Setting, generator: Generator): NdArray[] {
  return Object.entries(domain.shapes(setting)).map(([name, shape]) => {
    const data = Float64Array.from({ length: sizeOf(shape) }, () => generator.normal());
    if (affine === "random" || name.startsWith("x")) return new NdArray(data, shape);
    return new NdArray(data.fill(name === "bias" ? 0 : 1), shape);
  });
}
