/** Derivatives of plain code: differences in doubles, and an honest estimate of how far off they may be. */
import { NdArray } from "../autograd/ndarray.ts";
import { spreadOf } from "./differences.ts";
import { noiseLevel } from "./noiseLevel.ts";
import { UNIT_ROUNDOFF } from "./tracked.ts";

/** A derivative and how far a right one may be from it; Infinity where there is none: at a kink, beside NaN. */
export interface Estimate {
  readonly value: number;
  readonly error: number;
}

interface Sums {
  /** ⟨gradOutput, f⟩. */
  readonly value: number;
  /** The same with 1 where gradOutput is 0: a kink in an output is one, however little of it is asked for. */
  readonly whole: number;
  /** Σ|terms| of it. */
  readonly size: number;
}
type Forward = (inputs: readonly NdArray[]) => NdArray;

/** f near a point: with one cell of one input changed to a value. */
type Near = (k: number, cell: number, value: number) => NdArray;

/** ⟨gradOutput, f⟩ there. */
type Loss = (k: number, cell: number, value: number) => Sums;

/**
 * What f gave near the points that it was asked at. The estimates of several gradOutputs, as the rows of a Jacobian, ask at the
 * same places: with one memory for all of them f runs there once.
 */
export type Memory = Map<string, Near>;

/** How many ways of moving all inputs by an ulp are tried. */
const MOVES = 6;
/** Sums of n values round about √n times. */
const MOVED_BY = 4;

/**
 * ∂⟨gradOutput, f⟩/∂input of a function of plain numbers, by five-point differences with the steps 2⁻³σ, 2⁻⁴σ, … (σ the
 * spread of the input, or its size). The error is an estimate, not a bound, of four parts:
 *
 * - what the value still changes from step to step;
 * - the noise of f over the step: its rounding, as a difference table over a few ulps shows it;
 * - how much the derivative changes when all inputs move by √n ulps: a right backward that rounds, as a mean of numbers near
 *   1e8 does, is right for inputs that are so far away;
 * - infinite, where the slopes to the left and to the right differ: a kink has no derivative.
 */
export function estimateGradients(
  f: Forward,
  inputs: readonly NdArray[],
  gradOutput: NdArray,
  memory: Memory = new Map(),
): readonly (readonly Estimate[])[] {
  const sumsOf = ({ data }: NdArray): Sums => {
    const sums = { value: 0, whole: 0, size: 0 };
    for (let i = 0; i < data.length; i++) {
      const term = (data[i] ?? NaN) * (gradOutput.data[i] ?? NaN);
      const kept = gradOutput.data[i] === 0 ? (data[i] ?? NaN) : term;
      sums.value += term;
      sums.whole += kept;
      sums.size += Math.abs(kept);
    }
    return sums;
  };
  const lossNear = (place: string, at: () => readonly NdArray[]): Loss => {
    const near = memory.get(place) ?? nearOf(f, at());
    memory.set(place, near);
    return (k, cell, value) => sumsOf(near(k, cell, value));
  };
  const loss = lossNear("", () => inputs);
  const noise = noiseLevel((arrays) => sumsOf(f(arrays)).whole, inputs);
  const found = inputs.map((input, k) => {
    const steps = stepsOf(input.data);
    return Array.from(input.data, (_, cell) => slopeAt(loss, inputs, k, cell, steps, noise));
  });
  const changes = changesByAnUlp(lossNear, inputs, found);
  return found.map((slopes, k) =>
    slopes.map(({ value, error }, cell) => ({ value, error: error + (changes[k]?.[cell] ?? 0) })),
  );
}

interface Slope extends Estimate {
  /** The step that gave it. */
  readonly step: number;
}

interface Steps {
  readonly spread: number;
  readonly smallest: number;
}

/** Values that are all alike say nothing of the scale on which f changes: then there are steps down to a few ulps. */
function stepsOf(data: ArrayLike<number>): Steps {
  const spread = 2 ** Math.round(Math.log2(spreadOf(data)));
  const isConstant = Array.from(data).every((value) => value === data[0]);
  return { spread, smallest: spread * (isConstant ? 2 ** 8 * UNIT_ROUNDOFF : 2 ** -20) };
}

const NONE: Slope = { value: NaN, error: Infinity, step: NaN };

function slopeAt(
  loss: Loss,
  inputs: readonly NdArray[],
  k: number,
  cell: number,
  { spread, smallest }: Steps,
  noise: number,
): Slope {
  const center = inputs[k]?.data[cell] ?? NaN;
  let size = 0;
  const at = (step: number): Sums => {
    const found = loss(k, cell, center + step);
    size = Math.max(size, found.size);
    return found;
  };
  const middle = at(0).whole;
  const finest = Math.max(2 ** 8 * UNIT_ROUNDOFF * Math.abs(center), smallest);
  let best = NONE;
  let [before, earlier] = [NaN, NaN];
  let [right2, left2] = [at(spread / 4), at(-spread / 4)];
  let jump = { value: 0, error: Infinity };
  let jumpBefore = NaN;
  for (let h = spread / 8; h >= finest; h /= 2) {
    const [right, left] = [at(h), at(-h)];
    const value = (8 * (right.value - left.value) - (right2.value - left2.value)) / (12 * h);
    const rounding = (8 * noise + 16 * UNIT_ROUNDOFF * size) / h + Math.abs(value) * inexact(center, h);
    const error = Math.max(4 * Math.abs(value - before), Math.abs(before - earlier) / 4) + rounding;
    // A fine structure, as that of a norm with a small eps, is not seen by large steps: then the smaller ones are believed.
    const isBelied = Math.abs(value - best.value) > 4 * (error + best.error);
    if (error < best.error || isBelied) best = { value, error, step: h };
    const jumps = (4 * (right.whole + left.whole) - (right2.whole + left2.whole) - 6 * middle) / (2 * h);
    const jumpError = 2 * Math.abs(jumps - jumpBefore) + 4 * rounding;
    if (jumpError < jump.error || isBelied) jump = { value: jumps, error: jumpError };
    [earlier, before, jumpBefore] = [before, value, jumps];
    [right2, left2] = [right, left];
  }
  return Math.abs(jump.value) > jump.error ? NONE : best;
}

/** Where center ± h or center ± 2h is not a double, the step is not what it was meant to be: by how much of h, at most. */
function inexact(center: number, h: number): number {
  const isExact = [h, -h, 2 * h, -2 * h].every((step) => center + step - center === step);
  return isExact ? 0 : (4 * UNIT_ROUNDOFF * Math.abs(center)) / h;
}

/**
 * How much each slope changes when all inputs move by an ulp: the largest change over some moves, each by a random part of
 * the step that the slopes were taken with, in proportion.
 */
function changesByAnUlp(
  lossNear: (place: string, at: () => readonly NdArray[]) => Loss,
  inputs: readonly NdArray[],
  found: readonly (readonly Slope[])[],
): readonly Float64Array[] {
  const changes = inputs.map(({ data }) => new Float64Array(data.length));
  const sizes = inputs.map(({ data }) => Array.from(data, Math.abs).reduce((max, x) => Math.max(max, x), 0));
  const parts = found.flatMap((slopes, k) =>
    slopes.flatMap(({ step }) => (step > 0 && (sizes[k] ?? 0) > 0 ? [step / (sizes[k] ?? 1)] : [])),
  );
  if (parts.length === 0) return changes;
  const part = Math.min(...parts);
  const cells = inputs.reduce((sum, { data }) => sum + data.length, 0);
  const ulps = (MOVED_BY * Math.sqrt(cells) * UNIT_ROUNDOFF) / part;
  const central = (loss: Loss, center: number, k: number, cell: number, h: number): number =>
    (loss(k, cell, center + h).value - loss(k, cell, center - h).value) / (2 * h);
  const here = lossNear("", () => inputs);
  const still = found.map((slopes, k) =>
    slopes.map(({ step }, cell) => central(here, inputs[k]?.data[cell] ?? NaN, k, cell, step)),
  );
  for (let move = 0; move < MOVES; move++) {
    const away = inputs.map(
      ({ data, shape }, k) =>
        new NdArray(
          Float64Array.from(data).map((x, i) => x + signAt(move, 31 * k + i) * part * Math.abs(x)),
          shape,
        ),
    );
    const loss = lossNear(`${move} ${part}`, () => away);
    found.forEach((slopes, k) => {
      slopes.forEach(({ step }, cell) => {
        const change =
          ulps * Math.abs(central(loss, away[k]?.data[cell] ?? NaN, k, cell, step) - (still[k]?.[cell] ?? NaN));
        const list = changes[k];
        if (list && change > (list[cell] ?? 0)) list[cell] = change;
      });
    });
  }
  return changes;
}

/** +1 or −1, neither all alike nor in a period that sizes have: bits of a multiplicative hash. */
function signAt(move: number, cell: number): number {
  const mixed = Math.imul((cell + 1) ^ Math.imul(move + 1, 0x9e3779b1), 0x85ebca6b);
  return ((mixed ^ (mixed >>> 15)) & 1) === 0 ? 1 : -1;
}

function nearOf(f: Forward, inputs: readonly NdArray[]): Near {
  const known = inputs.map(({ data }) => Array.from(data, () => new Map<number, NdArray>()));
  return (k, cell, value) => {
    const values = known[k]?.[cell];
    const found = values?.get(value) ?? f(moved(inputs, k, cell, value));
    values?.set(value, found);
    return found;
  };
}

function moved(inputs: readonly NdArray[], k: number, cell: number, value: number): readonly NdArray[] {
  return inputs.map((input, i) => {
    if (i !== k) return input;
    const data = Float64Array.from(input.data);
    data[cell] = value;
    return new NdArray(data, input.shape);
  });
}
