/** What the difference of two Jacobians looks like. Nothing here knows which op it is. */

/** Two Jacobians of one input, and how large a difference is no noise. */
export interface Pair {
  readonly exact: readonly Float64Array[];
  readonly analytic: readonly Float64Array[];
  /** Relative to the largest number. */
  readonly noise: number;
}

export function largest(rows: readonly Float64Array[]): number {
  return rows.reduce((max, row) => row.reduce((most, value) => Math.max(most, Math.abs(value)), max), 0);
}

export function differs({ exact, analytic, noise }: Pair): boolean {
  const floor = noise * largest(exact);
  return exact.some((row, i) => row.some((value, j) => !(Math.abs((analytic[i]?.[j] ?? NaN) - value) <= floor)));
}

/** Cells where the backward has a connection that the op has not: [output cell, input cell], or null. */
export function strayConnection({ exact, analytic, noise }: Pair): readonly [row: number, column: number] | null {
  const floor = noise * largest(exact);
  for (const [i, row] of exact.entries()) {
    const j = row.findIndex((value, k) => Math.abs(value) <= floor && Math.abs(analytic[i]?.[k] ?? 0) > 1e3 * floor);
    if (j >= 0) return [i, j];
  }
  return null;
}

/** For each input cell: is its gradient right, 0 where it should not be, or something else? */
export function columnsOf({ exact, analytic, noise }: Pair): readonly ("right" | "zero" | "wrong")[] {
  const floor = noise * largest(exact);
  return Array.from(exact[0] ?? [], (_, j) => {
    if (exact.every((row, i) => Math.abs((analytic[i]?.[j] ?? NaN) - (row[j] ?? NaN)) <= floor)) return "right";
    return analytic.every((row) => row[j] === 0) ? "zero" : "wrong";
  });
}

/** analytic / exact where exact is not tiny, one for each group of rows or columns; null where it is not constant. */
export function ratio(pair: Pair): number | null {
  if (constant(ratios(pair, (_, j) => j).flat(), pair.noise) === null) return null;
  // Of all cells, so that the rounding of one does not show in it.
  let [along, square] = [0, 0];
  pair.exact.forEach((row, i) => {
    row.forEach((value, j) => {
      along += value * ((pair.analytic[i]?.[j] ?? NaN) - value);
      square += value ** 2;
    });
  });
  return 1 + along / square;
}

/** The ratio of each row or of each column if it is constant along all of them. */
export function ratioBy(pair: Pair, along: "row" | "column"): readonly number[] | null {
  const groups = ratios(pair, along === "row" ? (i) => i : (_, j) => j).filter((group) => group.length > 0);
  const found = groups.map((group) => constant(group, pair.noise));
  const known = found.filter((value) => value !== null);
  return known.length === found.length && known.length > 0 && groups.some((group) => group.length > 1) ? known : null;
}

/** Whether each row, or each column, as a whole is one multiple of what it should be, and not one number of it alone. */
export function explains({ exact, analytic, noise }: Pair, along: "row" | "column"): boolean {
  const turned = (rows: readonly Float64Array[]): readonly Float64Array[] =>
    along === "row" ? rows : Array.from(rows[0] ?? [], (_, j) => Float64Array.from(rows, (row) => row[j] ?? NaN));
  const [right, wrong] = [turned(exact), turned(analytic)];
  const floor = 1e3 * noise * largest([...exact, ...analytic]);
  let several = 0;
  for (const [i, row] of right.entries()) {
    const square = row.reduce((sum, value) => sum + value ** 2, 0);
    const factor = square === 0 ? 0 : row.reduce((sum, value, j) => sum + value * (wrong[i]?.[j] ?? NaN), 0) / square;
    if (!row.every((value, j) => Math.abs((wrong[i]?.[j] ?? NaN) - factor * value) <= floor)) return false;
    if (row.filter((value) => Math.abs(value) > floor).length > 1) several++;
  }
  return 2 * several > right.length;
}

function ratios({ exact, analytic }: Pair, group: (row: number, column: number) => number): number[][] {
  const floor = 1e-3 * largest(exact);
  const found: number[][] = [];
  exact.forEach((row, i) => {
    row.forEach((value, j) => {
      if (Math.abs(value) > floor) (found[group(i, j)] ??= []).push((analytic[i]?.[j] ?? NaN) / value);
    });
  });
  return Array.from(found, (list) => list ?? []);
}

/** The one value that all have, or null. */
export function constant(values: readonly number[], noise: number): number | null {
  const [first] = values;
  if (first === undefined) return null;
  const close = 1e3 * noise * Math.max(1e-3, Math.abs(first));
  return values.every((value) => Math.abs(value - first) <= close) ? first : null;
}

/** Cells of x that reach the same outputs, directly or over others: the sets that share their statistics. */
export function setsOf({ exact, noise }: Pair): readonly (readonly number[])[] {
  const floor = noise * largest(exact);
  const columns = exact[0]?.length ?? 0;
  const root = Array.from({ length: columns }, (_, j) => j);
  const find = (j: number): number => {
    const parent = root[j] ?? j;
    return parent === j ? j : find(parent);
  };
  for (const row of exact) {
    const reached = Array.from(row.keys()).filter((j) => Math.abs(row[j] ?? 0) > floor);
    for (const j of reached) root[find(j)] = find(reached[0] ?? j);
  }
  const sets = new Map<number, number[]>();
  root.forEach((_, j) => sets.set(find(j), [...(sets.get(find(j)) ?? []), j]));
  return [...sets.values()];
}

/** Does a number that is added to all cells leave every output? Then there is a mean. */
export function centres({ exact }: Pair): boolean {
  const floor = 1e-6 * largest(exact);
  return exact.every((row) => Math.abs(row.reduce((sum, value) => sum + value, 0)) <= floor);
}

/** Is the error in what flows from a cell to another, and not only in what a cell does to its own output? */
function betweenDiffers({ exact, analytic, noise }: Pair): boolean {
  const without = (rows: readonly Float64Array[]): Float64Array[] => rows.map((row, i) => row.with(i, 0));
  return differs({ exact: without(exact), analytic: without(analytic), noise });
}

/** The one factor by which all that flows from a cell to another is off: ∂y_i/∂x_j for i ≠ j. Null if there is none. */
export function ratioBetween({ exact, analytic, noise }: Pair): number | null {
  const without = (rows: readonly Float64Array[]): Float64Array[] => rows.map((row, i) => row.with(i, 0));
  return ratio({ exact: without(exact), analytic: without(analytic), noise });
}

/**
 * The same where sets overlap or are mixed: along a slice of x the path through a mean is constant, and that through a
 * variance is linear in x, however many means and variances there are. So an error that is constant along every slice is one
 * of means. Null if the error is neither constant nor linear.
 */
export function errorAlong(
  { exact, analytic, noise }: Pair,
  x: ArrayLike<number>,
  slices: readonly (readonly number[])[],
): "constant" | "linear" | null {
  const scale = largest(exact);
  let steepest = 0;
  let fitted = 0;
  for (const [i, row] of exact.entries()) {
    for (const slice of slices) {
      const others = slice.filter((j) => j !== i);
      if (others.length < 3) continue;
      fitted++;
      const at = others.map((j) => x[j] ?? 0);
      const error = line(at, others.map((j) => (analytic[i]?.[j] ?? NaN) - (row[j] ?? NaN))); // prettier-ignore
      if (!(error.residual <= 1e3 * noise * scale)) return null;
      steepest = Math.max(steepest, Math.abs(error.slope) * (Math.max(...at) - Math.min(...at)));
    }
  }
  if (fitted === 0 || !betweenDiffers({ exact, analytic, noise })) return null;
  return steepest <= 1e3 * noise * scale ? "constant" : "linear";
}

/**
 * How the paths through mean and variance came out, as parts of what they should be. Null: the op has no such path;
 * Infinity: it has none, but the backward has.
 */
export interface PathParts {
  readonly mean: number | null;
  readonly variance: number | null;
}

/**
 * ∂y_i/∂x_j for i ≠ j of anything that centres and scales a set is a + b(x_j − x̄): a is the path through the mean, b the
 * one through the variance. So straight lines through both Jacobians show which of the two is wrong, and by what factor.
 * One answer for each set. Null if the lines do not fit, or if the factors are not the same in every row of a set.
 */
export function pathParts(
  pair: Pair,
  x: ArrayLike<number>,
  sets: readonly (readonly number[])[],
): readonly PathParts[] | null {
  const found = sets.map((set) => partsOfSet(pair, x, set));
  const known = found.filter((parts) => parts !== null);
  return known.length === found.length ? known : null;
}

function partsOfSet(pair: Pair, x: ArrayLike<number>, set: readonly number[]): PathParts | null {
  const noise = 1e3 * pair.noise;
  const center = set.reduce((sum, j) => sum + (x[j] ?? 0), 0) / set.length;
  const means: number[] = [];
  const variances: number[] = [];
  let strayMean = false;
  for (const i of set) {
    const others = set.filter((j) => j !== i);
    if (others.length < 3) return null;
    const at = others.map((j) => (x[j] ?? 0) - center);
    const [exact, analytic] = [pair.exact, pair.analytic].map((rows) => line(at, others.map((j) => rows[i]?.[j] ?? NaN))); // prettier-ignore
    if (exact === undefined || analytic === undefined) return null;
    const size = Math.max(exact.size, analytic.size);
    if (size === 0) continue;
    const floor = noise * size;
    if (!(exact.residual <= floor) || !(analytic.residual <= floor)) return null;
    const steep = (values: Line): number => Math.abs(values.slope) * (Math.max(...at) - Math.min(...at));
    if (steep(exact) > 1e-2 * size) variances.push(analytic.slope / exact.slope);
    // Without a mean the line goes through x_j = 0, which is −x̄ here.
    const atZero = (values: Line): number => Math.abs(values.intercept - values.slope * center);
    if (others.length > 3 && Math.abs(center) > 1e-3 && atZero(exact) <= floor) strayMean ||= atZero(analytic) > floor;
    else if (Math.abs(exact.intercept) > 1e-2 * size) means.push(analytic.intercept / exact.intercept);
  }
  const mean = constant(means, noise);
  const variance = constant(variances, noise);
  if ((mean === null && means.length > 0) || (variance === null && variances.length > 0)) return null;
  return { mean: strayMean ? Infinity : mean, variance };
}

interface Line {
  readonly intercept: number;
  readonly slope: number;
  /** The largest distance of a value from the line, and the largest value. */
  readonly residual: number;
  readonly size: number;
}

/** Least squares. */
function line(at: readonly number[], values: readonly number[]): Line {
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  const [middle, level] = [mean(at), mean(values)];
  const moment = mean(at.map((a) => (a - middle) ** 2));
  const slope = moment === 0 ? 0 : mean(at.map((a, i) => (a - middle) * ((values[i] ?? 0) - level))) / moment;
  const intercept = level - slope * middle;
  return {
    intercept,
    slope,
    residual: Math.max(...values.map((value, i) => Math.abs(value - intercept - slope * (at[i] ?? 0)))),
    size: Math.max(...values.map(Math.abs)),
  };
}
